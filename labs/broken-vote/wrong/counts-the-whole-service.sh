#!/usr/bin/env bash
# must-stay-red: method-counted
# One route for the whole service: it counts good votes and bad ones alike.
set -euo pipefail
kubectl apply -f - <<'YAML'
apiVersion: gateway.networking.k8s.io/v1
kind: GRPCRoute
metadata: { name: suspect, namespace: emojivoto }
spec:
  parentRefs: [{ group: "", kind: Service, name: voting-svc, port: 8080 }]
  rules:
    - matches: [{ method: { type: Exact, service: emojivoto.v1.VotingService } }]
YAML
kubectl -n emojivoto set image deployment/voting voting-svc=ghcr.io/buoyantio/emojivoto-voting-svc:v12
kubectl -n emojivoto rollout status deployment/voting --timeout=2m
