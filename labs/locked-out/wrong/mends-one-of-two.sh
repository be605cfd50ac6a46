#!/usr/bin/env bash
# must-stay-red: web-and-nobody-else
# The reference is right now; the path still lacks a letter.
set -euo pipefail
kubectl -n shop patch authorizationpolicy web-reads-orders --type=json \
  -p '[{"op": "replace", "path": "/spec/requiredAuthenticationRefs/0/name", "value": "web"}]'
