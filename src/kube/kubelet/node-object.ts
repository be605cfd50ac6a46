import { arch, release } from 'node:os';
import type { KubeObject } from '#kube/api/types.ts';

export interface NodeFacts {
  name: string;
  ip: string;
  podCidr: string;
  now: string;
  images: { names: string[]; sizeBytes: number }[];
}

/**
 * The one node. It says what it is: no machine, no container runtime. Its size is the same on every host, so that a lab whose
 * pods fit on its author's machine fits on each learner's.
 */
export function nodeObject({ name, ip, podCidr, now, images }: NodeFacts): KubeObject {
  const architecture = arch() === 'x64' ? 'amd64' : arch();
  const labels = {
    'beta.kubernetes.io/arch': architecture,
    'beta.kubernetes.io/os': 'linux',
    'kubernetes.io/arch': architecture,
    'kubernetes.io/hostname': name,
    'kubernetes.io/os': 'linux',
    'node-role.kubernetes.io/control-plane': '',
  };
  const capacity = {
    cpu: '4',
    'ephemeral-storage': '10Gi',
    'hugepages-1Gi': '0',
    'hugepages-2Mi': '0',
    memory: '8Gi',
    pods: '2000',
  };
  const condition = (type: string, status: string, reason: string, message: string) => ({
    type,
    status,
    reason,
    message,
    lastHeartbeatTime: now,
    lastTransitionTime: now,
  });
  return {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name, labels, annotations: { 'node.alpha.kubernetes.io/ttl': '0' } },
    spec: { podCIDR: podCidr, podCIDRs: [podCidr], providerID: `academy://embedded/${name}` },
    status: {
      addresses: [
        { type: 'InternalIP', address: ip },
        { type: 'Hostname', address: name },
      ],
      allocatable: capacity,
      capacity,
      conditions: [
        condition('MemoryPressure', 'False', 'KubeletHasSufficientMemory', 'kubelet has sufficient memory available'),
        condition('DiskPressure', 'False', 'KubeletHasNoDiskPressure', 'kubelet has no disk pressure'),
        condition('PIDPressure', 'False', 'KubeletHasSufficientPID', 'kubelet has sufficient PID available'),
        condition('Ready', 'True', 'KubeletReady', 'kubelet is posting ready status'),
      ],
      daemonEndpoints: { kubeletEndpoint: { Port: 10250 } },
      images,
      nodeInfo: {
        architecture,
        bootID: '',
        containerRuntimeVersion: 'academy://0.1.0',
        kernelVersion: release(),
        kubeProxyVersion: '',
        kubeletVersion: 'v1.35.4',
        machineID: '',
        operatingSystem: 'linux',
        osImage: 'Mesh Academy embedded node',
        systemUUID: '',
      },
    },
  };
}
