#!/usr/bin/env bash
# must-stay-red: all-on-issuer-2
# The new issuer is there, and the pods are expected to help themselves.
set -euo pipefail
academy clock advance 73h
kubectl -n shop rollout restart deployment/web
until kubectl -n linkerd get events --field-selector reason=IssuerValidationFailed -o name | grep . >/dev/null; do sleep 1; done
step certificate create identity.linkerd.cluster.local issuer-2.crt issuer-2.key \
  --profile intermediate-ca --not-after 8760h --no-password --insecure --force --ca ca.crt --ca-key ca.key
linkerd upgrade --identity-issuer-certificate-file issuer-2.crt --identity-issuer-key-file issuer-2.key | kubectl apply -f -
until kubectl -n linkerd get events --field-selector reason=IssuerUpdated -o name | grep . >/dev/null; do sleep 1; done
