#!/usr/bin/env bash
# must-stay-red: nonsense-gone
# Whoever refuses nonsense today is not asked about what was stored yesterday.
set -euo pipefail
linkerd upgrade | kubectl apply -f -
for name in destination proxy-injector; do kubectl -n linkerd rollout status "deployment/linkerd-$name" --timeout=2m; done
until kubectl -n shop run trial --image=curlimages/curl:8.16.0 --dry-run=server -o yaml --command -- sleep infinity | grep linkerd-proxy >/dev/null; do sleep 1; done
kubectl -n shop rollout restart deployment/web
kubectl -n shop rollout status deployment/web --timeout=2m
