#!/usr/bin/env bash
# must-stay-red: refused-next-time
# The pods are back in the mesh, and the next night will be like the last.
set -euo pipefail
kubectl -n shop rollout restart deployment/api
kubectl -n shop rollout status deployment/api --timeout=2m
