#!/usr/bin/env bash
# must-stay-red: quick-again
# Three slow ones are as slow as one: the number of requests was never the reason.
# answer where-failures-begin: stock
# answer middle-request: 350
# answer after-retries: It falls
set -euo pipefail
kubectl -n shop scale deployment/prices --replicas=3
kubectl -n shop rollout status deployment/prices --timeout=2m
kubectl -n shop annotate service stock retry.linkerd.io/http=5xx retry.linkerd.io/limit=6
