#!/usr/bin/env bash
# must-stay-red: new-issuer
# Everything is made anew before there is anyone who could sign.
set -euo pipefail
academy clock advance 73h
kubectl -n shop rollout restart deployment
until kubectl -n linkerd get events --field-selector reason=IssuerValidationFailed -o name | grep . >/dev/null; do sleep 1; done
