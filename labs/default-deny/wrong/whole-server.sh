#!/usr/bin/env bash
# must-stay-red: one-caller-one-route
# The authorization names the whole Server, without routes: web may do everything.
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
EOF
sed -i "/^---$/,\$d" policy.yaml
cat >> policy.yaml <<"EOF"
---
apiVersion: policy.linkerd.io/v1alpha1
kind: MeshTLSAuthentication
metadata: { name: web, namespace: shop }
spec: { identityRefs: [{ kind: ServiceAccount, name: web }] }
---
apiVersion: policy.linkerd.io/v1alpha1
kind: AuthorizationPolicy
metadata: { name: web-reads-orders, namespace: shop }
spec:
  targetRef: { group: policy.linkerd.io, kind: Server, name: api-http }
  requiredAuthenticationRefs: [{ group: policy.linkerd.io, kind: MeshTLSAuthentication, name: web }]
EOF
kubectl apply -f policy.yaml
