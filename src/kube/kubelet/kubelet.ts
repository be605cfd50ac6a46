import type { Duplex } from 'node:stream';
import type { Clock } from '#base/clock.ts';
import { rfc3339 } from '#base/rfc3339.ts';
import type { NodeApi, NodeExec, NodeExecOptions, NodeLogOptions } from '#kube/api/node.ts';
import { failure, notFound, StatusError } from '#kube/api/status.ts';
import type { KubeObject, UserInfo } from '#kube/api/types.ts';
import type { KubeClient } from '#kube/client/client.ts';
import { Informer } from '#kube/client/informer.ts';
import type { Image } from '#kube/images/program.ts';
import type { Network } from '#kube/network/network.ts';
import { DEFAULT_POD_CIDR, PodAddresses } from './addresses.ts';
import type { ContainerRunner } from './container-runner.ts';
import { attachTo, execIn } from './exec.ts';
import { ScratchVolume } from './files.ts';
import { startHeartbeat } from './heartbeat.ts';
import { ImageStore } from './image-store.ts';
import { readLog } from './log-reader.ts';
import { nodeObject } from './node-object.ts';
import { PodWorker } from './pod-worker.ts';
import type { NodeWorld } from './world.ts';

export interface KubeletOptions {
  client: KubeClient;
  clock: Clock;
  network: Network;
  images: readonly Image[];
  node: { name: string; ip: string };
  /** A /16 that pods get their addresses from; 10.244.0.0/16 when absent. */
  podCidr?: string;
  /** The name server that pods are told of; 10.96.0.10 when absent. */
  dnsIp?: string;
  /** How long a change of a ConfigMap or Secret takes to reach mounted files, ms; longer while pods come and go. */
  volumeSyncMs: number;
  isMesh?(image: Image): boolean;
  /** What `folders` gave: the node's own folders, as they were. */
  folders?: NodeFolders;
  /** A client that acts as a user, for the programs of containers. */
  clientOf(user: UserInfo): KubeClient;
}

/** A node whose pods did nothing for so long has time for its mounts. */
const CALM_MS = 2_500;
/** Path to the files in it, base64: what hostPath and claimed volumes hold. */
export type NodeFolders = Record<string, Record<string, string>>;

const CORE = { group: '', version: 'v1' } as const;
const NODES = { ...CORE, resource: 'nodes' };

/** The one node's agent: runs the pods that are bound to it and answers for them. */
export class Kubelet implements NodeApi {
  readonly #options: KubeletOptions;
  readonly #world: NodeWorld;
  readonly #workers = new Map<string, PodWorker>();
  readonly #byName = new Map<string, PodWorker>();
  #heartbeat: { close(): void } | undefined;
  readonly #folders = new Map<string, ScratchVolume>();
  #lastStir = 0;
  readonly #pods: Informer;
  readonly #services: Informer;
  readonly #configMaps: Informer;
  readonly #secrets: Informer;

  constructor(options: KubeletOptions) {
    this.#options = options;
    const { client, node } = options;
    for (const [path, files] of Object.entries(options.folders ?? {}))
      this.#folders.set(
        path,
        new ScratchVolume(Object.entries(files).map(([name, data]) => [name, Buffer.from(data, 'base64')] as const)),
      );
    this.#pods = new Informer(client, { ...CORE, resource: 'pods' }, { fieldSelector: `spec.nodeName=${node.name}` });
    this.#services = new Informer(client, { ...CORE, resource: 'services' });
    this.#configMaps = new Informer(client, { ...CORE, resource: 'configmaps' });
    this.#secrets = new Informer(client, { ...CORE, resource: 'secrets' });
    const read = (informer: Informer, resource: string) => async (namespace: string, name: string) =>
      informer.get(namespace, name) ?? (await this.#fetch(resource, namespace, name));
    this.#world = {
      client,
      clock: options.clock,
      network: options.network,
      images: new ImageStore(options.images),
      addresses: new PodAddresses(options.podCidr),
      node,
      dnsIp: options.dnsIp ?? '10.96.0.10',
      sync: {
        delayMs: options.volumeSyncMs,
        busyForMs: () => Math.max(0, this.#lastStir + CALM_MS - options.clock.now()),
      },
      kept: (path) => {
        const known = this.#folders.get(path) ?? new ScratchVolume();
        this.#folders.set(path, known);
        return known;
      },
      knows: (path) => this.#folders.has(path),
      stirred: () => {
        this.#lastStir = options.clock.now();
      },
      isMesh: (image) => options.isMesh?.(image) ?? false,
      clientOf: (user) => options.clientOf(user),
      services: () => this.#services.list(),
      configMap: read(this.#configMaps, 'configmaps'),
      secret: read(this.#secrets, 'secrets'),
    };
    const follow = (informer: Informer, kind: string) =>
      informer.onChange(({ object }) => {
        for (const worker of this.#workers.values())
          if (worker.pod.metadata.namespace === object.metadata.namespace)
            worker.sourceChanged(`${kind}/${object.metadata.name}`);
      });
    follow(this.#configMaps, 'configMap');
    follow(this.#secrets, 'secret');
    this.#pods.onChange(({ type, object }) => (type === 'delete' ? this.#removed(object) : this.#put(object)));
  }

  /** Registers the node and starts what is bound to it. */
  async start(): Promise<void> {
    await this.#register();
    await Promise.all([this.#services, this.#configMaps, this.#secrets].map((informer) => informer.start()));
    await this.#pods.start();
  }

  /** The node's own folders, to come back to. */
  folders(): NodeFolders {
    const files = (volume: ScratchVolume) =>
      Object.fromEntries([...volume.entries()].map(([name, data]) => [name, Buffer.from(data).toString('base64')]));
    return Object.fromEntries([...this.#folders].map(([path, volume]) => [path, files(volume)]));
  }

  async close(): Promise<void> {
    this.#heartbeat?.close();
    for (const informer of [this.#pods, this.#services, this.#configMaps, this.#secrets]) informer.stop();
    for (const worker of [...this.#workers.values()]) worker.gone();
  }

  async logs(
    namespace: string,
    pod: string,
    container: string,
    options: NodeLogOptions,
  ): Promise<AsyncIterable<Uint8Array>> {
    const { container: state } = this.#runner(namespace, pod, container);
    const log = options.previous ? state.previousLog : state.log;
    if (options.previous && !log)
      throw failure(
        'BadRequest',
        `previous terminated container ${JSON.stringify(container)} in pod ${JSON.stringify(pod)} not found`,
      );
    if (!state.running && !state.terminated && !state.last && state.waiting)
      throw failure(
        'BadRequest',
        `container ${JSON.stringify(container)} in pod ${JSON.stringify(pod)} is waiting to start: ${waitingWords(state.waiting)}`,
      );
    return readLog(log!, options, this.#options.clock.now());
  }

  async exec(namespace: string, pod: string, container: string, options: NodeExecOptions): Promise<NodeExec> {
    const runner = this.#running(namespace, pod, container);
    return runner instanceof Error ? ended(runner) : execIn(runner, options);
  }

  async attach(
    namespace: string,
    pod: string,
    container: string,
    options: Omit<NodeExecOptions, 'command'>,
  ): Promise<NodeExec> {
    const runner = this.#running(namespace, pod, container);
    return runner instanceof Error ? ended(runner) : attachTo(runner.container, options);
  }

  async portForward(namespace: string, pod: string, port: number): Promise<Duplex> {
    const worker = this.#byName.get(`${namespace}/${pod}`);
    if (!worker?.hasSandbox) throw notFound('', 'pods', pod);
    try {
      return await worker.net.dial('127.0.0.1', port);
    } catch (error) {
      throw new Error(
        `failed to connect to localhost:${port} inside namespace ${JSON.stringify(worker.pod.metadata.uid)}, IPv4: dial tcp4 127.0.0.1:${port}: ${(error as { code?: string }).code === 'ECONNREFUSED' ? 'connect: connection refused' : (error as Error).message}`,
      );
    }
  }

  #put(pod: KubeObject): void {
    const uid = pod.metadata.uid!;
    const worker = this.#workers.get(uid);
    if (worker) {
      worker.update(pod);
      return;
    }
    if (['Succeeded', 'Failed'].includes(pod.status?.phase) && !pod.metadata.deletionTimestamp) return;
    const key = `${pod.metadata.namespace}/${pod.metadata.name}`;
    const made = new PodWorker(pod, this.#world, () => this.#closed(uid, key));
    this.#workers.set(uid, made);
    this.#byName.set(key, made);
    if (pod.metadata.deletionTimestamp) made.update(pod);
    else made.start();
  }

  #removed(pod: KubeObject): void {
    this.#workers.get(pod.metadata.uid!)?.gone();
  }

  #closed(uid: string, key: string): void {
    const worker = this.#workers.get(uid);
    this.#workers.delete(uid);
    if (this.#byName.get(key) === worker) this.#byName.delete(key);
  }

  #runner(namespace: string, pod: string, container: string): ContainerRunner {
    const worker = this.#byName.get(`${namespace}/${pod}`);
    const runner = worker?.runner(container);
    if (!runner) throw notFound('', 'pods', pod);
    return runner;
  }

  #running(namespace: string, pod: string, container: string): ContainerRunner | Error {
    const runner = this.#runner(namespace, pod, container);
    if (!runner.container.running)
      return failure(
        'InternalError',
        `Internal error occurred: unable to upgrade connection: container not found (${JSON.stringify(container)})`,
      );
    return runner;
  }

  async #fetch(resource: string, namespace: string, name: string): Promise<KubeObject | undefined> {
    return this.#options.client.get({ ...CORE, resource, namespace }, name).catch((error: unknown) => {
      if (error instanceof StatusError && error.code === 404) return undefined;
      throw error;
    });
  }

  async #register(): Promise<void> {
    const { client, clock, node, podCidr = DEFAULT_POD_CIDR } = this.#options;
    const now = rfc3339(clock.now());
    const images = this.#world.images.all().map(({ repository }) => ({ names: [repository], sizeBytes: 0 }));
    const object = nodeObject({ ...node, podCidr, now, images });
    const made = await client.create(NODES, object).catch((error: unknown) => {
      if (error instanceof StatusError && error.code === 409) return client.get(NODES, node.name);
      throw error;
    });
    await client.update(NODES, { ...made, status: object.status }, { subresource: 'status', fieldManager: 'kubelet' });
    this.#heartbeat = startHeartbeat(client, clock, made);
  }
}

/** The connection stands, and tells at once what is wrong. */
function ended(why: Error): NodeExec {
  const exited = Promise.reject(why);
  exited.catch(() => {});
  return { exited, resize() {} };
}

function waitingWords({ reason, message }: { reason: string; message?: string }): string {
  if (reason === 'ErrImagePull' || reason === 'InvalidImageName')
    return reason === 'ErrImagePull' ? "image can't be pulled" : reason;
  return reason === 'ImagePullBackOff'
    ? 'trying and failing to pull image'
    : message && reason === 'CreateContainerConfigError'
      ? reason
      : reason;
}

export async function startKubelet(options: KubeletOptions): Promise<Kubelet> {
  const kubelet = new Kubelet(options);
  await kubelet.start();
  return kubelet;
}
