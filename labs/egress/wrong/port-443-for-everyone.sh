#!/usr/bin/env bash
# must-stay-red: tls-too
# A TCPRoute can’t tell one host from another: whatever goes to 443 goes out.
set -euo pipefail
kubectl apply -f - <<'YAML'
apiVersion: policy.linkerd.io/v1alpha1
kind: EgressNetwork
metadata: { name: outside, namespace: shop }
spec:
  trafficPolicy: Allow
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: { name: provider, namespace: shop }
spec:
  parentRefs: [{ group: policy.linkerd.io, kind: EgressNetwork, name: outside, port: 80 }]
  hostnames: [postman-echo.com]
  rules:
    - matches: [{ path: { type: Exact, value: /get } }]
      backendRefs: [{ group: policy.linkerd.io, kind: EgressNetwork, name: outside, port: 80 }]
---
apiVersion: gateway.networking.k8s.io/v1alpha2
kind: TCPRoute
metadata: { name: provider, namespace: shop }
spec:
  parentRefs: [{ group: policy.linkerd.io, kind: EgressNetwork, name: outside, port: 443 }]
  rules:
    - backendRefs: [{ group: policy.linkerd.io, kind: EgressNetwork, name: outside, port: 443 }]
YAML
kubectl -n shop patch deployment jobs --type=json \
  -p '[{"op": "remove", "path": "/spec/template/metadata/annotations/config.linkerd.io~1skip-outbound-ports"}]'
kubectl -n shop rollout status deployment/jobs --timeout=2m
kubectl -n shop patch egressnetwork outside --type=merge -p '{"spec": {"trafficPolicy": "Deny"}}'
