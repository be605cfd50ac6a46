#!/usr/bin/env bash
# must-stay-red: web-is-web
# The accounts exist, and no pod runs as them.
set -euo pipefail
kubectl -n shop create serviceaccount web
kubectl -n shop create serviceaccount reports
kubectl -n shop rollout restart deployment
for name in web reports; do kubectl -n shop rollout status "deployment/$name" --timeout=2m; done
