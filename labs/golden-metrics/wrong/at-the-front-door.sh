#!/usr/bin/env bash
# must-stay-red: seldom-seen
# Retries where the customers ask: each of them goes through web again, and what web is told by stock does not change.
# answer where-failures-begin: stock
# answer middle-request: 350
# answer after-retries: It stays as it is
set -euo pipefail
kubectl -n shop set env deployment/prices PODINFO_RANDOM_DELAY-
kubectl -n shop rollout status deployment/prices --timeout=2m
kubectl -n shop annotate service web retry.linkerd.io/http=5xx retry.linkerd.io/limit=6
