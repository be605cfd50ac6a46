#!/usr/bin/env bash
# Somebody gave the webhooks certificates of the company's own CA, and left the webhook configurations as they were.
set -euo pipefail
for name in api web; do kubectl -n shop rollout status "deployment/$name" --timeout=2m; done
mkdir -p company
step certificate create company.example company/ca.crt company/ca.key \
  --profile root-ca --not-after 87600h --no-password --insecure --force
for name in proxy-injector policy-validator; do
  step certificate create "linkerd-$name.linkerd.svc" company/tls.crt company/tls.key --san "linkerd-$name.linkerd.svc" \
    --profile leaf --not-after 8760h --no-password --insecure --force --ca company/ca.crt --ca-key company/ca.key
  kubectl -n linkerd create secret tls "linkerd-$name-k8s-tls" --cert=company/tls.crt --key=company/tls.key --dry-run=client -o yaml \
    | kubectl apply -f -
done
rm -r company
# Until both webhooks show the new certificate, and the API server no longer believes them: a policy that makes no sense is stored.
until kubectl apply -f - <<'YAML'
apiVersion: policy.linkerd.io/v1alpha1
kind: NetworkAuthentication
metadata: { name: office, namespace: shop }
spec: { networks: [{ cidr: 10.1.0.0/16, except: [10.2.0.0/24] }] }
YAML
do sleep 1; done
until kubectl -n shop run trial --image=curlimages/curl:8.16.0 --dry-run=server -o yaml --command -- sleep infinity > trial.yaml \
  && ! grep -q linkerd-proxy trial.yaml; do sleep 1; done
rm trial.yaml
kubectl -n shop rollout restart deployment/web
kubectl -n shop rollout status deployment/web --timeout=2m
# kubectl refuses a second restart within the same second, and whoever types fast would meet that.
sleep 1
