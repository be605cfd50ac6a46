#!/usr/bin/env bash
# must-stay-red: all-on-issuer-2
# The control plane is restarted, as if it were to blame.
set -euo pipefail
kubectl -n linkerd rollout restart deployment
for name in identity destination proxy-injector; do kubectl -n linkerd rollout status "deployment/linkerd-$name" --timeout=2m; done
