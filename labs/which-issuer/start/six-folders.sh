#!/usr/bin/env bash
# Six folders, each with what somebody took for the issuer of this mesh. One of them is it. The anchor's key is elsewhere.
set -euo pipefail
for name in api web; do kubectl -n shop rollout status "deployment/$name" --timeout=2m; done
mkdir -p from-backup from-vault from-mail from-ticket from-laptop from-staging

# An intermediate under the anchor that is given: issuer <folder> <anchor certificate> <anchor key> [option...]
issuer() {
  step certificate create identity.linkerd.cluster.local "$1/issuer.crt" "$1/issuer.key" \
    --profile intermediate-ca --no-password --insecure --force --ca "$2" --ca-key "$3" "${@:4}"
}
# Good.
issuer from-ticket ca.crt ca.key --not-after 8760h
# Its time is over.
issuer from-backup ca.crt ca.key --not-before -8760h --not-after -24h
# The key is that of another certificate.
issuer from-vault ca.crt ca.key --not-after 8760h
issuer from-mail ca.crt ca.key --not-after 8760h
cp from-mail/issuer.key from-vault/issuer.key
# A line was lost on the way.
sed -i '3d' from-mail/issuer.crt
# Good for a server, and not for signing others.
step certificate create identity.linkerd.cluster.local from-laptop/issuer.crt from-laptop/issuer.key \
  --profile leaf --not-after 8760h --no-password --insecure --force --ca ca.crt --ca-key ca.key
# Of another mesh, whose anchor has the same name.
step certificate create root.linkerd.cluster.local other.crt other.key \
  --profile root-ca --not-after 87600h --no-password --insecure --force
issuer from-staging other.crt other.key --not-after 8760h
rm other.crt other.key ca.key
