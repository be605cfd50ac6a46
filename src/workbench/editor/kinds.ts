/** Kinds that labs are written with. `body` is a snippet in the editor's notation, after name and namespace. */
export interface KnownKind {
  kind: string;
  apiVersion: string;
  about: string;
  body: string;
}

export const KINDS: readonly KnownKind[] = [
  {
    kind: 'Server',
    apiVersion: 'policy.linkerd.io/v1beta3',
    about: 'Selects a port of some pods. Without an authorization nothing may reach it.',
    body: 'spec:\n  podSelector:\n    matchLabels:\n      app: ${3:api}\n  port: ${4:http}\n  proxyProtocol: ${5:HTTP/1}\n',
  },
  {
    kind: 'HTTPRoute',
    apiVersion: 'gateway.networking.k8s.io/v1',
    about: 'Names requests of a Server by path and method.',
    body: 'spec:\n  parentRefs:\n    - group: policy.linkerd.io\n      kind: Server\n      name: ${3:api-http}\n  rules:\n    - matches:\n        - path: { type: ${4|Exact,PathPrefix|}, value: ${5:/} }\n          method: ${6:GET}\n',
  },
  {
    kind: 'AuthorizationPolicy',
    apiVersion: 'policy.linkerd.io/v1alpha1',
    about: 'Joins what is asked for (a Server, an HTTPRoute or a Namespace) with who may ask.',
    body: 'spec:\n  targetRef:\n    group: ${3|gateway.networking.k8s.io,policy.linkerd.io|}\n    kind: ${7|HTTPRoute,Server|}\n    name: ${4:orders}\n  requiredAuthenticationRefs:\n    - group: policy.linkerd.io\n      kind: ${5|MeshTLSAuthentication,NetworkAuthentication|}\n      name: ${6:web}\n',
  },
  {
    kind: 'MeshTLSAuthentication',
    apiVersion: 'policy.linkerd.io/v1alpha1',
    about: 'Names callers by their mesh identity.',
    body: 'spec:\n  identityRefs:\n    - kind: ServiceAccount\n      name: ${3:web}\n',
  },
  {
    kind: 'NetworkAuthentication',
    apiVersion: 'policy.linkerd.io/v1alpha1',
    about: 'Names callers by their address.',
    body: 'spec:\n  networks:\n    - cidr: ${3:0.0.0.0/0}\n',
  },
  {
    kind: 'Deployment',
    apiVersion: 'apps/v1',
    about: 'Pods made from one template, replaced step by step.',
    body: 'spec:\n  replicas: ${3:1}\n  selector:\n    matchLabels: { app: ${1:name} }\n  template:\n    metadata:\n      labels: { app: ${1:name} }\n    spec:\n      containers:\n        - name: ${1:name}\n          image: ${4:image}\n',
  },
  {
    kind: 'Service',
    apiVersion: 'v1',
    about: 'One name and address for the pods that a selector finds.',
    body: 'spec:\n  selector: { app: ${3:api} }\n  ports:\n    - name: http\n      port: ${4:80}\n      targetPort: ${5:http}\n',
  },
  { kind: 'ServiceAccount', apiVersion: 'v1', about: 'An identity for pods.', body: '' },
  {
    kind: 'ConfigMap',
    apiVersion: 'v1',
    about: 'Settings, read as files or variables.',
    body: 'data:\n  ${3:key}: ${4:value}\n',
  },
  {
    kind: 'Secret',
    apiVersion: 'v1',
    about: 'Like a ConfigMap, for what must not be read by all.',
    body: 'stringData:\n  ${3:key}: ${4:value}\n',
  },
];
