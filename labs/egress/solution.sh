#!/usr/bin/env bash
# What is allowed is written down while everything still is; then jobs is led through its proxy, and the rest is denied.
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
kubectl -n shop patch deployment jobs --type=json \
  -p '[{"op": "remove", "path": "/spec/template/metadata/annotations/config.linkerd.io~1skip-outbound-ports"}]'
kubectl -n shop rollout status deployment/jobs --timeout=2m
until [ "$(kubectl -n shop get httproute provider -o jsonpath='{.status.parents[0].conditions[?(@.type=="Accepted")].status}')" = True ]; do sleep 1; done
kubectl -n shop patch egressnetwork outside --type=merge -p '{"spec": {"trafficPolicy": "Deny"}}'
