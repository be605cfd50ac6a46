import type { Flag } from './flags.ts';

/** Flags that set one value of the chart: flag, path, how it is read, what `--help` says. */
export interface ValueFlag extends Flag {
  path: string;
  read?: 'number' | 'switch' | 'inverted' | 'duration';
}

export const VALUE_FLAGS: ValueFlag[] = [
  {
    name: 'admin-port',
    type: 'uint',
    default: '4191',
    path: 'proxy.ports.admin',
    read: 'number',
    usage: 'Proxy port to serve metrics on',
  },
  {
    name: 'cluster-domain',
    type: 'string',
    default: '"cluster.local"',
    path: 'clusterDomain',
    usage: 'Set custom cluster domain',
  },
  {
    name: 'control-port',
    type: 'uint',
    default: '4190',
    path: 'proxy.ports.control',
    read: 'number',
    usage: 'Proxy port to use for control',
  },
  {
    name: 'controller-gid',
    type: 'int',
    default: '-1',
    path: 'controllerGID',
    read: 'number',
    usage: 'Run the control plane components under this group ID',
  },
  {
    name: 'controller-log-level',
    type: 'string',
    default: '"info"',
    path: 'controllerLogLevel',
    usage: 'Log level for the controller and web components',
  },
  {
    name: 'controller-replicas',
    type: 'uint',
    default: '1',
    path: 'controllerReplicas',
    read: 'number',
    usage: 'Replicas of the controller to deploy',
  },
  {
    name: 'controller-uid',
    type: 'int',
    default: '2103',
    path: 'controllerUID',
    read: 'number',
    usage: 'Run the control plane components under this user ID',
  },
  {
    name: 'default-inbound-policy',
    type: 'string',
    default: '"all-unauthenticated"',
    path: 'proxy.defaultInboundPolicy',
    usage: 'Inbound policy to use to control inbound access to the proxy',
  },
  {
    name: 'disable-h2-upgrade',
    path: 'enableH2Upgrade',
    read: 'inverted',
    usage: 'Prevents the controller from instructing proxies to perform transparent HTTP/2 upgrading (default false)',
  },
  {
    name: 'disable-heartbeat',
    path: 'disableHeartBeat',
    read: 'switch',
    usage: 'Disables the heartbeat cronjob (default false)',
  },
  {
    name: 'enable-endpoint-slices',
    default: 'true',
    path: 'enableEndpointSlices',
    read: 'switch',
    usage: 'Enables the usage of EndpointSlice informers and resources for destination service',
  },
  {
    name: 'enable-external-profiles',
    path: 'proxy.enableExternalProfiles',
    read: 'switch',
    usage: 'Enable service profiles for non-Kubernetes services',
  },
  {
    name: 'identity-clock-skew-allowance',
    type: 'duration',
    default: '20s',
    path: 'identity.issuer.clockSkewAllowance',
    read: 'duration',
    usage: 'The amount of time to allow for clock skew within a Linkerd cluster',
  },
  {
    name: 'identity-external-ca',
    path: 'identity.externalCA',
    read: 'switch',
    usage: 'Whether to use an external CA provider (default false)',
  },
  {
    name: 'identity-issuance-lifetime',
    type: 'duration',
    default: '24h0m0s',
    path: 'identity.issuer.issuanceLifetime',
    read: 'duration',
    usage: 'The amount of time for which the Identity issuer should certify identity',
  },
  {
    name: 'identity-trust-domain',
    type: 'string',
    path: 'identityTrustDomain',
    usage: 'Configures the name suffix used for identities.',
  },
  {
    name: 'inbound-port',
    type: 'uint',
    default: '4143',
    path: 'proxy.ports.inbound',
    read: 'number',
    usage: 'Proxy port to use for inbound traffic',
  },
  {
    name: 'linkerd-cni-enabled',
    path: 'cniEnabled',
    read: 'switch',
    usage:
      'Omit the NET_ADMIN capability in the PSP and the proxy-init container when injecting the proxy; requires the linkerd-cni plugin to already be installed',
  },
  {
    name: 'outbound-port',
    type: 'uint',
    default: '4140',
    path: 'proxy.ports.outbound',
    read: 'number',
    usage: 'Proxy port to use for outbound traffic',
  },
  {
    name: 'proxy-cpu-limit',
    type: 'string',
    path: 'proxy.resources.cpu.limit',
    usage: 'Maximum amount of CPU units that the proxy sidecar can use',
  },
  {
    name: 'proxy-cpu-request',
    type: 'string',
    path: 'proxy.resources.cpu.request',
    usage: 'Amount of CPU units that the proxy sidecar requests',
  },
  {
    name: 'proxy-gid',
    type: 'int',
    default: '-1',
    path: 'proxy.gid',
    read: 'number',
    usage: 'Run the proxy under this group ID',
  },
  {
    name: 'proxy-log-level',
    type: 'string',
    default: '"warn,linkerd=info,hickory=error"',
    path: 'proxy.logLevel',
    usage: 'Log level for the proxy',
  },
  {
    name: 'proxy-memory-limit',
    type: 'string',
    path: 'proxy.resources.memory.limit',
    usage: 'Maximum amount of Memory that the proxy sidecar can use',
  },
  {
    name: 'proxy-memory-request',
    type: 'string',
    path: 'proxy.resources.memory.request',
    usage: 'Amount of Memory that the proxy sidecar requests',
  },
  {
    name: 'proxy-uid',
    type: 'int',
    default: '2102',
    path: 'proxy.uid',
    read: 'number',
    usage: 'Run the proxy under this user ID',
  },
  {
    name: 'skip-inbound-ports',
    type: 'strings',
    path: 'proxyInit.ignoreInboundPorts',
    usage: 'Ports and/or port ranges (inclusive) that should skip the proxy and send directly to the application',
  },
  {
    name: 'skip-outbound-ports',
    type: 'strings',
    path: 'proxyInit.ignoreOutboundPorts',
    usage: 'Outbound ports and/or port ranges (inclusive) that should skip the proxy',
  },
];

/** What install and upgrade both take, beside the flags above. */
const SHARED: Flag[] = [
  { name: 'crds', usage: 'Install Linkerd CRDs' },
  { name: 'ha', usage: 'Enable HA deployment config for the control plane (default false)' },
  { name: 'identity-external-issuer', usage: 'Whether to use an external identity issuer (default false)' },
  {
    name: 'identity-issuer-certificate-file',
    type: 'string',
    usage: 'A path to a PEM-encoded file containing the Linkerd Identity issuer certificate (generated by default)',
  },
  {
    name: 'identity-issuer-key-file',
    type: 'string',
    usage: 'A path to a PEM-encoded file containing the Linkerd Identity issuer private key (generated by default)',
  },
  {
    name: 'identity-trust-anchors-file',
    type: 'string',
    usage: 'A path to a PEM-encoded file containing Linkerd Identity trust anchors (generated by default)',
  },
  { name: 'output', short: 'o', type: 'string', default: '"yaml"', usage: 'Output format. One of: json|yaml' },
  {
    name: 'registry',
    type: 'string',
    default: '"cr.l5d.io/linkerd"',
    usage: 'Docker registry to pull images from ($LINKERD_DOCKER_REGISTRY)',
  },
  {
    name: 'set',
    type: 'stringArray',
    usage: 'set values on the command line (can specify multiple or separate values with commas: key1=val1,key2=val2)',
  },
  {
    name: 'set-file',
    type: 'stringArray',
    usage:
      'set values from respective files specified via the command line (can specify multiple or separate values with commas: key1=path1,key2=path2)',
  },
  {
    name: 'set-string',
    type: 'stringArray',
    usage:
      'set STRING values on the command line (can specify multiple or separate values with commas: key1=val1,key2=val2)',
  },
  {
    name: 'values',
    short: 'f',
    type: 'strings',
    usage: 'specify values in a YAML file or a URL (can specify multiple)',
  },
];

export const INSTALL_FLAGS: Flag[] = [...VALUE_FLAGS, ...SHARED];

/** What an installation fixes for good. */
const INSTALL_ONLY = ['cluster-domain', 'identity-external-ca', 'identity-external-issuer', 'identity-trust-domain'];

export const UPGRADE_FLAGS: Flag[] = INSTALL_FLAGS.filter((flag) => !INSTALL_ONLY.includes(flag.name)).map((flag) =>
  flag.name === 'crds' ? { ...flag, usage: 'Upgrade Linkerd CRDs' } : flag,
);
