#!/usr/bin/env bash
# A new anchor and a new issuer in one step, forced; then one pod of api was replaced.
set -euo pipefail
for name in api web; do kubectl -n shop rollout status "deployment/$name" --timeout=2m; done
step certificate create root.linkerd.cluster.local anchor-2.crt anchor-2.key \
  --profile root-ca --not-after 87600h --no-password --insecure --force
step certificate create identity.linkerd.cluster.local issuer-2.crt issuer-2.key \
  --profile intermediate-ca --not-after 8760h --no-password --insecure --force --ca anchor-2.crt --ca-key anchor-2.key
linkerd upgrade --force --identity-trust-anchors-file anchor-2.crt \
  --identity-issuer-certificate-file issuer-2.crt --identity-issuer-key-file issuer-2.key | kubectl apply -f -
for name in identity destination proxy-injector; do kubectl -n linkerd rollout status "deployment/linkerd-$name" --timeout=2m; done
# An injector on its way out goes on injecting the bundle that it was made with.
while kubectl -n linkerd get pods | grep Terminating >/dev/null; do sleep 1; done
kubectl -n shop delete "$(kubectl -n shop get pods -l app=api -o name | head -n 1)"
kubectl -n shop rollout status deployment/api --timeout=2m
