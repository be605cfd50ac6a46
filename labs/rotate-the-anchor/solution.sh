#!/usr/bin/env bash
# Trust both; sign with the new; present the new; trust only the new. Every stage is finished before the next begins.
set -euo pipefail
# Makes the pods of a namespace anew, a few at a time, and waits until the last old one is gone.
restart() {
  # kubectl refuses a second restart within the same second.
  sleep 1
  kubectl -n "$1" rollout restart deployment
  for name in $(kubectl -n "$1" get deployment -o name); do kubectl -n "$1" rollout status "$name" --timeout=2m; done
  while kubectl -n "$1" get pods | grep Terminating >/dev/null; do sleep 1; done
}
step certificate create root.linkerd.cluster.local anchor-2.crt anchor-2.key \
  --profile root-ca --not-after 87600h --no-password --insecure --force

# 1. Both anchors are trusted, everywhere.
cat ca.crt anchor-2.crt > bundle.crt
linkerd upgrade --identity-trust-anchors-file bundle.crt | kubectl apply -f -
for name in identity destination proxy-injector; do kubectl -n linkerd rollout status "deployment/linkerd-$name" --timeout=2m; done
# An injector on its way out goes on injecting the bundle that it was made with.
while kubectl -n linkerd get pods | grep Terminating >/dev/null; do sleep 1; done
restart shop
# 2. The new issuer signs.
step certificate create identity.linkerd.cluster.local issuer-2.crt issuer-2.key \
  --profile intermediate-ca --not-after 8760h --no-password --insecure --force --ca anchor-2.crt --ca-key anchor-2.key
linkerd upgrade --identity-issuer-certificate-file issuer-2.crt --identity-issuer-key-file issuer-2.key | kubectl apply -f -
until kubectl -n linkerd get events --field-selector reason=IssuerUpdated -o name | grep . >/dev/null; do sleep 1; done
# 3. Every pod presents a certificate of the new issuer.
restart shop
# 4. Only the new anchor is trusted.
linkerd upgrade --identity-trust-anchors-file anchor-2.crt | kubectl apply -f -
for name in identity destination proxy-injector; do kubectl -n linkerd rollout status "deployment/linkerd-$name" --timeout=2m; done
while kubectl -n linkerd get pods | grep Terminating >/dev/null; do sleep 1; done
restart shop
