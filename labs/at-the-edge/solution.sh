#!/usr/bin/env bash
# At api, and nowhere else: orders for edge and web, the admin pages for web. The Server comes when all else is there.
# any order
# answer who-called: edge
set -euo pipefail
kubectl apply -f - <<'YAML'
apiVersion: policy.linkerd.io/v1alpha1
kind: MeshTLSAuthentication
metadata: { name: edge-and-web, namespace: shop }
spec:
  identityRefs: [{ kind: ServiceAccount, name: edge }, { kind: ServiceAccount, name: web }]
---
apiVersion: policy.linkerd.io/v1alpha1
kind: MeshTLSAuthentication
metadata: { name: web, namespace: shop }
spec:
  identityRefs: [{ kind: ServiceAccount, name: web }]
---
apiVersion: policy.linkerd.io/v1alpha1
kind: AuthorizationPolicy
metadata: { name: read-orders, namespace: shop }
spec:
  targetRef: { group: gateway.networking.k8s.io, kind: HTTPRoute, name: orders }
  requiredAuthenticationRefs: [{ group: policy.linkerd.io, kind: MeshTLSAuthentication, name: edge-and-web }]
---
apiVersion: policy.linkerd.io/v1alpha1
kind: AuthorizationPolicy
metadata: { name: read-admin, namespace: shop }
spec:
  targetRef: { group: gateway.networking.k8s.io, kind: HTTPRoute, name: admin }
  requiredAuthenticationRefs: [{ group: policy.linkerd.io, kind: MeshTLSAuthentication, name: web }]
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: { name: orders, namespace: shop }
spec:
  parentRefs: [{ group: policy.linkerd.io, kind: Server, name: api-http }]
  rules: [{ matches: [{ method: GET, path: { type: Exact, value: /orders } }] }]
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: { name: admin, namespace: shop }
spec:
  parentRefs: [{ group: policy.linkerd.io, kind: Server, name: api-http }]
  rules: [{ matches: [{ method: GET, path: { type: Exact, value: /admin } }] }]
YAML
sleep 1
kubectl apply -f - <<'YAML'
apiVersion: policy.linkerd.io/v1beta3
kind: Server
metadata: { name: api-http, namespace: shop }
spec: { podSelector: { matchLabels: { app: api } }, port: http, proxyProtocol: HTTP/1 }
YAML
