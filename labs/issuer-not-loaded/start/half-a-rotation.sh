#!/usr/bin/env bash
# Two stages of a rotation, the second half a minute too fast: the pods are restarted before the identity service
# has read the new issuer.
set -euo pipefail
# Makes the pods of a namespace anew, a few at a time, and waits until the last old one is gone.
restart() {
  # kubectl refuses a second restart within the same second.
  sleep 1
  kubectl -n "$1" rollout restart deployment
  for name in $(kubectl -n "$1" get deployment -o name); do kubectl -n "$1" rollout status "$name" --timeout=2m; done
  while kubectl -n "$1" get pods | grep Terminating >/dev/null; do sleep 1; done
}

for name in api web; do kubectl -n shop rollout status "deployment/$name" --timeout=2m; done
step certificate create root.linkerd.cluster.local anchor-2.crt anchor-2.key \
  --profile root-ca --not-after 87600h --no-password --insecure --force
cat ca.crt anchor-2.crt > bundle.crt
linkerd upgrade --identity-trust-anchors-file bundle.crt | kubectl apply -f -
for name in identity destination proxy-injector; do kubectl -n linkerd rollout status "deployment/linkerd-$name" --timeout=2m; done
# An injector on its way out goes on injecting the bundle that it was made with.
while kubectl -n linkerd get pods | grep Terminating >/dev/null; do sleep 1; done
restart shop
step certificate create identity.linkerd.cluster.local issuer-2.crt issuer-2.key \
  --profile intermediate-ca --not-after 8760h --no-password --insecure --force --ca anchor-2.crt --ca-key anchor-2.key
upgrade() { linkerd upgrade --identity-issuer-certificate-file issuer-2.crt --identity-issuer-key-file issuer-2.key > issuer-2.yaml; }
# It refuses as long as a pod has the old bundle, which a slow node may have given to one.
upgrade || { restart shop; upgrade; }
# From here to the last restart nothing waits for the identity service: it reads the issuer when the kubelet has written
# its file anew. A kubelet does that when the pod changes, and then not for a minute: so the pod changes just before.
kubectl -n linkerd annotate pod -l linkerd.io/control-plane-component=identity stage=issuer-2 --overwrite
sleep 1
kubectl apply -f issuer-2.yaml
# The injector has a new certificate as well. Made anew it has it at once, and no pod comes up without a proxy.
kubectl -n linkerd rollout restart deployment linkerd-proxy-injector
kubectl -n linkerd rollout status deployment/linkerd-proxy-injector --timeout=2m
restart shop
rm issuer-2.yaml
# Only now the identity service has read it.
until kubectl -n linkerd get events --field-selector reason=IssuerUpdated -o name | grep . >/dev/null; do sleep 1; done
