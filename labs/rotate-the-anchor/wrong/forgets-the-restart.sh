#!/usr/bin/env bash
# must-stay-red: both-trusted
# The bundle holds both anchors, and the pods were never told.
set -euo pipefail
step certificate create root.linkerd.cluster.local anchor-2.crt anchor-2.key \
  --profile root-ca --not-after 87600h --no-password --insecure --force

cat ca.crt anchor-2.crt > bundle.crt
linkerd upgrade --identity-trust-anchors-file bundle.crt | kubectl apply -f -
for name in identity destination proxy-injector; do kubectl -n linkerd rollout status "deployment/linkerd-$name" --timeout=2m; done
