#!/usr/bin/env bash
# must-stay-red: issuer-fits
# The identity service is made to read the Secret, and finds nothing that it can use.
set -euo pipefail
kubectl -n linkerd rollout restart deployment/linkerd-identity
kubectl -n linkerd rollout status deployment/linkerd-identity --timeout=10s || true
