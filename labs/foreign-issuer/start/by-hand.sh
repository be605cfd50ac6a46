#!/usr/bin/env bash
# An issuer of another anchor, put into the Secret by hand: the identity service refuses it and goes on with the old one.
set -euo pipefail
for name in api web; do kubectl -n shop rollout status "deployment/$name" --timeout=2m; done
mkdir -p elsewhere
step certificate create root.staging.example elsewhere/ca.crt elsewhere/ca.key \
  --profile root-ca --not-after 87600h --no-password --insecure --force
step certificate create identity.linkerd.cluster.local elsewhere/issuer.crt elsewhere/issuer.key \
  --profile intermediate-ca --not-after 8760h --no-password --insecure --force --ca elsewhere/ca.crt --ca-key elsewhere/ca.key
kubectl -n linkerd create secret generic linkerd-identity-issuer \
  --from-file=crt.pem=elsewhere/issuer.crt --from-file=key.pem=elsewhere/issuer.key --dry-run=client -o yaml | kubectl apply -f -
until kubectl -n linkerd get events --field-selector reason=IssuerUpdateSkipped -o name | grep . >/dev/null; do sleep 1; done
rm -r elsewhere
