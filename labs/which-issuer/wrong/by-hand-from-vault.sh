#!/usr/bin/env bash
# must-stay-red: loaded
# The certificate fits the anchor; the key beside it belongs to another.
set -euo pipefail
kubectl -n shop create configmap issuers --from-literal=from-backup=expired --from-literal=from-laptop=not-a-ca \
  --from-literal=from-mail=unreadable --from-literal=from-staging=stranger --from-literal=from-vault=wrong-key --from-literal=from-ticket=good
kubectl -n linkerd create secret generic linkerd-identity-issuer \
  --from-file=crt.pem=from-vault/issuer.crt --from-file=key.pem=from-vault/issuer.key --dry-run=client -o yaml | kubectl apply -f -
until kubectl -n linkerd get events --field-selector reason=IssuerUpdateSkipped -o name | grep . >/dev/null; do sleep 1; done
