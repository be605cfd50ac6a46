#!/usr/bin/env bash
# must-stay-red: all-on-issuer-2
# Only the server is restarted; the caller still presents the old issuer’s certificate.
set -euo pipefail
until kubectl -n linkerd get events --field-selector reason=IssuerUpdated -o name | grep . >/dev/null; do sleep 1; done

kubectl -n shop rollout restart deployment/api
kubectl -n shop rollout status deployment/api --timeout=2m
