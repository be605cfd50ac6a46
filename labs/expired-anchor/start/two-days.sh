#!/usr/bin/env bash
# A mesh whose trust anchor was made for two days, by somebody who wanted to try something. The two days are over.
set -euo pipefail
for name in api web; do kubectl -n shop rollout status "deployment/$name" --timeout=2m; done
step certificate create root.linkerd.cluster.local anchor.crt anchor.key \
  --profile root-ca --not-after 48h --no-password --insecure --force
step certificate create identity.linkerd.cluster.local issuer.crt issuer.key \
  --profile intermediate-ca --not-after 8760h --no-password --insecure --force --ca anchor.crt --ca-key anchor.key
linkerd upgrade --force --identity-trust-anchors-file anchor.crt \
  --identity-issuer-certificate-file issuer.crt --identity-issuer-key-file issuer.key | kubectl apply -f -
for name in identity destination proxy-injector; do kubectl -n linkerd rollout status "deployment/linkerd-$name" --timeout=2m; done
# An injector on its way out goes on injecting the bundle that it was made with.
while kubectl -n linkerd get pods | grep Terminating >/dev/null; do sleep 1; done
kubectl -n shop rollout restart deployment
for name in api web; do kubectl -n shop rollout status "deployment/$name" --timeout=2m; done
while kubectl -n shop get pods | grep Terminating >/dev/null; do sleep 1; done
rm ca.crt ca.key issuer.crt issuer.key
academy clock advance 49h
