#!/usr/bin/env bash
# must-stay-red: one-bundle
# Both anchors are put into the bundle afterwards; the pods that would need it were made before.
set -euo pipefail
cat ca.crt anchor-2.crt > bundle.crt
linkerd upgrade --force --identity-trust-anchors-file bundle.crt | kubectl apply -f -
for name in identity destination proxy-injector; do kubectl -n linkerd rollout status "deployment/linkerd-$name" --timeout=2m; done
