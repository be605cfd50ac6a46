#!/usr/bin/env bash
# must-stay-red: no-order-lost
# The door is closed, and then one looks who is standing outside.
set -euo pipefail
# Makes the pods of shop anew, a few at a time, and waits until they are ready.
restart() {
  # kubectl refuses a second restart within the same second.
  sleep 1
  kubectl -n shop rollout restart deployment
  for name in $(kubectl -n shop get deployment -o name); do kubectl -n shop rollout status "$name" --timeout=2m; done
}
kubectl annotate --overwrite namespace shop config.linkerd.io/default-inbound-policy=deny
restart
# Whoever writes the policies now is not as quick as this script: somebody is refused meanwhile.
until kubectl -n shop logs deployment/load -c load --tail=50 | grep -E '^(000|403|5..) ' >/dev/null; do sleep 1; done
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
metadata: { name: orders, namespace: shop }
spec:
  parentRefs: [{ group: policy.linkerd.io, kind: Server, name: api-http }]
  rules: [{ matches: [{ method: GET, path: { type: Exact, value: /orders } }] }]
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: { name: invoices, namespace: shop }
spec:
  parentRefs: [{ group: policy.linkerd.io, kind: Server, name: api-http }]
  rules: [{ matches: [{ method: POST, path: { type: Exact, value: /invoices } }] }]
---
apiVersion: policy.linkerd.io/v1alpha1
kind: MeshTLSAuthentication
metadata: { name: load, namespace: shop }
spec: { identityRefs: [{ kind: ServiceAccount, name: load }] }
---
apiVersion: policy.linkerd.io/v1alpha1
kind: MeshTLSAuthentication
metadata: { name: billing, namespace: shop }
spec: { identityRefs: [{ kind: ServiceAccount, name: billing }] }
---
apiVersion: policy.linkerd.io/v1alpha1
kind: AuthorizationPolicy
metadata: { name: load-reads-orders, namespace: shop }
spec:
  targetRef: { group: gateway.networking.k8s.io, kind: HTTPRoute, name: orders }
  requiredAuthenticationRefs: [{ group: policy.linkerd.io, kind: MeshTLSAuthentication, name: load }]
---
apiVersion: policy.linkerd.io/v1alpha1
kind: AuthorizationPolicy
metadata: { name: billing-posts-invoices, namespace: shop }
spec:
  targetRef: { group: gateway.networking.k8s.io, kind: HTTPRoute, name: invoices }
  requiredAuthenticationRefs: [{ group: policy.linkerd.io, kind: MeshTLSAuthentication, name: billing }]
---
apiVersion: policy.linkerd.io/v1alpha1
kind: NetworkAuthentication
metadata: { name: anywhere, namespace: shop }
spec: { networks: [{ cidr: 0.0.0.0/0 }, { cidr: "::/0" }] }
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: { name: probe, namespace: shop }
spec:
  parentRefs: [{ group: policy.linkerd.io, kind: Server, name: api-http }]
  rules: [{ matches: [{ method: GET, path: { type: Exact, value: /ready } }] }]
---
apiVersion: policy.linkerd.io/v1alpha1
kind: AuthorizationPolicy
metadata: { name: probe, namespace: shop }
spec:
  targetRef: { group: gateway.networking.k8s.io, kind: HTTPRoute, name: probe }
  requiredAuthenticationRefs: [{ group: policy.linkerd.io, kind: NetworkAuthentication, name: anywhere }]
EOF
kubectl apply -f policy.yaml
