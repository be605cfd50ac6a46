#!/usr/bin/env bash
# must-stay-red: orders-answer
# The link holds the API's address as the terminal knows it, which means something else in a pod.
set -euo pipefail
linkerd --context west multicluster install | kubectl --context west apply -f -
linkerd --context east multicluster install --gateway=false --set 'controllers[0].link.ref.name=west' \
  | kubectl --context east apply -f -
kubectl --context west -n linkerd-multicluster rollout status deployment/linkerd-gateway --timeout=2m
linkerd --context west multicluster link-gen --cluster-name west | kubectl --context east apply -f -
kubectl --context west -n shop label service orders mirror.linkerd.io/exported=true
