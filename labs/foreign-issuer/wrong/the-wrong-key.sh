#!/usr/bin/env bash
# must-stay-red: loaded
# The right certificate, with the key of another: it can’t be read, and the event says so.
set -euo pipefail
step certificate create identity.linkerd.cluster.local issuer-2.crt issuer-2.key \
  --profile intermediate-ca --not-after 8760h --no-password --insecure --force --ca ca.crt --ca-key ca.key
step certificate create identity.linkerd.cluster.local issuer-3.crt issuer-3.key \
  --profile intermediate-ca --not-after 8760h --no-password --insecure --force --ca ca.crt --ca-key ca.key
kubectl -n linkerd create secret generic linkerd-identity-issuer \
  --from-file=crt.pem=issuer-2.crt --from-file=key.pem=issuer-3.key --dry-run=client -o yaml | kubectl apply -f -
