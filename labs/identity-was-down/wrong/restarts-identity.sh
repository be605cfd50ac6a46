#!/usr/bin/env bash
# must-stay-red: fresh-certificates
# The one pod that is young already is made anew again.
set -euo pipefail
kubectl -n linkerd rollout restart deployment/linkerd-identity
kubectl -n linkerd rollout status deployment/linkerd-identity --timeout=2m
