#!/usr/bin/env bash
# must-stay-red: new-anchor
# A new issuer under the anchor that ended: nobody takes it, not even by force.
set -euo pipefail
kubectl -n shop rollout restart deployment/web
until kubectl -n linkerd get events --field-selector reason=IssuerValidationFailed -o name | grep . >/dev/null; do sleep 1; done
step certificate create identity.linkerd.cluster.local new-issuer.crt new-issuer.key \
  --profile intermediate-ca --not-after 8760h --no-password --insecure --force --ca anchor.crt --ca-key anchor.key
linkerd upgrade --force --identity-issuer-certificate-file new-issuer.crt --identity-issuer-key-file new-issuer.key > upgrade.yaml || true
