#!/usr/bin/env bash
# must-stay-red: batch-is-slowed
# The exception is for batch, which is then limited less than the others.
set -euo pipefail
kubectl apply -f - <<'YAML'
apiVersion: policy.linkerd.io/v1alpha1
kind: HTTPLocalRateLimitPolicy
metadata: { name: api, namespace: shop }
spec:
  targetRef: { group: policy.linkerd.io, kind: Server, name: api-http }
  total: { requestsPerSecond: 500 }
  identity: { requestsPerSecond: 5 }
  overrides:
    - requestsPerSecond: 200
      clientRefs: [{ kind: ServiceAccount, name: batch, namespace: shop }]
YAML
