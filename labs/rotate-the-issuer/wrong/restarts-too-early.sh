#!/usr/bin/env bash
# must-stay-red: all-on-issuer-2
# Restarts before the identity service has read the new issuer: the new pods get certificates of the old one.
set -euo pipefail
step certificate create identity.linkerd.cluster.local issuer-2.crt issuer-2.key \
  --profile intermediate-ca --not-after 8760h --no-password --insecure --force --ca ca.crt --ca-key ca.key
linkerd upgrade --identity-issuer-certificate-file issuer-2.crt --identity-issuer-key-file issuer-2.key | kubectl apply -f -
for name in identity destination proxy-injector; do kubectl -n linkerd rollout status "deployment/linkerd-$name" --timeout=1m; done
kubectl -n shop rollout restart deployment
kubectl -n shop rollout status deployment/api --timeout=2m
kubectl -n shop rollout status deployment/web --timeout=2m
kubectl -n shop rollout status deployment/load --timeout=2m
