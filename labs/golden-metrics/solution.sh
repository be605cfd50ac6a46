#!/usr/bin/env bash
# Take away the delay that a load test left behind; have web repeat what may be repeated, often enough.
# any order
# answer where-failures-begin: stock
# answer middle-request: 350
# answer after-retries: It stays as it is
set -euo pipefail
kubectl -n shop set env deployment/prices PODINFO_RANDOM_DELAY-
kubectl -n shop rollout status deployment/prices --timeout=2m
kubectl -n shop annotate service stock retry.linkerd.io/http=5xx retry.linkerd.io/limit=6
