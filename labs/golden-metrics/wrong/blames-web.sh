#!/usr/bin/env bash
# must-stay-red: failures-found
# The customers see the failures of web, so web it is.
# answer where-failures-begin: web
# answer middle-request: 350
# answer after-retries: It stays as it is
set -euo pipefail
kubectl -n shop set env deployment/prices PODINFO_RANDOM_DELAY-
kubectl -n shop rollout status deployment/prices --timeout=2m
kubectl -n shop annotate service stock retry.linkerd.io/http=5xx retry.linkerd.io/limit=6
