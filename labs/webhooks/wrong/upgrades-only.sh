#!/usr/bin/env bash
# must-stay-red: every-pod-has-a-proxy
# The webhooks are believed again; the pod that was made meanwhile stays as it was made.
set -euo pipefail
linkerd upgrade | kubectl apply -f -
for name in destination proxy-injector; do kubectl -n linkerd rollout status "deployment/linkerd-$name" --timeout=2m; done
kubectl -n shop delete networkauthentication office
