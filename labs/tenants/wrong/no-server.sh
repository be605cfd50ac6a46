#!/usr/bin/env bash
# must-stay-red: each-to-its-own
# A policy for a namespace holds for its Servers, and there is none: the default refuses everyone.
set -euo pipefail
kubectl apply -f - <<'YAML'
apiVersion: policy.linkerd.io/v1alpha1
kind: MeshTLSAuthentication
metadata: { name: tenant, namespace: blue }
spec: { identityRefs: [{ kind: Namespace, name: blue }] }
---
apiVersion: policy.linkerd.io/v1alpha1
kind: MeshTLSAuthentication
metadata: { name: monitor, namespace: blue }
spec: { identityRefs: [{ kind: ServiceAccount, name: monitor, namespace: platform }] }
---
apiVersion: policy.linkerd.io/v1alpha1
kind: AuthorizationPolicy
metadata: { name: tenant, namespace: blue }
spec:
  targetRef: { kind: Namespace, name: blue }
  requiredAuthenticationRefs: [{ group: policy.linkerd.io, kind: MeshTLSAuthentication, name: tenant }]
---
apiVersion: policy.linkerd.io/v1alpha1
kind: AuthorizationPolicy
metadata: { name: monitor, namespace: blue }
spec:
  targetRef: { kind: Namespace, name: blue }
  requiredAuthenticationRefs: [{ group: policy.linkerd.io, kind: MeshTLSAuthentication, name: monitor }]
---
apiVersion: policy.linkerd.io/v1alpha1
kind: MeshTLSAuthentication
metadata: { name: tenant, namespace: green }
spec: { identityRefs: [{ kind: Namespace, name: green }] }
---
apiVersion: policy.linkerd.io/v1alpha1
kind: MeshTLSAuthentication
metadata: { name: monitor, namespace: green }
spec: { identityRefs: [{ kind: ServiceAccount, name: monitor, namespace: platform }] }
---
apiVersion: policy.linkerd.io/v1alpha1
kind: AuthorizationPolicy
metadata: { name: tenant, namespace: green }
spec:
  targetRef: { kind: Namespace, name: green }
  requiredAuthenticationRefs: [{ group: policy.linkerd.io, kind: MeshTLSAuthentication, name: tenant }]
---
apiVersion: policy.linkerd.io/v1alpha1
kind: AuthorizationPolicy
metadata: { name: monitor, namespace: green }
spec:
  targetRef: { kind: Namespace, name: green }
  requiredAuthenticationRefs: [{ group: policy.linkerd.io, kind: MeshTLSAuthentication, name: monitor }]
YAML
for tenant in blue green; do
  kubectl annotate namespace "$tenant" --overwrite config.linkerd.io/default-inbound-policy=deny
  kubectl -n "$tenant" rollout restart deployment
done
for tenant in blue green; do
  for name in $(kubectl -n "$tenant" get deployment -o name); do kubectl -n "$tenant" rollout status "$name" --timeout=2m; done
done
