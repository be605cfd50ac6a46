#!/usr/bin/env bash
# must-stay-red: reports-is-reports
# Both run as web; the next policy for web will be one for reports too.
set -euo pipefail
kubectl -n shop create serviceaccount web
for name in web reports; do
  kubectl -n shop set serviceaccount deployment "$name" web
  kubectl -n shop rollout status "deployment/$name" --timeout=2m
done
