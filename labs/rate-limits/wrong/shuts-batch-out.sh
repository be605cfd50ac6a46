#!/usr/bin/env bash
# must-stay-red: batch-is-slowed
# Whoever asks too much may not ask at all: that is an authorization, and no limit.
set -euo pipefail
kubectl apply -f - <<'YAML'
apiVersion: policy.linkerd.io/v1alpha1
kind: MeshTLSAuthentication
metadata: { name: not-batch, namespace: shop }
spec: { identityRefs: [{ kind: ServiceAccount, name: web }, { kind: ServiceAccount, name: load }] }
---
apiVersion: policy.linkerd.io/v1alpha1
kind: AuthorizationPolicy
metadata: { name: not-batch, namespace: shop }
spec:
  targetRef: { group: policy.linkerd.io, kind: Server, name: api-http }
  requiredAuthenticationRefs: [{ group: policy.linkerd.io, kind: MeshTLSAuthentication, name: not-batch }]
---
apiVersion: policy.linkerd.io/v1beta3
kind: Server
metadata: { name: api-http, namespace: shop }
spec:
  podSelector: { matchLabels: { app: api } }
  port: http
  proxyProtocol: HTTP/1
  accessPolicy: deny
YAML
