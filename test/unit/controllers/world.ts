import { expect } from 'vitest';
import { MovableClock } from '#base/clock.ts';
import { failure } from '#kube/api/status.ts';
import type { KubeObject } from '#kube/api/types.ts';
import { ApiServer } from '#kube/apiserver/server.ts';
import type { KubeClient, Target } from '#kube/client/client.ts';
import { createKubeClient } from '#kube/client/create.ts';
import { createInProcessTransport } from '#kube/client/in-process.ts';
import { Informer } from '#kube/client/informer.ts';
import { TARGETS, type TargetName } from '#kube/controllers/context.ts';
import { startControllers } from '#kube/controllers/start.ts';
import { startScheduler } from '#kube/scheduler/scheduler.ts';

export const START = Date.UTC(2026, 10, 24, 10, 0, 30);

/** Marks bound pods running and ready, and lets deleted ones go, as a node would whose containers do what a test says. */
export class FakeKubelet {
  readonly #world: ControllerWorld;
  readonly #pods: Informer;
  readonly #seen = new Set<string>();
  #ip = 0;
  /** Which pods become ready by themselves. */
  becomesReady: (pod: KubeObject) => boolean = () => true;
  /** Which pods end by themselves, and how. */
  ends: (pod: KubeObject) => 'Succeeded' | 'Failed' | undefined = () => undefined;
  /** Which deleted pods linger. */
  lingers: (pod: KubeObject) => boolean = () => false;

  constructor(world: ControllerWorld) {
    this.#world = world;
    this.#pods = new Informer(world.client, TARGETS.pods);
    this.#pods.onChange(({ type, object }) => {
      if (type !== 'delete') void this.sync(object).catch(() => {});
    });
  }

  start(): Promise<void> {
    return this.#pods.start();
  }
  stop(): void {
    this.#pods.stop();
  }
  /** Looks again at every pod, after a test has changed its mind. */
  async again(): Promise<void> {
    this.#seen.clear();
    for (const pod of this.#pods.list()) await this.sync(pod);
  }

  async sync(pod: KubeObject): Promise<void> {
    const { uid = '', namespace, name, deletionTimestamp } = pod.metadata;
    if (!pod.spec.nodeName) return;
    const target = { ...TARGETS.pods, namespace: namespace! };
    if (deletionTimestamp) {
      if (this.lingers(pod)) return;
      if (!['Succeeded', 'Failed'].includes(pod.status?.phase)) await this.#set(pod, 'Failed', false);
      await this.#world.client.delete(target, name!, { gracePeriodSeconds: 0 }).catch(() => {});
      return;
    }
    if (this.#seen.has(uid)) return;
    this.#seen.add(uid);
    const end = this.ends(pod);
    await this.#set(pod, end ?? 'Running', !end && this.becomesReady(pod));
  }

  async #set(pod: KubeObject, phase: string, ready: boolean): Promise<void> {
    const at = this.#world.iso();
    const state =
      phase === 'Running'
        ? { running: { startedAt: at } }
        : { terminated: { exitCode: phase === 'Succeeded' ? 0 : 1, finishedAt: at, startedAt: at, reason: 'x' } };
    const status = {
      phase,
      podIP: pod.status?.podIP ?? `10.244.0.${++this.#ip}`,
      startTime: at,
      conditions: [{ type: 'Ready', status: ready ? 'True' : 'False', lastTransitionTime: at, lastProbeTime: null }],
      containerStatuses: pod.spec.containers.map(({ name, image }: Record<string, string>) => ({
        name,
        image,
        imageID: '',
        ready,
        restartCount: 0,
        state,
        lastState: {},
      })),
    };
    await this.#world.client.patch(
      { ...TARGETS.pods, namespace: pod.metadata.namespace! },
      pod.metadata.name!,
      'merge',
      { status },
      { subresource: 'status' },
    );
  }
}

/** API server, controllers, scheduler and a fake node, without containers. */
export class ControllerWorld {
  readonly clock = new MovableClock({ startAtMs: START });
  /** When set, pods are refused with these words. */
  refusesPods: string | undefined;
  readonly server = new ApiServer({
    clock: this.clock,
    admission: [
      {
        name: 'test',
        validate: async ({ resource, operation }) => {
          if (this.refusesPods && resource === 'pods' && operation === 'CREATE')
            throw failure('Forbidden', this.refusesPods);
        },
      },
    ],
  });
  readonly client: KubeClient = createKubeClient(
    createInProcessTransport(this.server, { username: 'admin', groups: ['system:masters'] }),
  );
  readonly kubelet = new FakeKubelet(this);
  #close: (() => void)[] = [];

  async start(nodes = ['one']): Promise<void> {
    for (const name of ['default', 'shop'])
      await this.apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } });
    for (const name of nodes)
      await this.apply({ apiVersion: 'v1', kind: 'Node', metadata: { name, labels: { name } } });
    const controllers = await startControllers({
      client: this.client,
      clock: this.clock,
      clusterCa: 'CA',
      store: this.server.store,
      targetOf: (kind) => {
        const [group = '', resource = ''] = kind.split('/');
        const version =
          group === '' ? 'v1' : this.server.kinds.groups().find(({ name }) => name === group)?.versions[0];
        return version ? { group, version, resource } : undefined;
      },
    });
    const scheduler = await startScheduler({
      client: this.client,
      clock: this.clock,
      record: (...event) => controllers.context.event(...event),
    });
    await this.kubelet.start();
    this.#close = [() => controllers.close(), () => scheduler.close(), () => this.kubelet.stop()];
  }

  stop(): void {
    for (const close of this.#close) close();
    this.clock.stop();
  }

  iso(): string {
    return new Date(this.clock.now()).toISOString().replace(/\.\d+Z$/, 'Z');
  }

  apply(object: KubeObject): Promise<KubeObject> {
    return this.client.apply(object, { fieldManager: 'test', force: true });
  }

  at(name: TargetName): Target {
    return { ...TARGETS[name], namespace: 'shop' };
  }

  get(kind: TargetName, name: string): Promise<KubeObject> {
    return this.client.get(this.at(kind), name);
  }

  async list(kind: TargetName): Promise<KubeObject[]> {
    return (await this.client.list(this.at(kind))).items;
  }

  async names(kind: TargetName): Promise<string[]> {
    return (await this.list(kind)).map(({ metadata }) => metadata.name!).sort();
  }

  /** Waits until what `look` gives equals `wanted`. */
  until(look: () => Promise<unknown>, wanted: unknown): Promise<void> {
    return expect.poll(() => look().catch(String), { timeout: 5_000, interval: 5 }).toEqual(wanted);
  }

  async status(kind: TargetName, name: string): Promise<Record<string, unknown>> {
    return (await this.get(kind, name)).status ?? {};
  }

  async events(reason: string): Promise<string[]> {
    return (await this.list('events')).filter((event) => event['reason'] === reason).map((event) => event['message']);
  }
}

/** A pod template with one container. */
export const template = (app: string, image = 'x:1', extra: object = {}) => ({
  metadata: { labels: { app } },
  spec: { containers: [{ name: 'c', image, ...extra }] },
});
