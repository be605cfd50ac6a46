import { stringify } from 'yaml';

export interface KubeadmOptions {
  cluster: string;
  node: string;
  /** Address of the node on its session's network. */
  ip: string;
  /** As the node image's `/kind/version` says, e.g. `v1.35.4`. */
  version: string;
  /** cgroup v1 hosts need the kubelet told that this is meant. */
  cgroupV1: boolean;
  restricted: boolean;
  podSubnet: string;
  /** With it workers may join until it is deleted, and for ten minutes at most; absent: nothing ever joins. */
  joinToken?: string;
}

const PATCHES = '/kind/patches';
/** Pods of every control plane that kubeadm makes, without the name of their node. */
const CONTROL_PLANE = ['etcd', 'kube-apiserver', 'kube-controller-manager', 'kube-scheduler'];

/** Files by path: the control plane is asked each second whether it is up; kubeadm's first look comes after ten. As long is waited. */
export const controlPlanePatches = (): [string, string][] =>
  CONTROL_PLANE.map((name) => {
    const startupProbe = { initialDelaySeconds: 0, periodSeconds: 1, failureThreshold: 240 };
    return [`${PATCHES}/${name}+strategic.json`, JSON.stringify({ spec: { containers: [{ name, startupProbe }] } })];
  });

const SERVICE_SUBNET = '10.96.0.0/16';
const CRI = 'unix:///run/containerd/containerd.sock';

/**
 * The kubeadm configuration of a node that may be paused: nobody elects a leader, node status is written each second and
 * missed for a day before anybody minds.
 */
export function kubeadmConfig(o: KubeadmOptions): string {
  const documents = [
    {
      apiVersion: 'kubeadm.k8s.io/v1beta4',
      kind: 'ClusterConfiguration',
      kubernetesVersion: o.version,
      clusterName: o.cluster,
      controlPlaneEndpoint: `${o.node}:6443`,
      apiServer: { certSANs: ['localhost', '127.0.0.1', o.ip] },
      controllerManager: {
        extraArgs: [
          { name: 'enable-hostpath-provisioner', value: 'true' },
          { name: 'leader-elect', value: 'false' },
          { name: 'node-monitor-grace-period', value: '24h' },
          // Every controller begins with requests of its own, and the usual 20 a second keep them all waiting for seconds.
          { name: 'kube-api-qps', value: '200' },
          { name: 'kube-api-burst', value: '400' },
        ],
      },
      scheduler: { extraArgs: [{ name: 'leader-elect', value: 'false' }] },
      networking: { podSubnet: o.podSubnet, serviceSubnet: SERVICE_SUBNET },
    },
    {
      apiVersion: 'kubeadm.k8s.io/v1beta4',
      kind: 'InitConfiguration',
      localAPIEndpoint: { advertiseAddress: o.ip, bindPort: 6443 },
      // A control plane that is not up in half of kubeadm's four minutes will not be.
      timeouts: { controlPlaneComponentHealthCheck: '2m0s' },
      ...(o.joinToken ? { bootstrapTokens: [{ token: o.joinToken, ttl: '10m0s' }] } : {}),
      patches: { directory: PATCHES },
      nodeRegistration: registration(o),
      // `kubelet-finalize` stays: the kubelet that it starts again tells of the control plane's pods at once, where the first one,
      // refused before the API server answered, would try again after a minute.
      skipPhases: ['preflight', ...(o.joinToken ? [] : ['bootstrap-token']), 'addon/coredns', 'show-join-command'],
    },
    {
      apiVersion: 'kubelet.config.k8s.io/v1beta1',
      kind: 'KubeletConfiguration',
      cgroupDriver: 'systemd',
      cgroupRoot: '/kubelet',
      failSwapOn: false,
      ...(o.cgroupV1 ? { failCgroupV1: false } : {}),
      nodeStatusUpdateFrequency: '1s',
      imageGCHighThresholdPercent: 100,
      evictionHard: { 'nodefs.available': '0%', 'nodefs.inodesFree': '0%', 'imagefs.available': '0%' },
      ...(o.restricted ? { featureGates: { KubeletInUserNamespace: true } } : {}),
    },
    {
      apiVersion: 'kubeproxy.config.k8s.io/v1alpha1',
      kind: 'KubeProxyConfiguration',
      mode: 'iptables',
      iptables: { minSyncPeriod: '1s' },
      conntrack: { maxPerCore: 0, tcpEstablishedTimeout: '0s', tcpCloseWaitTimeout: '0s' },
    },
  ];
  return documents.map((document) => stringify(document)).join('---\n');
}

const registration = ({ ip, cluster, node }: { ip: string; cluster: string; node: string }) => ({
  criSocket: CRI,
  taints: [],
  kubeletExtraArgs: [
    { name: 'node-ip', value: ip },
    { name: 'provider-id', value: `kind://docker/${cluster}/${node}` },
  ],
});

/** What a worker joins with. `caHash`: of the cluster's CA, as kubeadm takes it, so that nobody else can pose as the API server. */
export function joinConfig(o: {
  cluster: string;
  node: string;
  ip: string;
  /** Address of the control plane's node. */
  server: string;
  token: string;
  caHash: string;
}): string {
  return stringify({
    apiVersion: 'kubeadm.k8s.io/v1beta4',
    kind: 'JoinConfiguration',
    discovery: {
      bootstrapToken: { apiServerEndpoint: `${o.server}:6443`, token: o.token, caCertHashes: [o.caHash] },
    },
    nodeRegistration: registration(o),
    skipPhases: ['preflight'],
  });
}

/**
 * Written as soon as a node's pod addresses are known, so that no daemon has to be waited for that would write the same.
 * `alone`: what pods send to others than pods goes under the node's address.
 */
export const cniConfig = (subnet: string, alone: boolean): string =>
  JSON.stringify({
    cniVersion: '1.0.0',
    name: 'node',
    plugins: [
      {
        type: 'ptp',
        ipMasq: alone,
        ipam: {
          type: 'host-local',
          dataDir: '/run/cni-ipam-state',
          ranges: [[{ subnet }]],
          routes: [{ dst: '0.0.0.0/0' }],
        },
      },
      { type: 'portmap', capabilities: { portMappings: true } },
    ],
  });
export const CNI_PATH = '/etc/cni/net.d/10-node.conflist';

/**
 * One replica that is probed each second: kubeadm's own would be ready ten seconds later. Names are remembered for two
 * seconds instead of thirty, that something is not there included: the mesh asks for its identity before that is ready.
 * `manifest`: as kubeadm prints it, with what it says about its patches and without the ends of its lines `---`.
 */
export function quickCoreDns(manifest: string): string {
  return manifest
    .replace(/^\[.*\n/gm, '')
    .replace(/^---(?=\S)/gm, '---\n')
    .replace(/^(\s*)replicas: \d+$/m, '$1replicas: 1')
    .replace(/^(\s*)readinessProbe:$/m, '$1readinessProbe:\n$1  periodSeconds: 1')
    .replace(/^(\s*)ttl 30$/m, '$1ttl 2');
}
