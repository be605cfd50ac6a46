#!/usr/bin/env bash
# The identity service was away for longer than a certificate lives.
set -euo pipefail
for name in api web; do kubectl -n shop rollout status "deployment/$name" --timeout=2m; done
kubectl -n linkerd scale deployment linkerd-identity --replicas=0
until [ "$(kubectl -n linkerd get pods -l linkerd.io/control-plane-component=identity -o name | wc -l)" -eq 0 ]; do sleep 1; done
academy clock advance 26h
kubectl -n linkerd scale deployment linkerd-identity --replicas=1
kubectl -n linkerd rollout status deployment/linkerd-identity --timeout=2m
