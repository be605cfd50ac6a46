import { WallClock } from '#base/clock.ts';
import { AcademyError } from '#base/errors.ts';
import { Lifecycle } from '#base/lifecycle.ts';
import type { Cluster, ClusterDriver, CreateOptions } from '#cluster/driver.ts';
import { installLinkerd } from '#cluster/linkerd/install.ts';
import { createKubeClient } from '#kube/client/create.ts';
import { createHttpTransport } from '#kube/client/http.ts';
import { reachApi } from './api-access.ts';
import { bringUp, nodeName, type RunningNode } from './bring-up.ts';
import { Engine, isStatus } from './engine.ts';
import { LABEL } from './labels.ts';
import { linkerdCli } from './linkerd-cli.ts';
import { preflight } from './preflight.ts';
import type { NodeLimits } from './profile.ts';
import { serveClusterApi } from './serve-api.ts';
import type { KindSettings } from './settings.ts';
import { step } from './steps.ts';
import { profileOf } from './trial.ts';

const DEFAULT_LIMITS: NodeLimits = { memoryBytes: 3 * 1024 ** 3, cpus: 2, pids: 4096 };

/** What `save` writes: enough to find the cluster again. */
interface Saved {
  cluster: string;
  homeFiles: Record<string, string>;
}

/** Disposable clusters of real Kubernetes: one container of a node image each, made through the Docker Engine API. */
export function createKindDriver(settings: KindSettings, engine: Engine = new Engine()): ClusterDriver {
  const wall = new WallClock();

  const make = async (o: CreateOptions): Promise<Cluster> => {
    const life = new Lifecycle();
    const connections = new Lifecycle();
    life.add(() => connections.close());
    const cancel = () => void life.close().catch(() => {});
    o.signal.addEventListener('abort', cancel, { once: true });
    try {
      await removeCluster(engine, settings.owner, o.id);
      const profile = settings.profile ?? (await profileOf(engine, settings.nodeImage));
      const node = await bringUp(engine, {
        onStep: o.onStep,
        now: () => wall.now(),
        signal: AbortSignal.any([o.signal, life.signal]),
        ownership: { owner: settings.owner, cluster: o.id, now: wall.now() },
        node: { image: settings.nodeImage, profile, limits: { ...DEFAULT_LIMITS, ...settings.limits } },
        life,
        connections,
      });
      const mesh =
        o.settings.mesh === 'linkerd'
          ? await installLinkerd({
              admin: node.admin,
              settings: o.settings,
              now: wall.now(),
              ...(settings.linkerdCli ? { cli: linkerdCli(engine, node.containerId, settings.linkerdCli) } : {}),
            })
          : undefined;
      const ready = mesh
        ? step(
            { onStep: o.onStep, now: () => wall.now(), signal: o.signal },
            'mesh',
            'Waiting for the mesh',
            50_000,
            () => mesh.ready(o.signal),
          )
        : Promise.resolve();
      ready.catch(() => {});
      return clusterOf(node, o.id, mesh?.homeFiles ?? {}, ready, life, connections);
    } catch (error) {
      await life.close().catch(() => {});
      throw error;
    } finally {
      o.signal.removeEventListener('abort', cancel);
    }
  };

  const adopt = async (o: CreateOptions, saved: Saved): Promise<Cluster> => {
    const life = new Lifecycle();
    const connections = new Lifecycle();
    const info = await engine.inspect(nodeName(saved.cluster)).catch((error: unknown) => {
      if (isStatus(error, 404))
        throw new AcademyError('driver/node-lost', 'The node of this cluster is gone.', { cause: error });
      throw error;
    });
    if (info.State.Paused) await engine.unpause(info.Id);
    else if (!info.State.Running) await engine.start(info.Id);
    const [networkName, endpoint] = Object.entries(info.NetworkSettings.Networks)[0] ?? [];
    if (!networkName || !endpoint)
      throw new AcademyError('driver/node-lost', 'The node of this cluster has no network.');
    const kubeconfig = await engine.run(info.Id, ['cat', '/etc/kubernetes/admin.conf'], { signal: o.signal });
    life.add(() => engine.removeNetwork(endpoint.NetworkID));
    life.add(() => engine.remove(info.Id));
    const api = await reachApi(engine, info.Id, endpoint.IPAddress, kubeconfig);
    const transport = createHttpTransport(api.access);
    life.add(() => connections.close());
    connections.add(() => {
      api.close();
      transport.close();
    });
    const node: RunningNode = {
      containerId: info.Id,
      network: {
        id: endpoint.NetworkID,
        name: networkName,
        gateway: endpoint.Gateway,
        nodeAddress: endpoint.IPAddress,
        toolboxAddress: '',
      },
      access: api.access,
      admin: createKubeClient(transport),
      kubeconfig,
    };
    return clusterOf(node, saved.cluster, saved.homeFiles, Promise.resolve(), life, connections);
  };

  const clusterOf = (
    node: RunningNode,
    id: string,
    homeFiles: Record<string, string>,
    ready: Promise<void>,
    life: Lifecycle,
    connections: Lifecycle,
  ): Cluster => ({
    driver: 'kind',
    clock: wall,
    admin: node.admin,
    ready,
    homeFiles,
    async serveApi(socketPath, token) {
      const server = await serveClusterApi(node.access, socketPath, token);
      connections.add(() => {
        server.close();
        server.closeAllConnections();
      });
    },
    async advanceClock() {
      throw new AcademyError('driver/unavailable', 'The clock of a kind cluster is the clock of its host.');
    },
    async save() {
      return Buffer.from(JSON.stringify({ cluster: id, homeFiles } satisfies Saved));
    },
    release: () => connections.close(),
    destroy: () => life.close(),
  });

  return {
    name: 'kind',
    async preflight() {
      const checks = await preflight(engine, settings.nodeImage);
      const bad = checks.filter((check) => check.state === 'failed');
      return {
        ok: bad.length === 0,
        reasons: bad.map((check) => `${check.what}: ${check.said}${check.mend ? `. ${check.mend}` : ''}`),
      };
    },
    create: (o) => (o.restore ? adopt(o, JSON.parse(Buffer.from(o.restore).toString('utf8')) as Saved) : make(o)),
  };
}

/** Removes whatever an earlier cluster of the same name left behind. */
async function removeCluster(engine: Engine, owner: string, cluster: string): Promise<void> {
  const filters = { label: [`${LABEL.owner}=${owner}`, `${LABEL.cluster}=${cluster}`] };
  const containers = await engine.call('list containers', (abortSignal) =>
    engine.docker.listContainers({ all: true, filters, abortSignal }),
  );
  await Promise.all(containers.map(({ Id }) => engine.remove(Id)));
  const networks = await engine.call('list networks', (abortSignal) =>
    engine.docker.listNetworks({ filters, abortSignal }),
  );
  for (const { Id } of networks) await engine.removeNetwork(Id);
}
