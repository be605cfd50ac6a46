#!/usr/bin/env bash
# must-stay-red: asks-for-a-name
# The namespace says it, and no pod was made anew.
set -euo pipefail
kubectl annotate namespace shop config.linkerd.io/default-inbound-policy=all-authenticated
cat > policy.yaml <<"EOF"
apiVersion: policy.linkerd.io/v1beta3
kind: Server
metadata: { name: api-metrics, namespace: shop }
spec:
  podSelector: { matchLabels: { app: api } }
  port: metrics
  proxyProtocol: HTTP/1
---
apiVersion: policy.linkerd.io/v1alpha1
kind: NetworkAuthentication
metadata: { name: cluster, namespace: shop }
spec: { networks: [{ cidr: 10.0.0.0/8 }] }
---
apiVersion: policy.linkerd.io/v1alpha1
kind: AuthorizationPolicy
metadata: { name: scrape, namespace: shop }
spec:
  targetRef: { group: policy.linkerd.io, kind: Server, name: api-metrics }
  requiredAuthenticationRefs: [{ group: policy.linkerd.io, kind: NetworkAuthentication, name: cluster }]
EOF
kubectl apply -f policy.yaml
