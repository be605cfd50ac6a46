#!/usr/bin/env bash
# First the rule for next time, then, when the injector is back, the pods.
# any order
set -euo pipefail
linkerd upgrade --set webhookFailurePolicy=Fail | kubectl apply -f -
for name in identity destination proxy-injector; do kubectl -n linkerd rollout status "deployment/linkerd-$name" --timeout=2m; done
kubectl -n shop rollout restart deployment/api
kubectl -n shop rollout status deployment/api --timeout=2m
