#!/usr/bin/env bash
# must-stay-red: mutual-tls-all-the-way
# Linked, but the orders are reached by a load balancer of their own, which is no part of the mesh.
set -euo pipefail
linkerd --context west multicluster install | kubectl --context west apply -f -
linkerd --context east multicluster install --gateway=false --set 'controllers[0].link.ref.name=west' \
  | kubectl --context east apply -f -
kubectl --context west -n linkerd-multicluster rollout status deployment/linkerd-gateway --timeout=2m
linkerd --context west multicluster link-gen --cluster-name west --api-server-address https://172.18.0.3:6443 \
  | kubectl --context east apply -f -
kubectl --context east -n linkerd-multicluster rollout status deployment/controller-west --timeout=2m
kubectl --context west -n shop patch service orders -p '{"spec":{"type":"LoadBalancer"}}'
kubectl --context west -n shop wait service orders --for=jsonpath='{.status.loadBalancer.ingress[0].ip}' --timeout=1m
address=$(kubectl --context west -n shop get service orders -o jsonpath='{.status.loadBalancer.ingress[0].ip}')
kubectl --context east apply -f - <<END
apiVersion: v1
kind: Service
metadata: { name: orders-west, namespace: shop }
spec: { ports: [{ name: http, port: 80 }] }
---
apiVersion: v1
kind: Endpoints
metadata: { name: orders-west, namespace: shop }
subsets: [{ addresses: [{ ip: $address }], ports: [{ name: http, port: 80 }] }]
END
# The web has its orders, and long enough for its earlier failures to be forgotten.
sleep 7
