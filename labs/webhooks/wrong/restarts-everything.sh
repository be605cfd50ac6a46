#!/usr/bin/env bash
# must-stay-red: webhooks-believed
# Everything is started again and finds the same two halves that do not fit.
set -euo pipefail
kubectl -n linkerd rollout restart deployment
for name in identity destination proxy-injector; do kubectl -n linkerd rollout status "deployment/linkerd-$name" --timeout=2m; done
kubectl -n shop rollout restart deployment/web
kubectl -n shop rollout status deployment/web --timeout=2m
