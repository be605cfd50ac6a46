#!/usr/bin/env bash
# must-stay-red: new-issuer
# An issuer of another anchor, put into the Secret by hand: identity skips it.
set -euo pipefail
step certificate create root.example other-ca.crt other-ca.key --profile root-ca --no-password --insecure --force
step certificate create identity.linkerd.cluster.local issuer-2.crt issuer-2.key \
  --profile intermediate-ca --not-after 8760h --no-password --insecure --force --ca other-ca.crt --ca-key other-ca.key
kubectl -n linkerd create secret generic linkerd-identity-issuer \
  --from-file=crt.pem=issuer-2.crt --from-file=key.pem=issuer-2.key --dry-run=client -o yaml | kubectl apply -f -
until kubectl -n linkerd get events --field-selector reason=IssuerUpdateSkipped -o name | grep . >/dev/null; do sleep 1; done
kubectl -n shop rollout restart deployment
kubectl -n shop rollout status deployment/api --timeout=2m
