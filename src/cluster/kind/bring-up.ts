import { AcademyError } from '#base/errors.ts';
import type { Lifecycle } from '#base/lifecycle.ts';
import type { KubeClient } from '#kube/client/client.ts';
import { createKubeClient } from '#kube/client/create.ts';
import { createHttpTransport, type HttpAccess } from '#kube/client/http.ts';
import { reachApi } from './api-access.ts';
import type { Engine } from './engine.ts';
import { CNI_CONFIG, kubeadmConfig, quickCoreDns } from './kubeadm.ts';
import { labelsFor, type Ownership } from './labels.ts';
import { nodeName } from './names.ts';
import { createNetwork, type SessionNetwork } from './network.ts';
import { hostConfig, type NodeLimits, type Profile } from './profile.ts';
import { type Steps, step } from './steps.ts';
import { systemReady } from './system-ready.ts';

export interface NodeOptions {
  image: string;
  profile: Profile;
  limits: NodeLimits;
}

export interface RunningNode {
  containerId: string;
  /** The node's own `/etc/kubernetes/admin.conf`. */
  kubeconfig: string;
  /** Of the node, on its session's network. */
  address: string;
  access: HttpAccess;
  admin: KubeClient;
}

const SYSTEM_STARTED = /Reached target .*Multi-User System|detected cgroup v1/;

/**
 * Makes one node and its network, step by step. `life` gets what undoes each thing at the moment it exists, so that a
 * cancelled or failed bring-up removes exactly what was made; `connections` gets what only this process holds.
 */
export async function bringUp(
  engine: Engine,
  o: Steps & {
    ownership: Ownership;
    node: NodeOptions;
    life: Lifecycle;
    connections: Lifecycle;
    /** What is made on the same network while the node comes up. */
    beside?(network: SessionNetwork): Promise<void>;
  },
): Promise<RunningNode> {
  const { ownership, node, life, signal } = o;
  const name = nodeName(ownership.cluster);

  await step(o, 'image', 'Looking for the node image', 200, async () => {
    if (!(await engine.hasImage(node.image)))
      throw new AcademyError('driver/image-missing', `The node image ${node.image} is not in the Docker Engine.`);
  });
  const network = await step(o, 'network', 'Creating a network without a way out', 300, async () => {
    const made = await createNetwork(engine, name, labelsFor(ownership, 'network'), signal);
    life.add(() => engine.removeNetwork(made.id));
    return made;
  });
  // When one of the two fails the other is not finished first.
  const failed = new AbortController();
  const beside = o.beside?.(network);
  beside?.catch((error: unknown) => failed.abort(error));
  try {
    const made = await bringNodeUp(engine, { ...o, signal: AbortSignal.any([signal, failed.signal]) }, network);
    await beside;
    return made;
  } catch (error) {
    // Nothing is on its way any more when the caller takes away what was made.
    await beside?.catch(() => {});
    throw error;
  }
}

async function bringNodeUp(
  engine: Engine,
  o: Parameters<typeof bringUp>[1],
  network: SessionNetwork,
): Promise<RunningNode> {
  const { ownership, node, connections, signal } = o;
  const containerId = await step(o, 'node', 'Starting the node', 3_000, () => startNode(engine, o, network));
  const kubeconfig = await step(o, 'kubeadm', 'Starting Kubernetes', 12_000, () =>
    initialise(engine, containerId, { ...ownership, ip: network.nodeAddress, profile: node.profile }, signal),
  );
  const api = await reachApi(engine, containerId, network.nodeAddress, kubeconfig);
  connections.add(() => api.close());
  const transport = createHttpTransport(api.access);
  connections.add(() => transport.close());
  const admin = createKubeClient(transport);
  await step(o, 'system', 'Waiting for DNS and networking', 8_000, () => systemReady(admin, signal));
  return { containerId, kubeconfig, address: network.nodeAddress, access: api.access, admin };
}

async function startNode(
  engine: Engine,
  o: { ownership: Ownership; node: NodeOptions; life: Lifecycle; signal: AbortSignal },
  network: SessionNetwork,
): Promise<string> {
  const { ownership, node, life, signal } = o;
  const name = nodeName(ownership.cluster);
  // By its name, because a cancelled request may have made it all the same.
  life.add(() => engine.remove(name));
  const id = await engine.createContainer(
    {
      name,
      Hostname: name,
      Image: node.image,
      Tty: true,
      Labels: labelsFor(ownership, 'node'),
      Env: ['KUBECONFIG=/etc/kubernetes/admin.conf'],
      Volumes: { '/var': {} },
      HostConfig: {
        ...hostConfig(node.profile, network.name, node.limits),
        ExtraHosts: [`host.docker.internal:${network.gateway}`],
      },
      NetworkingConfig: {
        EndpointsConfig: { [network.name]: { IPAMConfig: { IPv4Address: network.nodeAddress } } },
      },
    },
    signal,
  );
  await engine.start(id, signal);
  // No exec before this line: on cgroup v2 it would break what systemd is about to do (kind#2409).
  await engine.untilLogged(id, SYSTEM_STARTED, { timeoutMs: 60_000, signal });
  return id;
}

/** kubeadm and what it leaves out; resolves with the administrator's kubeconfig. */
async function initialise(
  engine: Engine,
  id: string,
  o: Ownership & { ip: string; profile: Profile },
  signal: AbortSignal,
): Promise<string> {
  const run = (command: string[], stdin?: string, timeoutMs = 60_000) =>
    engine.run(id, command, { signal, timeoutMs, ...(stdin === undefined ? {} : { stdin }) });
  const [version, filesystem] = await Promise.all([
    run(['cat', '/kind/version']),
    run(['stat', '-fc', '%T', '/sys/fs/cgroup']),
  ]);
  await Promise.all([
    engine.write(id, '/etc/cni/net.d/10-node.conflist', CNI_CONFIG, signal),
    engine.write(
      id,
      '/kind/kubeadm.conf',
      kubeadmConfig({
        cluster: o.cluster,
        node: nodeName(o.cluster),
        ip: o.ip,
        version: version.trim(),
        cgroupV1: filesystem.trim() !== 'cgroup2fs',
        restricted: o.profile === 'restricted',
      }),
      signal,
    ),
  ]);
  await run(['kubeadm', 'init', '--config=/kind/kubeadm.conf', '--skip-token-print'], undefined, 240_000);
  const dns = await run([
    'kubeadm',
    'init',
    'phase',
    'addon',
    'coredns',
    '--config=/kind/kubeadm.conf',
    '--print-manifest',
  ]);
  const kubectl = ['kubectl', '--kubeconfig=/etc/kubernetes/admin.conf'];
  await Promise.all([
    run([...kubectl, 'apply', '-f', '-'], quickCoreDns(dns)),
    run([...kubectl, 'apply', '-f', '/kind/manifests/default-storage.yaml']),
  ]);
  return run(['cat', '/etc/kubernetes/admin.conf']);
}
