#!/usr/bin/env bash
# Write down the faults, then install the one that has none.
set -euo pipefail
linkerd upgrade --identity-issuer-certificate-file from-ticket/issuer.crt --identity-issuer-key-file from-ticket/issuer.key > upgrade.yaml
kubectl -n shop create configmap issuers --from-literal=from-backup=expired --from-literal=from-laptop=not-a-ca \
  --from-literal=from-mail=unreadable --from-literal=from-staging=stranger --from-literal=from-vault=wrong-key --from-literal=from-ticket=good
kubectl apply -f upgrade.yaml
until kubectl -n linkerd get events --field-selector reason=IssuerUpdated -o name | grep . >/dev/null; do sleep 1; done
