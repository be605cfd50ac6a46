#!/usr/bin/env bash
# must-stay-red: just-the-provider
# jobs does not ask its proxy, so nothing is decided there.
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
kind: TLSRoute
metadata: { name: provider, namespace: shop }
spec:
  parentRefs: [{ group: policy.linkerd.io, kind: EgressNetwork, name: outside, port: 443 }]
  hostnames: [postman-echo.com]
  rules:
    - backendRefs: [{ group: policy.linkerd.io, kind: EgressNetwork, name: outside, port: 443 }]
YAML
kubectl -n shop patch egressnetwork outside --type=merge -p '{"spec": {"trafficPolicy": "Deny"}}'
