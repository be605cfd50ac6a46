#!/usr/bin/env bash
# A new issuer under the same anchor, installed; then the event, and only then the restart.
set -euo pipefail
step certificate create identity.linkerd.cluster.local issuer-2.crt issuer-2.key \
  --profile intermediate-ca --not-after 8760h --no-password --insecure --force --ca ca.crt --ca-key ca.key
linkerd upgrade --identity-issuer-certificate-file issuer-2.crt --identity-issuer-key-file issuer-2.key | kubectl apply -f -
until kubectl -n linkerd get events --field-selector reason=IssuerUpdated -o name | grep . >/dev/null; do sleep 1; done
kubectl -n shop rollout restart deployment
kubectl -n shop rollout status deployment/api --timeout=2m
kubectl -n shop rollout status deployment/web --timeout=2m
kubectl -n shop rollout status deployment/load --timeout=2m
