# Puts a web and three clients into the namespace: two with identities of their own, one without a proxy.
# A busy cluster's injector can miss a pod (its failures are ignored): such pods are made again.
for attempt in 1 2 3 4 5 6; do
  kubectl apply -f web.yaml -f clients.yaml >applied
  injected=$(kubectl get pods web friend stranger -o jsonpath='{.items[*].spec.initContainers[*].name}')
  [ "$(echo "$injected" | tr ' ' '\n' | grep -c linkerd-proxy)" = 3 ] && break
  kubectl delete pods web friend stranger --now >deleted
done
kubectl wait --for=condition=Ready pod --all --timeout=240s >ready || cat applied ready
