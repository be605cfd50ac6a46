#!/usr/bin/env bash
# must-stay-red: nothing-lost
# All policies go and are written anew; in between everyone is refused.
set -euo pipefail
kubectl -n shop delete authorizationpolicy --all
sleep 3
cat > policy.yaml <<"EOF"
apiVersion: policy.linkerd.io/v1alpha1
kind: AuthorizationPolicy
metadata: { name: web-reads-orders, namespace: shop }
spec:
  targetRef: { group: gateway.networking.k8s.io, kind: HTTPRoute, name: orders }
  requiredAuthenticationRefs: [{ group: policy.linkerd.io, kind: MeshTLSAuthentication, name: web }]
---
apiVersion: policy.linkerd.io/v1alpha1
kind: AuthorizationPolicy
metadata: { name: reports-read-metrics, namespace: shop }
spec:
  targetRef: { group: policy.linkerd.io, kind: Server, name: api-metrics }
  requiredAuthenticationRefs: [{ group: policy.linkerd.io, kind: MeshTLSAuthentication, name: reports }]
---
apiVersion: policy.linkerd.io/v1alpha1
kind: AuthorizationPolicy
metadata: { name: colleagues-admin, namespace: shop }
spec:
  targetRef: { group: gateway.networking.k8s.io, kind: HTTPRoute, name: admin }
  requiredAuthenticationRefs: [{ group: policy.linkerd.io, kind: MeshTLSAuthentication, name: colleagues }]
---
apiVersion: policy.linkerd.io/v1alpha1
kind: AuthorizationPolicy
metadata: { name: probe, namespace: shop }
spec:
  targetRef: { group: gateway.networking.k8s.io, kind: HTTPRoute, name: probe }
  requiredAuthenticationRefs: [{ group: policy.linkerd.io, kind: NetworkAuthentication, name: anywhere }]
EOF
kubectl apply -f policy.yaml
kubectl -n shop patch meshtlsauthentication colleagues --type=merge \
  -p '{"spec": {"identities": null, "identityRefs": [{"kind": "ServiceAccount", "name": "admin"}]}}'
