import { AcademyError } from '#base/errors.ts';
import { Lifecycle } from '#base/lifecycle.ts';
import { createKubeClient } from '#kube/client/create.ts';
import { createHttpTransport } from '#kube/client/http.ts';
import { reachApi } from './api-access.ts';
import { KindCluster } from './cluster.ts';
import { type Engine, isStatus } from './engine.ts';
import { readNotes } from './node-notes.ts';
import { findCompanions, ToolboxBox, wake } from './toolbox.ts';
import { connectPods, type Member } from './workers.ts';

/** How long an API server may take to answer after a pause or a restart of its node. */
const ANSWERS_WITHIN_MS = 60_000;

/** A cluster that exists: of a session before a restart of the server, or of the pool. Paused nodes are woken, stopped ones started. */
export async function adoptCluster(engine: Engine, containerId: string, signal: AbortSignal): Promise<KindCluster> {
  const found = await engine.inspect(containerId).catch((error: unknown) => {
    if (isStatus(error, 404))
      throw new AcademyError('driver/node-lost', 'The node of this cluster is gone.', { cause: error });
    throw error;
  });
  const { toolbox, workers } = await findCompanions(engine, found.Config.Labels);
  await Promise.all([containerId, ...workers, ...(toolbox ? [toolbox] : [])].map((id) => wake(engine, id, signal)));
  const [members, endpoint] = await membersOf(engine, [containerId, ...workers]);
  const [kubeconfig, { homeFiles }] = await Promise.all([
    engine.run(containerId, ['cat', '/etc/kubernetes/admin.conf'], { signal }),
    readNotes(engine, containerId, signal),
  ]);
  const api = await reachApi(engine, containerId, endpoint.IPAddress, kubeconfig);
  const transport = createHttpTransport(api.access);
  const connections = new Lifecycle();
  connections.add(() => {
    transport.close();
    api.close();
  });
  const life = new Lifecycle();
  life.add(() => engine.removeNetwork(endpoint.NetworkID));
  life.add(() => engine.remove(containerId));
  for (const worker of workers) life.add(() => engine.remove(worker));
  if (toolbox) life.add(() => engine.remove(toolbox));
  life.add(() => connections.close());
  const admin = createKubeClient(transport);
  await answering(() => admin.raw('GET', '/readyz'), signal);
  if (workers.length > 0) await connectPods(engine, admin, members, signal);
  return new KindCluster({
    containerId,
    workers,
    access: api.access,
    admin,
    homeFiles,
    ready: Promise.resolve(),
    life,
    connections,
    engine,
    ...(toolbox ? { box: new ToolboxBox(engine, toolbox, kubeconfig, endpoint.IPAddress) } : {}),
  });
}

/** The nodes in the order of their containers, and the first one's place on the network. */
async function membersOf(
  engine: Engine,
  containers: string[],
): Promise<[Member[], { IPAddress: string; NetworkID: string }]> {
  const places = await Promise.all(
    containers.map(async (id) => {
      const { Config, NetworkSettings } = await engine.inspect(id);
      const endpoint = Object.values(NetworkSettings.Networks)[0];
      if (!endpoint) throw new AcademyError('driver/node-lost', 'A node of this cluster has no network.');
      return { member: { id, name: Config.Hostname, address: endpoint.IPAddress }, endpoint };
    }),
  );
  return [places.map(({ member }) => member), places[0]!.endpoint];
}

/** An API server that starts refuses connections until it listens: asked again after a short, growing wait. */
async function answering(ask: () => Promise<unknown>, signal: AbortSignal): Promise<void> {
  const within = AbortSignal.any([signal, AbortSignal.timeout(ANSWERS_WITHIN_MS)]);
  for (let waitMs = 20; ; waitMs = Math.min(waitMs * 1.5, 500)) {
    try {
      await ask();
      return;
    } catch (error) {
      if (signal.aborted) throw signal.reason;
      if (within.aborted)
        throw new AcademyError('driver/node-lost', 'The API server of this cluster does not answer.', { cause: error });
      await new Promise((resolve) => setTimeout(resolve, waitMs));
    }
  }
}
