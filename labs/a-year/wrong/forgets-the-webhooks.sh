#!/usr/bin/env bash
# must-stay-red: check-is-clean
# One issuer for ten years, on the first day. Nobody makes the webhooks' certificates anew.
set -euo pipefail
step certificate create identity.linkerd.cluster.local issuer.crt issuer.key \
  --profile intermediate-ca --not-after 87000h --no-password --insecure --force --ca ca.crt --ca-key ca.key
linkerd upgrade --identity-issuer-certificate-file issuer.crt --identity-issuer-key-file issuer.key | kubectl apply -f -
for name in destination proxy-injector; do kubectl -n linkerd rollout status "deployment/linkerd-$name" --timeout=2m; done
academy clock advance 15m
academy clock advance 8900h
