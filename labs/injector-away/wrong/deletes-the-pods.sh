#!/usr/bin/env bash
# must-stay-red: nothing-lost
# The pods are thrown away instead of replaced.
set -euo pipefail
linkerd upgrade --set webhookFailurePolicy=Fail | kubectl apply -f -
for name in identity destination proxy-injector; do kubectl -n linkerd rollout status "deployment/linkerd-$name" --timeout=2m; done
kubectl -n shop scale deployment/api --replicas=0
until kubectl -n shop logs deployment/load -c load --tail=50 | grep -E '^(000|5..) ' >/dev/null; do sleep 1; done
kubectl -n shop scale deployment/api --replicas=2
kubectl -n shop rollout status deployment/api --timeout=2m
