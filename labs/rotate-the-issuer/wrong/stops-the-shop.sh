#!/usr/bin/env bash
# must-stay-red: nothing-lost
# Every step right, and then the pods are stopped before new ones are started.
set -euo pipefail
step certificate create identity.linkerd.cluster.local issuer-2.crt issuer-2.key \
  --profile intermediate-ca --not-after 8760h --no-password --insecure --force --ca ca.crt --ca-key ca.key
linkerd upgrade --identity-issuer-certificate-file issuer-2.crt --identity-issuer-key-file issuer-2.key | kubectl apply -f -
until kubectl -n linkerd get events --field-selector reason=IssuerUpdated -o name | grep . >/dev/null; do sleep 1; done
kubectl -n shop scale deployment/api deployment/web --replicas=0
kubectl -n shop wait --for=delete pod -l app=api --timeout=1m
kubectl -n shop wait --for=delete pod -l app=web --timeout=1m
kubectl -n shop scale deployment/api --replicas=2
kubectl -n shop scale deployment/web --replicas=1
kubectl -n shop rollout status deployment/api --timeout=2m
kubectl -n shop rollout status deployment/web --timeout=2m
kubectl -n shop rollout restart deployment/load
kubectl -n shop rollout status deployment/load --timeout=2m
