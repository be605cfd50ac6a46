#!/usr/bin/env bash
# The first stage of a rotation: both anchors are trusted, and all Deployments were restarted. One pod belongs to none.
set -euo pipefail
for name in api web; do kubectl -n shop rollout status "deployment/$name" --timeout=2m; done
kubectl -n tools run toolbox --image=curlimages/curl:8.16.0 --command -- sleep infinity
kubectl -n tools wait --for=condition=Ready pod/toolbox --timeout=1m
step certificate create root.linkerd.cluster.local anchor-2.crt anchor-2.key \
  --profile root-ca --not-after 87600h --no-password --insecure --force
cat ca.crt anchor-2.crt > bundle.crt
linkerd upgrade --identity-trust-anchors-file bundle.crt | kubectl apply -f -
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
# kubectl refuses a second restart within the same second, and whoever types fast would meet that.
sleep 1
