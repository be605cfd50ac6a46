#!/usr/bin/env bash
# Let it expire, see the refusal, then rotate the issuer and make the pods anew.
set -euo pipefail
# Makes the pods of a namespace anew, a few at a time, and waits until the last old one is gone.
restart() {
  # kubectl refuses a second restart within the same second.
  sleep 1
  kubectl -n "$1" rollout restart deployment
  for name in $(kubectl -n "$1" get deployment -o name); do kubectl -n "$1" rollout status "$name" --timeout=2m; done
  while kubectl -n "$1" get pods | grep Terminating >/dev/null; do sleep 1; done
}

academy clock advance 73h
kubectl -n shop rollout restart deployment/web
until kubectl -n linkerd get events --field-selector reason=IssuerValidationFailed -o name | grep . >/dev/null; do sleep 1; done
step certificate create identity.linkerd.cluster.local issuer-2.crt issuer-2.key \
  --profile intermediate-ca --not-after 8760h --no-password --insecure --force --ca ca.crt --ca-key ca.key
linkerd upgrade --identity-issuer-certificate-file issuer-2.crt --identity-issuer-key-file issuer-2.key | kubectl apply -f -
until kubectl -n linkerd get events --field-selector reason=IssuerUpdated -o name | grep . >/dev/null; do sleep 1; done
restart shop
