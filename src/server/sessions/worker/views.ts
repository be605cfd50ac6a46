import type { Clock, Timer } from '#base/clock.ts';
import { asClusterEvent } from '#grader/checks/event-seen.ts';
import type { Grader } from '#grader/grader.ts';
import type { KubeClient } from '#kube/client/client.ts';
import type { Observation } from '#schema/observation.ts';
import type { ServerMessage } from '#schema/protocol.ts';
import type { FromWorker } from '../channel.ts';

export type ViewName = 'certificates' | 'policy' | 'traffic' | 'events' | 'mesh';

/** What any page looks at: views, and the values that texts show. */
export interface Watched {
  views: ViewName[];
  observe: Observation[];
  /** Names of clusters, where there are several; the main one's when empty. */
  clusters: string[];
}

const EVENTS = { group: '', version: 'v1', resource: 'events' } as const;
const EVERY_MS = 1_000;
const MAX_EVENTS = 300;

export interface ViewsOptions {
  grader: Grader;
  client: KubeClient;
  /** The lab's clusters by name, the main one first; empty where there is only one. */
  clusters: ReadonlyMap<string, KubeClient>;
  wall: Clock;
  post(message: FromWorker): void;
}

/** Sends the views that a page looks at, once a second and only when they changed. */
export class Views {
  readonly #o: ViewsOptions;
  readonly #timer: Timer;
  readonly #sent = new Map<string, string>();
  #watched: ReadonlySet<ViewName> = new Set();
  #observe: Observation[] = [];
  #clusters: { name?: string; client: KubeClient }[];
  #looking = false;

  constructor(options: ViewsOptions) {
    this.#o = options;
    this.#clusters = this.#chosen([]);
    this.#timer = options.wall.setInterval(() => void this.#look(), EVERY_MS);
  }

  watch({ views, observe, clusters }: Watched): Promise<void> {
    this.#watched = new Set(views);
    this.#observe = observe;
    this.#clusters = this.#chosen(clusters);
    this.#sent.clear();
    return this.#look();
  }

  /** A verdict changed, and with it perhaps a matrix. */
  taskChanged(): void {
    if (this.#watched.has('policy')) void this.#policy().catch(() => {});
  }

  close(): void {
    this.#timer.cancel();
  }

  async #look(): Promise<void> {
    if (this.#looking || (this.#watched.size === 0 && this.#observe.length === 0)) return;
    this.#looking = true;
    try {
      if (this.#watched.has('policy')) await this.#policy();
      if (this.#watched.has('traffic')) this.#traffic();
      for (const { name, client } of this.#clusters) {
        if (this.#watched.has('certificates')) await this.#certificates(name);
        if (this.#watched.has('events')) await this.#events(client, name);
      }
      if (this.#observe.length > 0) await this.#observed();
    } catch {
      // A cluster that can't be asked now is asked again in a second; the tasks say what is wrong with it.
    } finally {
      this.#looking = false;
    }
  }

  /** The clusters of these names; the main one when there are none of them. */
  #chosen(names: string[]): { name?: string; client: KubeClient }[] {
    const all = [...this.#o.clusters].map(([name, client]) => ({ name, client }));
    const chosen = all.filter(({ name }) => names.includes(name));
    return chosen.length > 0 ? chosen : all.length > 0 ? [all[0]!] : [{ client: this.#o.client }];
  }

  async #certificates(cluster: string | undefined): Promise<void> {
    const view = await this.#o.grader.certificatesView(cluster);
    // The instant alone is no news, but the present line of the timeline moves with it: every fifth second will do.
    const news = JSON.stringify({
      ...view,
      at: Math.floor(view.at / 5_000),
      bundle: { ...view.bundle, at: 0 },
      pods: view.pods.map((pod) => ({ ...pod, at: 0 })),
    });
    this.#send({ type: 'view.certificates', view, ...(cluster ? { cluster } : {}) }, news);
  }

  async #policy(): Promise<void> {
    const message: ServerMessage = { type: 'view.policy', matrices: await this.#o.grader.matrices() };
    this.#send(message, JSON.stringify(message));
  }

  #traffic(): void {
    const traffic = this.#o.grader.trafficEvidence();
    if (traffic) this.#send({ type: 'view.traffic', traffic }, `${traffic.total} ${traffic.failed}`);
  }

  async #events(client: KubeClient, cluster: string | undefined): Promise<void> {
    const list = await client.list(EVENTS);
    const events = list.items
      .map(asClusterEvent)
      .sort((a, b) => b.at - a.at)
      .slice(0, MAX_EVENTS);
    const message: ServerMessage = { type: 'view.events', events, ...(cluster ? { cluster } : {}) };
    this.#send(message, JSON.stringify(events));
  }

  async #observed(): Promise<void> {
    const message: ServerMessage = { type: 'view.observed', values: await this.#o.grader.observe(this.#observe) };
    this.#send(message, JSON.stringify(message));
  }

  #send(message: ServerMessage, news: string): void {
    const key = `${message.type} ${'cluster' in message ? (message.cluster ?? '') : ''}`;
    if (this.#sent.get(key) === news) return;
    this.#sent.set(key, news);
    this.#o.post({ type: 'broadcast', message });
  }
}
