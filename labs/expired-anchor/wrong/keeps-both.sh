#!/usr/bin/env bash
# must-stay-red: new-anchor
# As in a rotation, the old anchor stays in the bundle. It has ended, and so have soon all that it vouches for.
set -euo pipefail
kubectl -n shop rollout restart deployment/web
until kubectl -n linkerd get events --field-selector reason=IssuerValidationFailed -o name | grep . >/dev/null; do sleep 1; done
step certificate create root.linkerd.cluster.local new-anchor.crt new-anchor.key \
  --profile root-ca --not-after 87600h --no-password --insecure --force
step certificate create identity.linkerd.cluster.local new-issuer.crt new-issuer.key \
  --profile intermediate-ca --not-after 8760h --no-password --insecure --force --ca new-anchor.crt --ca-key new-anchor.key
cat anchor.crt new-anchor.crt > bundle.crt
linkerd upgrade --force --identity-trust-anchors-file bundle.crt \
  --identity-issuer-certificate-file new-issuer.crt --identity-issuer-key-file new-issuer.key | kubectl apply -f -
kubectl -n linkerd rollout restart deployment
for name in identity destination proxy-injector; do kubectl -n linkerd rollout status "deployment/linkerd-$name" --timeout=2m; done
