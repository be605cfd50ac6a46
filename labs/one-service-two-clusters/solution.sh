#!/usr/bin/env bash
# Both become members of one Service; when the west answers, the east's pods go.
set -euo pipefail
for cluster in east west; do
  kubectl --context "$cluster" -n shop label service api mirror.linkerd.io/federated=member
done
# The web has been asking for it all along, and stops failing when it is there.
for _ in {1..10}; do
  kubectl -n shop exec deploy/web -c web -- curl -sf -m 2 http://api-federated.shop/ && break
  sleep 1
done
sleep 5
kubectl --context east -n shop scale deployment api --replicas=0
kubectl --context east -n shop wait pod -l app=api --for=delete --timeout=1m
