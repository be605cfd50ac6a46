#!/usr/bin/env bash
# must-stay-red: seldom-seen
# One repetition is what you get when you name no limit. Of two failures in four, it leaves one.
# answer where-failures-begin: stock
# answer middle-request: 350
# answer after-retries: It rises
set -euo pipefail
kubectl -n shop set env deployment/prices PODINFO_RANDOM_DELAY-
kubectl -n shop rollout status deployment/prices --timeout=2m
kubectl -n shop annotate service stock retry.linkerd.io/http=5xx
# Until what was counted before is out of sight.
sleep 26
