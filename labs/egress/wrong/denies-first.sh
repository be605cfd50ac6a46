#!/usr/bin/env bash
# must-stay-red: no-payment-lost
# Denied first and allowed a moment later: the moment is counted.
set -euo pipefail
kubectl apply -f - <<'YAML'
apiVersion: policy.linkerd.io/v1alpha1
kind: EgressNetwork
metadata: { name: outside, namespace: shop }
spec:
  trafficPolicy: Deny
YAML
until kubectl -n shop exec deploy/web -c web -- curl -s -o /dev/null -w '%{http_code}' http://postman-echo.com/get | grep 403 >/dev/null; do sleep 1; done
until kubectl -n shop logs deploy/load -c load --tail=1 | grep '^403' >/dev/null; do sleep 1; done
kubectl apply -f - <<'YAML'
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
