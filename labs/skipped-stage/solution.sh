#!/usr/bin/env bash
# The way back is forward: everything is made anew, and all are on the same side.
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
