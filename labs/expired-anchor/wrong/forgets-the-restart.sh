#!/usr/bin/env bash
# must-stay-red: workloads-anew
# Anchor and issuer are new, and the pods still believe the old ones.
set -euo pipefail
kubectl -n shop rollout restart deployment/web
until kubectl -n linkerd get events --field-selector reason=IssuerValidationFailed -o name | grep . >/dev/null; do sleep 1; done
kubectl -n shop rollout undo deployment/web
step certificate create root.linkerd.cluster.local new-anchor.crt new-anchor.key \
  --profile root-ca --not-after 87600h --no-password --insecure --force
step certificate create identity.linkerd.cluster.local new-issuer.crt new-issuer.key \
  --profile intermediate-ca --not-after 8760h --no-password --insecure --force --ca new-anchor.crt --ca-key new-anchor.key
linkerd upgrade --force --identity-trust-anchors-file new-anchor.crt \
  --identity-issuer-certificate-file new-issuer.crt --identity-issuer-key-file new-issuer.key | kubectl apply -f -
for name in identity destination proxy-injector; do kubectl -n linkerd rollout status "deployment/linkerd-$name" --timeout=2m; done
