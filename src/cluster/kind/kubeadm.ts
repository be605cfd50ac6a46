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
}

export const POD_SUBNET = '10.244.0.0/16';
const NODE_POD_SUBNET = '10.244.0.0/24';
const SERVICE_SUBNET = '10.96.0.0/16';

/**
 * The kubeadm configuration of a single node that may be paused: nobody elects a leader, node status is written each
 * second and missed for a day before anybody minds. No bootstrap token: nothing ever joins.
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
        ],
      },
      scheduler: { extraArgs: [{ name: 'leader-elect', value: 'false' }] },
      networking: { podSubnet: POD_SUBNET, serviceSubnet: SERVICE_SUBNET },
    },
    {
      apiVersion: 'kubeadm.k8s.io/v1beta4',
      kind: 'InitConfiguration',
      localAPIEndpoint: { advertiseAddress: o.ip, bindPort: 6443 },
      nodeRegistration: {
        criSocket: 'unix:///run/containerd/containerd.sock',
        taints: [],
        kubeletExtraArgs: [
          { name: 'node-ip', value: o.ip },
          { name: 'provider-id', value: `kind://docker/${o.cluster}/${o.node}` },
        ],
      },
      skipPhases: ['preflight', 'bootstrap-token', 'addon/coredns', 'show-join-command'],
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

/** Written before kubeadm runs, so that no daemon has to be waited for that would write the same. */
export const CNI_CONFIG = JSON.stringify({
  cniVersion: '1.0.0',
  name: 'node',
  plugins: [
    {
      type: 'ptp',
      ipMasq: true,
      ipam: {
        type: 'host-local',
        dataDir: '/run/cni-ipam-state',
        ranges: [[{ subnet: NODE_POD_SUBNET }]],
        routes: [{ dst: '0.0.0.0/0' }],
      },
    },
    { type: 'portmap', capabilities: { portMappings: true } },
  ],
});

/** One replica that is probed each second: kubeadm's own would be ready ten seconds later. */
export function quickCoreDns(manifest: string): string {
  return manifest
    .replace(/^(\s*)replicas: \d+$/m, '$1replicas: 1')
    .replace(/^(\s*)readinessProbe:$/m, '$1readinessProbe:\n$1  periodSeconds: 1');
}
