#!/usr/bin/env bash
# must-stay-red: one-caller-one-route
# Any identity of the mesh is accepted where one was meant.
set -euo pipefail
kubectl annotate namespace shop config.linkerd.io/default-inbound-policy=deny
kubectl -n shop rollout restart deployment
for name in api web reports; do kubectl -n shop rollout status "deployment/$name" --timeout=2m; done
# The Server with its two routes: orders, and the path the kubelet probes.
cat > policy.yaml <<"EOF"
apiVersion: policy.linkerd.io/v1beta3
kind: Server
metadata: { name: api-http, namespace: shop }
spec:
  podSelector: { matchLabels: { app: api } }
  port: http
  proxyProtocol: HTTP/1
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: { name: read-orders, namespace: shop }
spec:
  parentRefs: [{ group: policy.linkerd.io, kind: Server, name: api-http }]
  rules: [{ matches: [{ method: GET, path: { type: Exact, value: /orders } }] }]
---
apiVersion: policy.linkerd.io/v1alpha1
kind: MeshTLSAuthentication
metadata: { name: web, namespace: shop }
spec: { identities: ["*"] }
---
apiVersion: policy.linkerd.io/v1alpha1
kind: AuthorizationPolicy
metadata: { name: web-reads-orders, namespace: shop }
spec:
  targetRef: { group: gateway.networking.k8s.io, kind: HTTPRoute, name: read-orders }
  requiredAuthenticationRefs: [{ group: policy.linkerd.io, kind: MeshTLSAuthentication, name: web }]
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: { name: probe, namespace: shop }
spec:
  parentRefs: [{ group: policy.linkerd.io, kind: Server, name: api-http }]
  rules: [{ matches: [{ method: GET, path: { type: Exact, value: /ready } }] }]
---
apiVersion: policy.linkerd.io/v1alpha1
kind: NetworkAuthentication
metadata: { name: anywhere, namespace: shop }
spec: { networks: [{ cidr: 0.0.0.0/0 }, { cidr: "::/0" }] }
---
apiVersion: policy.linkerd.io/v1alpha1
kind: AuthorizationPolicy
metadata: { name: probe, namespace: shop }
spec:
  targetRef: { group: gateway.networking.k8s.io, kind: HTTPRoute, name: probe }
  requiredAuthenticationRefs: [{ group: policy.linkerd.io, kind: NetworkAuthentication, name: anywhere }]
EOF
kubectl apply -f policy.yaml
