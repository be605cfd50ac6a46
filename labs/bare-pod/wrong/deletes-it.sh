#!/usr/bin/env bash
# must-stay-red: everyone-trusts-both
# The pod is gone, and whoever used it will ask for it.
set -euo pipefail
kubectl -n tools delete pod toolbox --grace-period=1
step certificate create identity.linkerd.cluster.local issuer-2.crt issuer-2.key \
  --profile intermediate-ca --not-after 8760h --no-password --insecure --force --ca anchor-2.crt --ca-key anchor-2.key
linkerd upgrade --identity-issuer-certificate-file issuer-2.crt --identity-issuer-key-file issuer-2.key | kubectl apply -f -
