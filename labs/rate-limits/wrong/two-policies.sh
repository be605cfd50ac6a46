#!/usr/bin/env bash
# must-stay-red: web-is-not
# The exception is in a policy of its own. A Server has one, and the older keeps it.
set -euo pipefail
kubectl apply -f - <<'YAML'
apiVersion: policy.linkerd.io/v1alpha1
kind: HTTPLocalRateLimitPolicy
metadata: { name: everyone, namespace: shop }
spec:
  targetRef: { group: policy.linkerd.io, kind: Server, name: api-http }
  identity: { requestsPerSecond: 5 }
---
apiVersion: policy.linkerd.io/v1alpha1
kind: HTTPLocalRateLimitPolicy
metadata: { name: web, namespace: shop }
spec:
  targetRef: { group: policy.linkerd.io, kind: Server, name: api-http }
  identity: { requestsPerSecond: 200 }
YAML
