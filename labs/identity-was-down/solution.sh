#!/usr/bin/env bash
# Everything that held a certificate over the gap is made anew, the control plane first.
set -euo pipefail
kubectl -n linkerd rollout restart deployment/linkerd-destination deployment/linkerd-proxy-injector
for name in identity destination proxy-injector; do kubectl -n linkerd rollout status "deployment/linkerd-$name" --timeout=2m; done
# An injector on its way out goes on injecting the bundle that it was made with.
while kubectl -n linkerd get pods | grep Terminating >/dev/null; do sleep 1; done
# Makes the pods of a namespace anew, a few at a time, and waits until the last old one is gone.
restart() {
  # kubectl refuses a second restart within the same second.
  sleep 1
  kubectl -n "$1" rollout restart deployment
  for name in $(kubectl -n "$1" get deployment -o name); do kubectl -n "$1" rollout status "$name" --timeout=2m; done
  while kubectl -n "$1" get pods | grep Terminating >/dev/null; do sleep 1; done
}
restart shop
