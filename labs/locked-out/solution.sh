#!/usr/bin/env bash
# Two faults: a path with a letter missing, and a name that nothing has.
# any order
set -euo pipefail
kubectl -n shop patch httproute.gateway.networking.k8s.io orders --type=json \
  -p '[{"op": "replace", "path": "/spec/rules/0/matches/0/path/value", "value": "/orders"}]'
kubectl -n shop patch authorizationpolicy web-reads-orders --type=json \
  -p '[{"op": "replace", "path": "/spec/requiredAuthenticationRefs/0/name", "value": "web"}]'
