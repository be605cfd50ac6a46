#!/usr/bin/env bash
# Five a second for each caller, and an exception for web; in one policy, since a Server has one.
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
      clientRefs: [{ kind: ServiceAccount, name: web, namespace: shop }]
YAML
