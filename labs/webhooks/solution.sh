#!/usr/bin/env bash
# Render the mesh anew, so that both halves fit; then what was made meanwhile is made again, and what was stored is looked through.
set -euo pipefail
linkerd upgrade | kubectl apply -f -
for name in destination proxy-injector; do kubectl -n linkerd rollout status "deployment/linkerd-$name" --timeout=2m; done
until kubectl -n shop run trial --image=curlimages/curl:8.16.0 --dry-run=server -o yaml --command -- sleep infinity | grep linkerd-proxy >/dev/null; do sleep 1; done
kubectl -n shop rollout restart deployment/web
kubectl -n shop rollout status deployment/web --timeout=2m
kubectl -n shop delete networkauthentication office
