#!/usr/bin/env bash
# must-stay-red: linked
# The west follows the east, where nothing is to be had.
set -euo pipefail
for cluster in east west; do
  linkerd --context "$cluster" multicluster install --set 'controllers[0].link.ref.name=east' \
    | kubectl --context "$cluster" apply -f -
done
kubectl --context east -n linkerd-multicluster rollout status deployment/linkerd-gateway --timeout=2m
linkerd --context east multicluster link-gen --cluster-name east --api-server-address https://172.18.0.2:6443 \
  | kubectl --context west apply -f -
kubectl --context west -n shop label service orders mirror.linkerd.io/exported=true
