#!/usr/bin/env bash
# must-stay-red: all-on-issuer-2
# All of api changes sides, and web is alone on the other.
set -euo pipefail
kubectl -n shop rollout restart deployment/api
kubectl -n shop rollout status deployment/api --timeout=2m
