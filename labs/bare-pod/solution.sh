#!/usr/bin/env bash
# The pod is made anew by hand, since nobody else will; then the rotation goes on.
set -euo pipefail
kubectl -n tools delete pod toolbox --grace-period=1
kubectl -n tools run toolbox --image=curlimages/curl:8.16.0 --command -- sleep infinity
kubectl -n tools wait --for=condition=Ready pod/toolbox --timeout=1m
step certificate create identity.linkerd.cluster.local issuer-2.crt issuer-2.key \
  --profile intermediate-ca --not-after 8760h --no-password --insecure --force --ca anchor-2.crt --ca-key anchor-2.key
linkerd upgrade --identity-issuer-certificate-file issuer-2.crt --identity-issuer-key-file issuer-2.key | kubectl apply -f -
