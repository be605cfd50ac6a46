#!/usr/bin/env bash
# must-stay-red: nothing-lost
# The colleague’s step 3, as written: the bundle shrinks while pods still present certificates of the old issuer.
set -euo pipefail
linkerd upgrade --force --identity-trust-anchors-file anchor-2.crt | kubectl apply -f -
for name in identity destination proxy-injector; do kubectl -n linkerd rollout status "deployment/linkerd-$name" --timeout=2m; done
kubectl -n shop rollout restart deployment/api
kubectl -n shop rollout status deployment/api --timeout=2m
until kubectl -n shop logs deployment/load -c load --tail=50 | grep -E '^(000|5..) ' >/dev/null; do sleep 1; done
