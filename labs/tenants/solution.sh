#!/usr/bin/env bash
# Who may, then the Servers that ask, then the default. In this order nobody is refused on the way.
set -euo pipefail
# The policies of one tenant; the Server comes last, since it denies from the moment it is there.
tenant() {
  sed "s/TENANT/$1/g" <<'YAML' | kubectl apply -f -
apiVersion: policy.linkerd.io/v1alpha1
kind: MeshTLSAuthentication
metadata: { name: tenant, namespace: TENANT }
spec: { identityRefs: [{ kind: Namespace, name: TENANT }] }
---
apiVersion: policy.linkerd.io/v1alpha1
kind: MeshTLSAuthentication
metadata: { name: monitor, namespace: TENANT }
spec: { identityRefs: [{ kind: ServiceAccount, name: monitor, namespace: platform }] }
---
apiVersion: policy.linkerd.io/v1alpha1
kind: AuthorizationPolicy
metadata: { name: tenant, namespace: TENANT }
spec:
  targetRef: { kind: Namespace, name: TENANT }
  requiredAuthenticationRefs: [{ group: policy.linkerd.io, kind: MeshTLSAuthentication, name: tenant }]
---
apiVersion: policy.linkerd.io/v1alpha1
kind: AuthorizationPolicy
metadata: { name: monitor, namespace: TENANT }
spec:
  targetRef: { kind: Namespace, name: TENANT }
  requiredAuthenticationRefs: [{ group: policy.linkerd.io, kind: MeshTLSAuthentication, name: monitor }]
---
apiVersion: policy.linkerd.io/v1beta3
kind: Server
metadata: { name: http, namespace: TENANT }
spec:
  podSelector: {}
  port: http
  proxyProtocol: HTTP/1
YAML
}
# The default of a namespace reaches its pods when they are made.
deny_by_default() {
  kubectl annotate namespace "$1" --overwrite config.linkerd.io/default-inbound-policy=deny
  kubectl -n "$1" rollout restart deployment
  for name in $(kubectl -n "$1" get deployment -o name); do kubectl -n "$1" rollout status "$name" --timeout=2m; done
}
tenant blue
tenant green
deny_by_default blue
deny_by_default green
