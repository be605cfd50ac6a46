#!/usr/bin/env bash
# must-stay-red: same-rule
# The admin pages are closed at the door. Around it everything is open.
# answer who-called: edge
set -euo pipefail
kubectl -n shop create configmap edge --dry-run=client -o yaml --from-literal=default.conf='
server {
  listen 8080;
  location = /edge/ready { return 200; }
  location = /orders { proxy_pass http://api.shop.svc.cluster.local:80; }
  location / { return 403; }
}' | kubectl apply -f -
sleep 1
kubectl -n shop rollout restart deployment/edge
kubectl -n shop rollout status deployment/edge --timeout=2m
