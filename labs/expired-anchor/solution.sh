#!/usr/bin/env bash
# Anchor and issuer anew, together and by force, and then every pod.
set -euo pipefail
# Makes the pods of a namespace anew, a few at a time, and waits until the last old one is gone.
restart() {
  # kubectl refuses a second restart within the same second.
  sleep 1
  kubectl -n "$1" rollout restart deployment
  for name in $(kubectl -n "$1" get deployment -o name); do kubectl -n "$1" rollout status "$name" --timeout=2m; done
  while kubectl -n "$1" get pods | grep Terminating >/dev/null; do sleep 1; done
}
kubectl -n shop rollout restart deployment/web
until kubectl -n linkerd get events --field-selector reason=IssuerValidationFailed -o name | grep . >/dev/null; do sleep 1; done
step certificate create root.linkerd.cluster.local new-anchor.crt new-anchor.key \
  --profile root-ca --not-after 87600h --no-password --insecure --force
step certificate create identity.linkerd.cluster.local new-issuer.crt new-issuer.key \
  --profile intermediate-ca --not-after 8760h --no-password --insecure --force --ca new-anchor.crt --ca-key new-anchor.key
linkerd upgrade --force --identity-trust-anchors-file new-anchor.crt \
  --identity-issuer-certificate-file new-issuer.crt --identity-issuer-key-file new-issuer.key | kubectl apply -f -
restart linkerd
restart shop
