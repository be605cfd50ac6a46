#!/usr/bin/env bash
# must-stay-red: mended
# The setting belongs to the next version; this one does not read it.
set -euo pipefail
kubectl apply -f - <<'YAML'
apiVersion: gateway.networking.k8s.io/v1
kind: GRPCRoute
metadata: { name: suspect, namespace: emojivoto }
spec:
  parentRefs: [{ group: "", kind: Service, name: voting-svc, port: 8080 }]
  rules:
    - matches: [{ method: { type: Exact, service: emojivoto.v1.VotingService, method: VoteDoughnut } }]
---
apiVersion: gateway.networking.k8s.io/v1
kind: GRPCRoute
metadata: { name: rest, namespace: emojivoto }
spec:
  parentRefs: [{ group: "", kind: Service, name: voting-svc, port: 8080 }]
  rules:
    - matches: [{ method: { type: Exact, service: emojivoto.v1.VotingService } }]
YAML
kubectl -n emojivoto set env deployment/voting FAILURE_RATE=0
kubectl -n emojivoto rollout status deployment/voting --timeout=2m
