#!/usr/bin/env bash
# must-stay-red: east-is-empty
# The Service goes and the pods stay: the east is no member any more, and still runs the api.
set -euo pipefail
for cluster in east west; do
  kubectl --context "$cluster" -n shop label service api mirror.linkerd.io/federated=member
done
for _ in {1..10}; do
  kubectl -n shop exec deploy/web -c web -- curl -sf -m 2 http://api-federated.shop/ && break
  sleep 1
done
kubectl --context east -n shop delete service api
sleep 8
