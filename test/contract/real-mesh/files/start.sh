# Puts a web and three clients into the namespace: two with identities of their own, one without a proxy.
kubectl apply -f web.yaml -f clients.yaml >applied && kubectl wait --for=condition=Ready pod --all --timeout=80s >ready || cat applied ready
