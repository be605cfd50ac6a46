import type { Lifecycle } from '#base/lifecycle.ts';
import type { KubeClient } from '#kube/client/client.ts';
import type { HttpAccess } from '#kube/client/http.ts';
import type { Engine } from './engine.ts';
import { onNode } from './explain.ts';
import { configure, type Initialised, initialise } from './initialise.ts';
import { labelsFor, type Ownership } from './labels.ts';
import { nodeName, workerName } from './names.ts';
import { createNetwork, type SessionNetwork } from './network.ts';
import { putImages, type WantedImages } from './node-images.ts';
import { type NodeOptions, startNode } from './start-node.ts';
import { atMost, type Steps, step } from './steps.ts';
import { systemReady } from './system-ready.ts';
import { together } from './together.ts';
import { connectPods, forgetToken, join, joinToken, type Member } from './workers.ts';

/** What takes longer on a very busy host than this does not come. */
const SYSTEM_WITHIN_MS = 5 * 60_000;

export interface RunningNode {
  containerId: string;
  /** Containers of the further nodes. */
  workers: string[];
  /** The node's own `/etc/kubernetes/admin.conf`. */
  kubeconfig: string;
  /** Of the node, on its session's network. */
  address: string;
  access: HttpAccess;
  admin: KubeClient;
}

export interface BringUpOptions extends Steps {
  ownership: Ownership;
  node: NodeOptions;
  /** Further nodes. */
  workers: number;
  images: WantedImages;
  life: Lifecycle;
  connections: Lifecycle;
  /** What is made on the same network while the node comes up. */
  beside?(network: SessionNetwork): Promise<void>;
}

/**
 * Makes a cluster's nodes and their network, step by step. `life` gets what undoes each thing at the moment it exists, so
 * that a cancelled or failed bring-up removes exactly what was made; `connections` gets what only this process holds.
 */
export async function bringUp(engine: Engine, o: BringUpOptions): Promise<RunningNode> {
  const { ownership, life, signal, workers } = o;
  const network = await step(o, 'network', 'Creating a network without a way out', 300, async () => {
    const labels = labelsFor(ownership, 'network');
    const made = await createNetwork(engine, nodeName(ownership.cluster), labels, signal, workers);
    life.add(() => engine.removeNetwork(made.id));
    return made;
  });
  const [made] = await together<[RunningNode, void]>(signal, (either) => [
    bringNodesUp(engine, { ...o, signal: either }, network),
    o.beside?.(network) ?? Promise.resolve(),
  ]);
  return made;
}

async function bringNodesUp(engine: Engine, o: BringUpOptions, network: SessionNetwork): Promise<RunningNode> {
  const { ownership, signal } = o;
  const token = o.workers > 0 ? joinToken() : undefined;
  const name = nodeName(ownership.cluster);
  const [first, ...workers] = await together<[FirstNode, ...Member[]]>(signal, (either) => [
    firstNode(engine, { ...o, signal: either }, network, token),
    ...network.workerAddresses.map((address, index) =>
      workerNode(engine, { ...o, signal: either }, network, { name: workerName(ownership.cluster, index), address }),
    ),
  ]);
  const { member, kubeconfig, access, admin } = first;
  if (token) {
    const { ca = '' } = access;
    await together<void[]>(signal, (either) =>
      workers.map((worker, index) =>
        step(o, `join-${index + 1}`, `Letting worker ${index + 1} join`, 6_000, () =>
          onNode(engine, worker.id, either, (unlessFull) =>
            join(engine, worker, { cluster: ownership.cluster, server: name, token, ca, signal: unlessFull }),
          ),
        ),
      ),
    );
    await forgetToken(engine, member.id, token, signal);
    await connectPods(engine, admin, [member, ...workers], signal);
  }
  await step(o, 'system', 'Waiting for DNS and networking', 8_000, () =>
    atMost(SYSTEM_WITHIN_MS, 'The system’s pods did not become ready', signal, (either) => systemReady(admin, either)),
  );
  return {
    containerId: member.id,
    workers: workers.map(({ id }) => id),
    kubeconfig,
    address: member.address,
    access,
    admin,
  };
}

type FirstNode = Initialised & { member: Member };

async function firstNode(
  engine: Engine,
  o: BringUpOptions,
  network: SessionNetwork,
  token: string | undefined,
): Promise<FirstNode> {
  const { ownership, node, signal, connections } = o;
  const at = { name: nodeName(ownership.cluster), address: network.nodeAddress };
  const settings = {
    ...ownership,
    ip: at.address,
    profile: node.profile,
    podSubnet: network.podSubnet,
    ...(token ? { joinToken: token } : {}),
  };
  const { id, storage } = await step(o, 'node', 'Starting the node', 3_000, async () => {
    const made = await startNode(engine, { ...o, ...at, role: 'node' }, network);
    const configured = onNode(engine, made, signal, (unlessFull) => configure(engine, made, settings, unlessFull));
    return { id: made, storage: await configured };
  });
  const member = { id, ...at };
  const [initialised] = await together<[Initialised, void]>(signal, (either) => [
    step(o, 'kubeadm', 'Starting Kubernetes', 10_000, () =>
      onNode(engine, id, either, (unlessFull) => initialise(engine, member, storage, connections, unlessFull)),
    ),
    putWanted(engine, { ...o, signal: either }, id, 'images', 'Putting images into the node'),
  ]);
  return { member, ...initialised };
}

async function workerNode(
  engine: Engine,
  o: BringUpOptions,
  network: SessionNetwork,
  at: { name: string; address: string },
): Promise<Member> {
  const number = network.workerAddresses.indexOf(at.address) + 1;
  const hosts = { [nodeName(o.ownership.cluster)]: network.nodeAddress };
  const id = await step(o, `worker-${number}`, `Starting worker ${number}`, 3_000, () =>
    startNode(engine, { ...o, ...at, role: 'worker', hosts }, network),
  );
  await putWanted(engine, o, id, `worker-${number}-images`, `Putting images into worker ${number}`);
  return { id, ...at };
}

/** Nothing is wanted of a bare cluster, and then there is no such step. */
async function putWanted(engine: Engine, o: BringUpOptions, node: string, key: string, title: string): Promise<void> {
  if (o.images.needed.length + o.images.useful.length === 0) return;
  await step(o, key, title, 5_000, () =>
    onNode(engine, node, o.signal, (unlessFull) => putImages(engine, node, o.images, unlessFull)),
  );
}
