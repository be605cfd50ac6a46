#!/usr/bin/env bash
# must-stay-red: metrics-for-all
# The network is let in to the port with the orders as well.
set -euo pipefail
# Makes the pods of shop anew, a few at a time, and waits until they are ready.
restart() {
  # kubectl refuses a second restart within the same second.
  sleep 1
  kubectl -n shop rollout restart deployment
  for name in $(kubectl -n shop get deployment -o name); do kubectl -n shop rollout status "$name" --timeout=2m; done
}
kubectl annotate --overwrite namespace shop config.linkerd.io/default-inbound-policy=all-authenticated
restart
cat > policy.yaml <<"EOF"
apiVersion: policy.linkerd.io/v1beta3
kind: Server
metadata: { name: api-metrics, namespace: shop }
spec:
  podSelector: { matchLabels: { app: api } }
  port: metrics
  proxyProtocol: HTTP/1
---
apiVersion: policy.linkerd.io/v1beta3
kind: Server
metadata: { name: api-http, namespace: shop }
spec:
  podSelector: { matchLabels: { app: api } }
  port: http
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
---
apiVersion: policy.linkerd.io/v1alpha1
kind: AuthorizationPolicy
metadata: { name: scrape-http, namespace: shop }
spec:
  targetRef: { group: policy.linkerd.io, kind: Server, name: api-http }
  requiredAuthenticationRefs: [{ group: policy.linkerd.io, kind: NetworkAuthentication, name: cluster }]
EOF
kubectl apply -f policy.yaml
