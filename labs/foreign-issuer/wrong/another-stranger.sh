#!/usr/bin/env bash
# must-stay-red: issuer-fits
# Again an issuer of an authority that nobody in this cluster trusts.
set -euo pipefail
step certificate create root.linkerd.cluster.local new-ca.crt new-ca.key --profile root-ca --no-password --insecure --force
step certificate create identity.linkerd.cluster.local issuer-2.crt issuer-2.key \
  --profile intermediate-ca --not-after 8760h --no-password --insecure --force --ca new-ca.crt --ca-key new-ca.key
kubectl -n linkerd create secret generic linkerd-identity-issuer \
  --from-file=crt.pem=issuer-2.crt --from-file=key.pem=issuer-2.key --dry-run=client -o yaml | kubectl apply -f -
