import { isAbort, messageOf } from '#base/errors.ts';
import { rfc3339 } from '#base/rfc3339.ts';
import { StatusError } from '#kube/api/status.ts';
import type { KubeObject } from '#kube/api/types.ts';
import type { NetNs } from '#kube/network/network.ts';
import { Container } from './container.ts';
import { ContainerRunner } from './container-runner.ts';
import { before, Deadline } from './deadline.ts';
import { PodEvents } from './events.ts';
import type { MountedVolume } from './files.ts';
import { hostNames } from './pod-files.ts';
import { PodMounts } from './pod-mounts.ts';
import { podStatus } from './pod-status.ts';
import type { NodeWorld, PodWorld } from './world.ts';

const PODS = { group: '', version: 'v1', resource: 'pods' } as const;

/** One pod of the node, from its sandbox to its end. */
export class PodWorker implements PodWorld {
  readonly node: NodeWorld;
  readonly events: PodEvents;
  readonly #mounts: PodMounts;
  readonly #init: ContainerRunner[];
  readonly #main: ContainerRunner[];
  readonly #ephemeral: ContainerRunner[] = [];
  readonly #abort = new AbortController();
  readonly #startTime: string;
  #pod: KubeObject;
  #net: NetNs | undefined;
  #ip = '';
  #ending: Deadline | undefined;
  #ended = false;
  #failure: { reason: string; message: string } | undefined;
  #statusWanted = false;
  #statusRuns: Promise<void> | undefined;
  #gone = false;
  readonly #onClosed: () => void;

  constructor(pod: KubeObject, node: NodeWorld, onClosed: () => void) {
    this.#pod = pod;
    this.node = node;
    this.#onClosed = onClosed;
    this.events = new PodEvents(node.client, node.clock, node.node.name);
    this.#startTime = this.#now();
    this.#mounts = new PodMounts(this);
    const waitingFor = (pod.spec.initContainers ?? []).length > 0 ? 'PodInitializing' : 'ContainerCreating';
    const runner = (isInit: boolean) => (spec: KubeObject['spec']) =>
      new ContainerRunner(this.#remembered(new Container(spec, isInit, waitingFor)), this);
    this.#init = (pod.spec.initContainers ?? []).map(runner(true));
    this.#main = pod.spec.containers.map(runner(false));
  }

  get pod(): KubeObject {
    return this.#pod;
  }
  get volumes(): ReadonlyMap<string, MountedVolume> {
    return this.#mounts.volumes;
  }
  get ip(): string {
    return this.#ip;
  }
  get net(): NetNs {
    if (!this.#net) throw new Error('the pod has no sandbox yet');
    return this.#net;
  }
  get hasSandbox(): boolean {
    return this.#net !== undefined;
  }
  get ending(): boolean {
    return this.#ending !== undefined;
  }
  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  runner(name: string): ContainerRunner | undefined {
    return [...this.#main, ...this.#init, ...this.#ephemeral].find(({ container }) => container.name === name);
  }

  /** Runs the pod; what it throws is a mistake of ours and is told as an event. */
  start(): void {
    this.#run().catch((error: unknown) => {
      if (!isAbort(error) && !this.#gone) this.events.tell(this.#pod, 'Warning', 'FailedSync', messageOf(error));
    });
  }

  /** The pod's object changed. */
  update(pod: KubeObject): void {
    const labelsChanged =
      pod.metadata.labels !== this.#pod.metadata.labels || pod.metadata.annotations !== this.#pod.metadata.annotations;
    const gatesChanged = gatesOf(pod) !== gatesOf(this.#pod);
    this.#pod = pod;
    if (labelsChanged) this.#mounts.podChanged();
    // Conditions that others set decide whether the pod is ready.
    if (gatesChanged) this.changed();
    for (const spec of pod.spec.ephemeralContainers ?? []) if (!this.runner(spec.name)) this.#addEphemeral(spec);
    if (!pod.metadata.deletionTimestamp) return;
    const graceMs = (pod.metadata.deletionGracePeriodSeconds ?? 30) * 1000;
    if (this.#ending) this.#ending.shorten(graceMs);
    else void this.#end(graceMs);
  }

  /** The API forgot the pod: whatever still runs is killed. */
  gone(): void {
    if (this.#gone) return;
    this.#gone = true;
    void this.#close();
  }

  /** A ConfigMap or Secret changed: `configMap/name` or `secret/name`. */
  sourceChanged(source: string): void {
    this.#mounts.sourceChanged(source);
  }

  changed(): void {
    this.node.stirred();
    this.#statusWanted = true;
    this.#statusRuns ??= this.#writeStatuses();
  }

  async #run(): Promise<void> {
    // Without its volumes a pod gets no network either.
    if (!(await this.#mounts.fill())) return;
    this.#makeSandbox();
    this.changed();
    const seconds: number | undefined = this.#pod.spec.activeDeadlineSeconds;
    if (seconds !== undefined) this.#limit(seconds);
    if (!(await this.#initialize())) return;
    await Promise.all(this.#main.map((runner) => runner.run()));
    if (this.#abort.signal.aborted) return;
    // Every main container is over for good; what only served them goes too.
    await this.#finish();
  }

  /** Init containers one after the other. Resolves false when the pod ends on the way. */
  async #initialize(): Promise<boolean> {
    for (const runner of this.#init) {
      const { container } = runner;
      if (container.isSidecar) {
        void runner.run();
        if (!(await before(runner.started, this.#abort.signal))) return false;
      } else {
        await runner.run();
        if (this.#abort.signal.aborted) return false;
        if (container.terminated?.exitCode !== 0) {
          await this.#finish();
          return false;
        }
      }
    }
    return !this.#abort.signal.aborted;
  }

  #makeSandbox(): void {
    const { network, addresses, node } = this.node;
    if (this.#pod.spec.hostNetwork) {
      this.#net = network.node;
      this.#ip = node.ip;
      return;
    }
    this.#ip = addresses.take();
    const { name = '', namespace = '' } = this.#pod.metadata;
    this.#net = network.createNamespace({
      ip: this.#ip,
      name: `${namespace}/${name}`,
      dnsNamespace: namespace,
      hosts: hostNames(this.#pod, this.#ip),
    });
  }

  /** Ends a pod that is over by itself. */
  async #finish(): Promise<void> {
    this.#ended = true;
    this.#abort.abort(new DOMException('the pod is over', 'AbortError'));
    const deadline = new Deadline(this.node.clock, this.#graceMs());
    await this.#stopAll(deadline);
    deadline.cancel();
    this.changed();
    this.#dropSandbox();
  }

  #limit(seconds: number): void {
    const timer = this.node.clock.setTimeout(() => {
      if (this.#ended || this.#ending) return;
      this.#failure = {
        reason: 'DeadlineExceeded',
        message: 'Pod was active on the node longer than the specified deadline',
      };
      this.events.tell(
        this.#pod,
        'Normal',
        'DeadlineExceeded',
        'Pod was active on the node longer than the specified deadline',
      );
      void this.#finish();
    }, seconds * 1000);
    this.#abort.signal.addEventListener('abort', () => timer.cancel(), { once: true });
  }

  /** Graceful deletion: everything is ended in order, then the API may forget the pod. */
  async #end(graceMs: number): Promise<void> {
    this.#ending = new Deadline(this.node.clock, graceMs);
    this.#ended = true;
    this.#abort.abort(new DOMException('the pod is being deleted', 'AbortError'));
    await this.#stopAll(this.#ending);
    this.#ending.cancel();
    if (this.#gone) return;
    this.changed();
    await this.#statusRuns;
    this.#dropSandbox();
    const { uid } = this.#pod.metadata;
    await this.node.client
      .delete({ ...PODS, namespace: this.#pod.metadata.namespace! }, this.#pod.metadata.name!, {
        gracePeriodSeconds: 0,
        ...(uid ? { preconditions: { uid } } : {}),
      })
      .catch((error: unknown) => {
        if (!(error instanceof StatusError) && !isAbort(error)) throw error;
      });
  }

  /** Main containers first and together, then sidecars, the last started first. Source: KEP-753. */
  async #stopAll(deadline: Deadline): Promise<void> {
    const sidecars = this.#init.filter(({ container }) => container.isSidecar);
    const others = [...this.#main, ...this.#ephemeral, ...this.#init.filter((r) => !sidecars.includes(r))];
    await Promise.all(others.map((runner) => runner.stop(deadline)));
    for (const runner of sidecars.reverse()) await runner.stop(deadline);
  }

  async #close(): Promise<void> {
    this.#ended = true;
    this.#abort.abort(new DOMException('the pod is gone', 'AbortError'));
    this.#ending?.cancel();
    await Promise.all([...this.#main, ...this.#init, ...this.#ephemeral].map((runner) => runner.kill()));
    this.#dropSandbox();
    this.#onClosed();
  }

  #dropSandbox(): void {
    this.#mounts.close();
    if (!this.#net || this.#pod.spec.hostNetwork) return;
    this.#net.destroy();
    this.#net = undefined;
    this.node.addresses.giveBack(this.#ip);
  }

  #addEphemeral(spec: KubeObject['spec']): void {
    if (this.#ended || !this.#net) return;
    const container = new Container(spec, false, 'ContainerCreating');
    const runner = new ContainerRunner(container, this);
    this.#ephemeral.push(runner);
    void runner.runOnce();
  }

  /** A container that already ran before this node started: a restart of it, with an end nobody saw. */
  #remembered(container: Container): Container {
    const { status } = this.#pod;
    const list = container.isInit ? status?.initContainerStatuses : status?.containerStatuses;
    const known = (list ?? []).find((one: { name: string }) => one.name === container.name);
    if (!known) return container;
    container.restarts = known.restartCount + (known.state?.running ? 1 : 0);
    const { running } = known.state ?? {};
    if (running)
      container.last = {
        exitCode: 255,
        reason: 'Unknown',
        startedAt: Date.parse(running.startedAt),
        finishedAt: this.node.clock.now(),
        containerId: known.containerID ?? '',
      };
    return container;
  }

  /** One write at a time; what changes meanwhile is in the next one. */
  async #writeStatuses(): Promise<void> {
    // What belongs together happens in one turn.
    await null;
    while (this.#statusWanted && !this.#gone) {
      this.#statusWanted = false;
      await this.#writeStatus().catch((error: unknown) => {
        if (error instanceof StatusError && error.reason === 'Conflict') this.#statusWanted = true;
        else if (!(error instanceof StatusError) && !isAbort(error)) throw error;
      });
    }
    this.#statusRuns = undefined;
  }

  async #writeStatus(): Promise<void> {
    const { name, namespace, uid } = this.#pod.metadata;
    const target = { ...PODS, namespace: namespace! };
    const stored = await this.node.client.get(target, name!);
    if (stored.metadata.uid !== uid) return;
    const containers = (runners: ContainerRunner[]) => runners.map(({ container }) => container);
    const status = podStatus(stored, {
      init: containers(this.#init),
      main: containers(this.#main),
      ephemeral: containers(this.#ephemeral),
      ip: this.#ip,
      hostIp: this.node.node.ip,
      startTime: this.#startTime,
      hasSandbox: this.#ip !== '',
      failure: this.#failure,
      ended: this.#ended,
      now: this.#now(),
    });
    if (JSON.stringify(status) === JSON.stringify(stored.status)) return;
    await this.node.client.update(target, { ...stored, status }, { subresource: 'status', fieldManager: 'kubelet' });
  }

  #graceMs(): number {
    return (this.#pod.spec.terminationGracePeriodSeconds ?? 30) * 1000;
  }

  #now(): string {
    return rfc3339(this.node.clock.now());
  }
}

/** What a pod's readiness gates say; empty where it has none. */
function gatesOf({ spec, status }: KubeObject): string {
  const gates = (spec.readinessGates ?? []) as { conditionType: string }[];
  const conditions = (status?.conditions ?? []) as { type: string; status: string }[];
  return gates
    .map(({ conditionType }) => conditions.find(({ type }) => type === conditionType)?.status ?? '')
    .join(' ');
}
