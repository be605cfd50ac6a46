#!/usr/bin/env bash
# must-stay-red: good-one-installed
# The name of its anchor is right, and the key that signed it is a stranger’s.
set -euo pipefail
kubectl -n shop create configmap issuers --from-literal=from-backup=expired --from-literal=from-laptop=not-a-ca \
  --from-literal=from-mail=unreadable --from-literal=from-staging=stranger --from-literal=from-vault=wrong-key --from-literal=from-ticket=good
kubectl -n linkerd create secret generic linkerd-identity-issuer \
  --from-file=crt.pem=from-staging/issuer.crt --from-file=key.pem=from-staging/issuer.key --dry-run=client -o yaml | kubectl apply -f -
until kubectl -n linkerd get events --field-selector reason=IssuerUpdateSkipped -o name | grep . >/dev/null; do sleep 1; done
