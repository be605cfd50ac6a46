import type { Cluster } from '#cluster/driver.ts';
import { createEmbeddedDriver } from '#cluster/embedded/driver.ts';
import { clientPod, manifest, webPod, webService } from '#mesh/conformance/manifests.ts';
import { Lab, type Room } from '#mesh/conformance/room.ts';
import { curl } from '#mesh/conformance/traffic.ts';
import { clusterSettings } from '#schema/lab.ts';

interface Issued {
  at: number;
  until: number;
}

/** How much of a leaf's life passes before it is renewed, with what a renewal itself may take. */
const SHARE = 0.7;
const LATE_MS = 5_000;

/** A cluster with meshed pods, each of an account of its own, and every leaf that its issuer gave to them. */
export class Certified {
  readonly cluster: Cluster;
  readonly room: Room;
  readonly #pods: string[];
  readonly #ended: AbortController;
  readonly #issued = new Map<string, Issued[]>();

  private constructor(cluster: Cluster, room: Room, pods: string[], ended: AbortController) {
    this.cluster = cluster;
    this.room = room;
    this.#pods = pods;
    this.#ended = ended;
  }

  static async open(count: number): Promise<Certified> {
    const ended = new AbortController();
    const settings = clusterSettings.parse({ mesh: 'linkerd', issuerLifetime: '87600h' });
    const { signal } = ended;
    const cluster = await createEmbeddedDriver().create({ id: 'year', settings, onStep: () => {}, signal });
    await cluster.ready;
    const room = await new Lab(cluster.admin, signal, 'year').room();
    const pods = Array.from({ length: count - 1 }, (_, i) => `pod-${i + 1}`);
    const made = new Certified(cluster, room, pods, ended);
    const watching = made.#watch();
    watching.catch(() => {});
    for (const name of ['web', ...pods]) await room.apply(manifest('ServiceAccount', name, undefined));
    for (const name of pods) await room.apply(clientPod(name, { mesh: true, serviceAccount: name }));
    // The first serves the others, and whoever has no identity is refused.
    const answering = { ...webPod({ name: 'web', serviceAccount: 'web' }) };
    answering.metadata.annotations = {
      ...answering.metadata.annotations,
      'config.linkerd.io/default-inbound-policy': 'all-authenticated',
    };
    await room.apply(answering);
    await room.apply(webService());
    for (const name of [...pods, 'web']) await room.ready(name);
    return made;
  }

  async #watch(): Promise<void> {
    const events = { group: '', version: 'v1', resource: 'events', namespace: this.room.namespace };
    for await (const { type, object } of this.cluster.admin.watch(events, { sendInitialEvents: true })) {
      if (this.#ended.signal.aborted) return;
      if (type !== 'ADDED' || object['reason'] !== 'IssuedLeafCertificate') continue;
      const [, until] = /until (\S+ \S+)/.exec(object['message']) ?? [];
      const name = object['involvedObject'].name;
      const list = this.#issued.get(name) ?? [];
      list.push({ at: Date.parse(object['firstTimestamp']), until: Date.parse(`${until!.replace(' ', 'T')}Z`) });
      this.#issued.set(name, list);
    }
  }

  get renewals(): number {
    return [...this.#issued.values()].reduce((sum, list) => sum + list.length, 0);
  }

  /** Pods whose last certificate should have been renewed by now. */
  overdue(): string[] {
    const now = this.cluster.clock.now();
    return ['web', ...this.#pods].flatMap((name) => {
      const last = this.#issued.get(name)?.at(-1);
      if (last && now <= dueAt(last) + LATE_MS) return [];
      return [`${name}: at ${iso(now)} the last certificate is ${last ? `of ${iso(last.at)}` : 'missing'}`];
    });
  }

  /** What is wrong with all leaves given so far: one renewed too early or too late, or not at all. */
  faults(): string[] {
    const untimely = [...this.#issued].flatMap(([name, list]) =>
      list.slice(1).flatMap(({ at }, i) => {
        const due = dueAt(list[i]!);
        return Math.abs(at - due) <= LATE_MS ? [] : [`${name}: renewed at ${iso(at)}, was due at ${iso(due)}`];
      }),
    );
    return [...untimely, ...this.overdue()];
  }

  /** The status that a pod gets from a server which answers to authenticated clients only. */
  async request(from: number): Promise<number> {
    return (await curl(this.room, this.#pods[from % this.#pods.length]!, ['http://web'])).status;
  }

  async close(): Promise<void> {
    this.#ended.abort();
    await this.cluster.destroy();
  }
}

const dueAt = ({ at, until }: Issued): number => at + (until - at) * SHARE;
const iso = (instant: number): string => new Date(instant).toISOString();
