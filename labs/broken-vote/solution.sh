#!/usr/bin/env bash
# Count the method by itself, see it fail, then take the version that counts the vote.
# any order
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
kubectl -n emojivoto set image deployment/voting voting-svc=ghcr.io/buoyantio/emojivoto-voting-svc:v12
kubectl -n emojivoto rollout status deployment/voting --timeout=2m
