#!/usr/bin/env bash
# must-stay-red: nothing-lost
# Anchor and issuer in one step: pods that were restarted and pods that were not do not believe each other.
set -euo pipefail
step certificate create root.linkerd.cluster.local anchor-2.crt anchor-2.key \
  --profile root-ca --not-after 87600h --no-password --insecure --force
step certificate create identity.linkerd.cluster.local issuer-2.crt issuer-2.key \
  --profile intermediate-ca --not-after 8760h --no-password --insecure --force --ca anchor-2.crt --ca-key anchor-2.key

linkerd upgrade --force --identity-trust-anchors-file anchor-2.crt \
  --identity-issuer-certificate-file issuer-2.crt --identity-issuer-key-file issuer-2.key | kubectl apply -f -
for name in identity destination proxy-injector; do kubectl -n linkerd rollout status "deployment/linkerd-$name" --timeout=2m; done
kubectl -n shop rollout restart deployment/api
kubectl -n shop rollout status deployment/api --timeout=2m
# One after the other, with a look in between: until somebody complains.
until kubectl -n shop logs deployment/load -c load --tail=50 | grep -E '^(000|5..) ' >/dev/null; do sleep 1; done
for name in web load; do
  kubectl -n shop rollout restart "deployment/$name"
  kubectl -n shop rollout status "deployment/$name" --timeout=2m
done
