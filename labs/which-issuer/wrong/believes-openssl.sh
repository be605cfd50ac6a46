#!/usr/bin/env bash
# must-stay-red: faults-named
# Whatever verifies is taken for good; nobody asked about the key, or whether it may sign.
set -euo pipefail
kubectl -n shop create configmap issuers --from-literal=from-backup=expired --from-literal=from-laptop=good \
  --from-literal=from-mail=unreadable --from-literal=from-staging=stranger --from-literal=from-vault=good --from-literal=from-ticket=good
