#!/usr/bin/env bash
# A new issuer long before the last one ends, three times. No pod is restarted.
# any order
set -euo pipefail
# Lets hours pass, then installs an issuer of half a year and gives the identity service a quarter of an hour to read it.
rotate_after() {
  academy clock advance "$1"
  step certificate create identity.linkerd.cluster.local issuer.crt issuer.key \
    --profile intermediate-ca --not-after 4320h --no-password --insecure --force --ca ca.crt --ca-key ca.key
  linkerd upgrade --identity-issuer-certificate-file issuer.crt --identity-issuer-key-file issuer.key | kubectl apply -f -
  for name in destination proxy-injector; do kubectl -n linkerd rollout status "deployment/linkerd-$name" --timeout=2m; done
  academy clock advance 15m
}
rotate_after 2000h
rotate_after 3600h
rotate_after 3600h
