#!/usr/bin/env bash
# must-stay-red: nothing-lost
# All pods get their proxies, and for a moment nobody answers.
set -euo pipefail
kubectl annotate namespace shop linkerd.io/inject=enabled
kubectl -n shop patch deployment printer --type=json \
  -p '[{"op": "remove", "path": "/spec/template/metadata/annotations"}]'
kubectl -n shop delete pods -l 'app in (api, web)' --grace-period=0 --force
for name in api web printer; do kubectl -n shop rollout status "deployment/$name" --timeout=2m; done
kubectl -n shop rollout restart deployment/load
kubectl -n shop rollout status deployment/load --timeout=2m
