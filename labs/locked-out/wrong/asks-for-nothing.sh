#!/usr/bin/env bash
# must-stay-red: web-and-nobody-else
# The policy asks for no authentication at all, and everybody may read orders.
set -euo pipefail
kubectl -n shop patch httproute.gateway.networking.k8s.io orders --type=json \
  -p '[{"op": "replace", "path": "/spec/rules/0/matches/0/path/value", "value": "/orders"}]'
kubectl -n shop patch authorizationpolicy web-reads-orders --type=merge -p '{"spec": {"requiredAuthenticationRefs": []}}'
