# Each cluster has the extension, and the east follows the west. Pods reach each other, so nobody needs a gateway.
set -e
linkerd --context east multicluster install --gateway=false --set 'controllers[0].link.ref.name=west' \
  | kubectl --context east apply -f -
linkerd --context west multicluster install --gateway=false | kubectl --context west apply -f -
linkerd --context west multicluster link-gen --gateway=false --cluster-name west \
  --api-server-address https://172.18.0.3:6443 | kubectl --context east apply -f -
kubectl --context east -n linkerd-multicluster rollout status deployment/controller-west --timeout=2m
kubectl --context east -n linkerd-multicluster rollout status deployment/linkerd-local-service-mirror --timeout=2m
