#!/usr/bin/env bash
# The anchor goes to cert-manager, the issuer is made under it, the mesh is told to read it, and a year goes by.
set -euo pipefail
kubectl -n cert-manager create secret tls linkerd-trust-anchor --cert=ca.crt --key=ca.key
cat > trust.yaml <<'END'
apiVersion: cert-manager.io/v1
kind: ClusterIssuer
metadata: { name: linkerd-trust-anchor }
spec: { ca: { secretName: linkerd-trust-anchor } }
---
apiVersion: trust.cert-manager.io/v1alpha1
kind: Bundle
metadata: { name: linkerd-identity-trust-roots }
spec:
  sources:
    - secret: { name: linkerd-trust-anchor, key: tls.crt }
  target:
    configMap: { key: ca-bundle.crt }
    namespaceSelector: { matchLabels: { linkerd.io/is-control-plane: "true" } }
END
kubectl apply -f trust.yaml
kubectl wait --for=condition=Ready clusterissuer/linkerd-trust-anchor --timeout=1m
kubectl wait --for=condition=Synced bundle/linkerd-identity-trust-roots --timeout=1m
kubectl -n linkerd delete secret linkerd-identity-issuer
cat > issuer.yaml <<'END'
apiVersion: cert-manager.io/v1
kind: Certificate
metadata: { name: linkerd-identity-issuer, namespace: linkerd }
spec:
  secretName: linkerd-identity-issuer
  issuerRef: { kind: ClusterIssuer, name: linkerd-trust-anchor }
  isCA: true
  commonName: identity.linkerd.cluster.local
  duration: 48h
  renewBefore: 25h
  privateKey: { algorithm: ECDSA, rotationPolicy: Always }
END
kubectl apply -f issuer.yaml
kubectl -n linkerd wait --for=condition=Ready certificate/linkerd-identity-issuer --timeout=1m
linkerd upgrade --set identity.externalCA=true --set identity.issuer.scheme=kubernetes.io/tls \
  --set identity.issuer.tls.crtPEM= --set identity.issuer.tls.keyPEM= | kubectl apply -f -
for name in identity destination proxy-injector; do kubectl -n linkerd rollout status "deployment/linkerd-$name" --timeout=2m; done
# An injector on its way out goes on injecting the bundle that it was made with.
while kubectl -n linkerd get pods | grep Terminating >/dev/null; do sleep 1; done
academy clock advance 8760h
