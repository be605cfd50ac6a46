#!/usr/bin/env bash
# must-stay-red: everyone-trusts-both
# Every Deployment is restarted once more. The pod belongs to none.
set -euo pipefail
# Makes the pods of a namespace anew, a few at a time, and waits until the last old one is gone.
restart() {
  # kubectl refuses a second restart within the same second.
  sleep 1
  kubectl -n "$1" rollout restart deployment
  for name in $(kubectl -n "$1" get deployment -o name); do kubectl -n "$1" rollout status "$name" --timeout=2m; done
  while kubectl -n "$1" get pods | grep Terminating >/dev/null; do sleep 1; done
}
restart shop
kubectl -n tools rollout restart deployment || true
