#!/usr/bin/env bash
# The extension in both clusters, a link from the east to the west, one Service exported.
set -euo pipefail
linkerd --context west multicluster install | kubectl --context west apply -f -
# The east only follows: it needs no gateway, but a controller for the link.
linkerd --context east multicluster install --gateway=false --set 'controllers[0].link.ref.name=west' \
  | kubectl --context east apply -f -
kubectl --context west -n linkerd-multicluster rollout status deployment/linkerd-gateway --timeout=2m
# The controller calls the west's API from a pod, so it needs the address of the node.
linkerd --context west multicluster link-gen --cluster-name west --api-server-address https://172.18.0.3:6443 \
  | kubectl --context east apply -f -
kubectl --context east -n linkerd-multicluster rollout status deployment/controller-west --timeout=2m
kubectl --context west -n shop label service orders mirror.linkerd.io/exported=true
