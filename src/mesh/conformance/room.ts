import { isIP } from 'node:net';
import { StatusError } from '#kube/api/status.ts';
import type { KubeObject } from '#kube/api/types.ts';
import type { ApiResource, KubeClient, Target } from '#kube/client/client.ts';
import { splitApiVersion } from '#kube/client/paths.ts';
import { tcpMessage } from '#mesh/api/addresses.ts';
import { GrpcChannel, GrpcError } from '#mesh/api/grpc.ts';
import { GET_PORT } from '#mesh/api/inbound-api.ts';
import { GET_OUTBOUND } from '#mesh/api/outbound-api.ts';
import type { Message } from '#mesh/api/protobuf.ts';
import type { InboundConfig } from '#mesh/policy/core/config.ts';
import { configFrom } from '#mesh/policy/wire/inbound.ts';
import { NotRunnable, pause } from './verdict.ts';

/** What a command in a container came to. */
export interface Ran {
  code: number;
  stdout: string;
  stderr: string;
}

const NAMESPACES: Target = { group: '', version: 'v1', resource: 'namespaces' };
const MANAGER = 'academy-conformance';
const CONTROL_PLANE = 'linkerd';
/** A pod is ready within this, on a cluster that must pull its image. */
const READY_MS = 180_000;

/** The injector knows of a namespace within this. */
const INJECTOR_MS = 10_000;

/** What the cases share: the cluster, its kinds, and how long things take there. */
export class Lab {
  readonly client: KubeClient;
  readonly signal: AbortSignal;
  readonly run: string;
  #count = 0;
  readonly #targets = new Map<string, Promise<{ resource: string; namespaced: boolean }>>();

  constructor(client: KubeClient, signal: AbortSignal, run: string) {
    this.client = client;
    this.signal = signal;
    this.run = run;
  }

  /** A namespace of its own; removed with {@link Room.close}. */
  async room(annotations: Record<string, string> = {}): Promise<Room> {
    const name = `conformance-${this.run}-${++this.#count}`;
    await this.client.create(NAMESPACES, {
      apiVersion: 'v1',
      kind: 'Namespace',
      metadata: { name, annotations, labels: { 'academy/conformance': this.run } },
    });
    const room = this.in(name);
    await room.hasAccount();
    return room;
  }

  /** A namespace that is there already. */
  in(namespace: string): Room {
    return new Room(this, namespace);
  }

  async target(apiVersion: string, kind: string): Promise<Target & { namespaced: boolean }> {
    const { group, version } = splitApiVersion(apiVersion);
    const key = `${apiVersion}/${kind}`;
    let found = this.#targets.get(key);
    if (!found) {
      const known = (all: ApiResource[]) =>
        all.find((each) => each.group === group && each.version === version && each.kind === kind);
      found = (async () => {
        // What was learnt of the cluster may be older than its definitions.
        const resource = known(await this.client.discover()) ?? known(await this.client.discover({ fresh: true }));
        if (!resource) throw new Error(`the cluster does not serve ${apiVersion} ${kind}`);
        return { resource: resource.resource, namespaced: resource.namespaced };
      })();
      this.#targets.set(key, found);
    }
    const { resource, namespaced } = await found;
    return { group, version, resource, namespaced };
  }
}

/** The image that a pod waits for in vain. */
function imageMissing(pod: KubeObject): string | undefined {
  const statuses: { image: string; state?: { waiting?: { reason?: string } } }[] = pod.status?.containerStatuses ?? [];
  return statuses.find(({ state }) => /^(ErrImage|ImagePull)/.test(state?.waiting?.reason ?? ''))?.image;
}

/** One namespace in which cases are played. */
export class Room {
  readonly lab: Lab;
  readonly namespace: string;

  constructor(lab: Lab, namespace: string) {
    this.lab = lab;
    this.namespace = namespace;
  }

  async #target(object: Pick<KubeObject, 'apiVersion' | 'kind' | 'metadata'>): Promise<Target> {
    const { namespaced, ...target } = await this.lab.target(object.apiVersion, object.kind);
    return namespaced ? { ...target, namespace: object.metadata.namespace ?? this.namespace } : target;
  }

  /** Pods are refused until their account is there. */
  hasAccount(): Promise<void> {
    const accounts = { group: '', version: 'v1', resource: 'serviceaccounts', namespace: this.namespace };
    return this.until(
      async () => (await this.lab.client.list(accounts)).items.some(({ metadata }) => metadata.name === 'default'),
      'the namespace has no service account',
    );
  }

  async apply(object: KubeObject): Promise<KubeObject> {
    const namespace = object.metadata.namespace ?? this.namespace;
    const placed = object.kind === 'Namespace' ? object : { ...object, metadata: { ...object.metadata, namespace } };
    const until = performance.now() + INJECTOR_MS;
    for (;;) {
      try {
        return await this.lab.client.apply(placed, { fieldManager: MANAGER, force: true });
      } catch (error) {
        // The injector hears of a new namespace a moment after the API server has it.
        const early = error instanceof Error && error.message.includes(`namespaces "${namespace}" not found`);
        if (!early || performance.now() > until) throw error;
        await pause(200, this.lab.signal);
      }
    }
  }

  /** Why the API server (or a webhook) refuses an object; undefined when it is admitted. Nothing is stored. */
  async refusal(object: KubeObject): Promise<string | undefined> {
    const namespace = object.metadata.namespace ?? this.namespace;
    try {
      const placed = { ...object, metadata: { ...object.metadata, namespace } };
      await this.lab.client.create(await this.#target(placed), placed, { dryRun: true });
      return undefined;
    } catch (error) {
      if (error instanceof StatusError && error.code >= 400 && error.code < 500 && error.code !== 404)
        return error.message;
      throw error;
    }
  }

  async get(apiVersion: string, kind: string, name: string): Promise<KubeObject> {
    return this.lab.client.get(await this.#target({ apiVersion, kind, metadata: {} }), name);
  }

  async merge(apiVersion: string, kind: string, name: string, patch: unknown): Promise<KubeObject> {
    const { namespaced, ...target } = await this.lab.target(apiVersion, kind);
    return this.lab.client.patch(namespaced ? { ...target, namespace: this.namespace } : target, name, 'merge', patch);
  }

  /** Deletes an object and waits until it is gone. */
  async remove(apiVersion: string, kind: string, name: string): Promise<void> {
    const target = await this.#target({ apiVersion, kind, metadata: {} });
    const gone = (error: unknown) => error instanceof StatusError && error.code === 404;
    try {
      await this.lab.client.delete(target, name, { gracePeriodSeconds: 0 });
    } catch (error) {
      if (!gone(error)) throw error;
    }
    await this.until(async () => {
      try {
        await this.lab.client.get(target, name);
        return false;
      } catch (error) {
        if (gone(error)) return true;
        throw error;
      }
    }, `${kind} ${name} is still there`);
  }

  /** Resolves with the pod once all its containers are ready. */
  async ready(pod: string): Promise<KubeObject> {
    let last: KubeObject | undefined;
    try {
      await this.until(
        async () => {
          last = await this.get('v1', 'Pod', pod);
          const conditions: { type: string; status: string }[] = last.status?.conditions ?? [];
          return conditions.some(({ type, status }) => type === 'Ready' && status === 'True');
        },
        `pod ${pod} is not ready`,
        READY_MS,
      );
    } catch (error) {
      const missing = last && imageMissing(last);
      if (missing) throw new NotRunnable(`the cluster cannot get the image ${missing}`);
      throw error;
    }
    return last!;
  }

  async until(holds: () => Promise<boolean>, otherwise: string, withinMs = 60_000): Promise<void> {
    const deadline = performance.now() + withinMs;
    while (!(await holds())) {
      if (performance.now() > deadline) throw new Error(otherwise);
      await pause(50, this.lab.signal);
    }
  }

  async exec(pod: string, container: string, command: string[]): Promise<Ran> {
    const out: Uint8Array[] = [];
    const err: Uint8Array[] = [];
    const code = await this.lab.client.exec({
      namespace: this.namespace,
      pod,
      container,
      command,
      stdout: (chunk) => out.push(chunk),
      stderr: (chunk) => err.push(chunk),
      signal: this.lab.signal,
    });
    return { code, stdout: Buffer.concat(out).toString(), stderr: Buffer.concat(err).toString() };
  }

  /** Asks the policy controller, as a proxy would, what holds for a port of a pod; undefined: it knows no such pod. */
  async inbound(workload: string, port: number): Promise<InboundConfig | undefined> {
    const message = await this.#ask((channel) => channel.unary(GET_PORT, { workload, port }));
    return message && configFrom(message, port);
  }

  /** The same for traffic of a namespace to an address; undefined: it knows nothing there. */
  outbound(address: string, port: number, from = this.namespace): Promise<Message | undefined> {
    if (isIP(address) === 0) throw new Error(`not an address: ${address}`);
    const workload = JSON.stringify({ ns: from, pod: 'conformance' });
    return this.#ask((channel) =>
      channel.unary(GET_OUTBOUND, { source_workload: workload, addr: tcpMessage(address, port) }),
    );
  }

  async #ask(call: (channel: GrpcChannel) => Promise<Message>): Promise<Message | undefined> {
    const { client, signal } = this.lab;
    const pods = await client.list(
      { group: '', version: 'v1', resource: 'pods', namespace: CONTROL_PLANE },
      { labelSelector: 'linkerd.io/control-plane-component=destination' },
    );
    const pod = pods.items.find((each) => each.status?.phase === 'Running')?.metadata.name;
    if (!pod) throw new Error('no destination pod is running');
    const channel = new GrpcChannel(await client.portForward(CONTROL_PLANE, pod, 8090, signal));
    try {
      return await call(channel);
    } catch (error) {
      if (error instanceof GrpcError && error.code === 5) return undefined;
      throw error;
    } finally {
      channel.close();
    }
  }

  async close(): Promise<void> {
    await this.lab.client.delete(NAMESPACES, this.namespace, { propagationPolicy: 'Background' }).catch(() => {});
  }
}
