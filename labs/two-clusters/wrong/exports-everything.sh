#!/usr/bin/env bash
# must-stay-red: ledger-stays-home
# All works, and every Service of the namespace is exported, the ledger with them.
set -euo pipefail
linkerd --context west multicluster install | kubectl --context west apply -f -
linkerd --context east multicluster install --gateway=false --set 'controllers[0].link.ref.name=west' \
  | kubectl --context east apply -f -
kubectl --context west -n linkerd-multicluster rollout status deployment/linkerd-gateway --timeout=2m
linkerd --context west multicluster link-gen --cluster-name west --api-server-address https://172.18.0.3:6443 \
  | kubectl --context east apply -f -
kubectl --context east -n linkerd-multicluster rollout status deployment/controller-west --timeout=2m
kubectl --context west -n shop label service --all mirror.linkerd.io/exported=true
