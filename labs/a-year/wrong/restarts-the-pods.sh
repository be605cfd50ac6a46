#!/usr/bin/env bash
# must-stay-red: a-year-of-renewals
# Each rotation ends with new pods, which it does not need; none of them sees a year.
set -euo pipefail
for hours in 2000h 3600h 3600h; do
  academy clock advance "$hours"
  step certificate create identity.linkerd.cluster.local issuer.crt issuer.key \
    --profile intermediate-ca --not-after 4320h --no-password --insecure --force --ca ca.crt --ca-key ca.key
  linkerd upgrade --identity-issuer-certificate-file issuer.crt --identity-issuer-key-file issuer.key | kubectl apply -f -
  for name in destination proxy-injector; do kubectl -n linkerd rollout status "deployment/linkerd-$name" --timeout=2m; done
  academy clock advance 15m
  kubectl -n shop rollout restart deployment api web
  for name in api web; do kubectl -n shop rollout status "deployment/$name" --timeout=2m; done
done
