import type { Lifecycle } from '#base/lifecycle.ts';
import type { Engine } from './engine.ts';
import { labelsFor, type Ownership } from './labels.ts';
import type { SessionNetwork } from './network.ts';
import { hostConfig, type NodeLimits, type Profile } from './profile.ts';

export interface NodeOptions {
  image: string;
  profile: Profile;
  limits: NodeLimits;
}

const SYSTEM_STARTED = /Reached target .*Multi-User System|detected cgroup v1/;

/** Starts the container of one node and waits until its system is up. `life` gets what takes it away. */
export async function startNode(
  engine: Engine,
  o: {
    ownership: Ownership;
    node: NodeOptions;
    life: Lifecycle;
    signal: AbortSignal;
    name: string;
    role: 'node' | 'worker';
    address: string;
    /** Names that have to be known on this node: it outlasts the renaming of another's container. */
    hosts?: Record<string, string>;
  },
  network: SessionNetwork,
): Promise<string> {
  const { ownership, node, life, signal, name, role, address } = o;
  // By its name, because a cancelled request may have made it all the same.
  life.add(() => engine.remove(name));
  const hosts = { 'host.docker.internal': network.gateway, ...o.hosts };
  const id = await engine.createContainer(
    {
      name,
      Hostname: name,
      Image: node.image,
      Tty: true,
      Labels: labelsFor(ownership, role),
      Env: role === 'node' ? ['KUBECONFIG=/etc/kubernetes/admin.conf'] : [],
      Volumes: { '/var': {} },
      HostConfig: {
        ...hostConfig(node.profile, network.name, node.limits),
        ExtraHosts: Object.entries(hosts).map(([host, ip]) => `${host}:${ip}`),
      },
      NetworkingConfig: {
        EndpointsConfig: { [network.name]: { IPAMConfig: { IPv4Address: address } } },
      },
    },
    signal,
  );
  await engine.start(id, signal);
  // No exec before this line: on cgroup v2 it would break what systemd is about to do (kind#2409).
  await engine.untilLogged(id, SYSTEM_STARTED, { timeoutMs: 60_000, signal });
  return id;
}
