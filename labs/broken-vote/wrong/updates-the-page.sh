#!/usr/bin/env bash
# must-stay-red: mended
# The visitors see the failures of web, so web is updated.
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
kubectl -n emojivoto set image deployment/web web-svc=ghcr.io/buoyantio/emojivoto-web:v12
kubectl -n emojivoto rollout status deployment/web --timeout=2m
