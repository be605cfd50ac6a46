#!/usr/bin/env bash
# must-stay-red: web-is-not
# A total is for everyone together: whoever asks after batch is refused, too.
set -euo pipefail
kubectl apply -f - <<'YAML'
apiVersion: policy.linkerd.io/v1alpha1
kind: HTTPLocalRateLimitPolicy
metadata: { name: api, namespace: shop }
spec:
  targetRef: { group: policy.linkerd.io, kind: Server, name: api-http }
  total: { requestsPerSecond: 10 }
YAML
