import type { Clock, Timer } from '#base/clock.ts';
import type { KubeObject } from '#kube/api/types.ts';
import type { InboundConfig } from './core/config.ts';
import { inboundConfig, type PolicySettings } from './core/inbound.ts';
import { ObjectSet, ROUTE_KINDS, type WatchedKind } from './core/objects.ts';
import { type Dialled, type Named, outboundFor } from './core/outbound.ts';
import type { OutboundConfig } from './core/outbound-config.ts';

/** Which pod (or ExternalWorkload) a proxy speaks for. */
export interface Workload {
  kind: 'Pod' | 'ExternalWorkload';
  namespace: string;
  name: string;
}

interface Subscription {
  /** Namespace whose changes concern it; `outbound`: changes of Services, routes and EgressNetworks anywhere. */
  concern: { namespace: string } | 'outbound';
  last: string | undefined;
  /** Computes and, when it differs from the last time, tells. */
  look(): object | undefined;
  tell(value: object): void;
}

/** Kinds that may be referred to from other namespaces; a change of any other concerns its own namespace only. */
const CROSS_NAMESPACE: ReadonlySet<WatchedKind> = new Set(['MeshTLSAuthentication', 'NetworkAuthentication']);
const OUTBOUND: ReadonlySet<WatchedKind> = new Set(['Service', 'EgressNetwork', ...ROUTE_KINDS]);

/** The controller's idea of a TLSRoute has hostnames; it knows nothing of one without. */
const isReadable = (kind: WatchedKind, object: KubeObject): boolean =>
  kind !== 'TLSRoute' || object.spec?.hostnames !== undefined;

/**
 * All policy objects of the cluster, and those who want to know the configuration of a port. Changes that arrive
 * together are looked at once, a moment later; listeners hear only configurations that differ from the last.
 */
export class PolicyIndex {
  readonly objects = new ObjectSet();
  readonly #settings: PolicySettings;
  readonly #clock: Clock;
  readonly #subscriptions = new Set<Subscription>();
  readonly #changeListeners = new Set<() => void>();
  #stale: Set<string> | 'all' = new Set();
  #outboundStale = false;
  #timer: Timer | undefined;

  constructor(settings: PolicySettings, clock: Clock) {
    this.#settings = settings;
    this.#clock = clock;
  }

  put(kind: WatchedKind, object: KubeObject): void {
    if (!isReadable(kind, object)) return this.remove(kind, object);
    this.objects.put(kind, object);
    this.#touch(kind, object.metadata.namespace ?? '');
  }
  remove(kind: WatchedKind, object: KubeObject): void {
    this.objects.remove(kind, object.metadata.namespace ?? '', object.metadata.name ?? '');
    this.#touch(kind, object.metadata.namespace ?? '');
  }
  reset(kind: WatchedKind, objects: KubeObject[]): void {
    this.objects.clear(kind);
    for (const object of objects) if (isReadable(kind, object)) this.objects.put(kind, object);
    this.#touch(kind, undefined);
  }

  /** The present configuration; undefined when the workload is not known. */
  get(workload: Workload, port: number): InboundConfig | undefined {
    const object = this.objects.get(workload.kind, workload.namespace, workload.name);
    return object && inboundConfig(this.objects, this.#settings, object, port);
  }

  /** Calls `listener` with the present configuration (as soon as the workload is known) and with every later one. */
  watch(workload: Workload, port: number, listener: (config: InboundConfig) => void): () => void {
    return this.#subscribe({
      concern: { namespace: workload.namespace },
      last: undefined,
      look: () => this.get(workload, port),
      tell: listener as (value: object) => void,
    });
  }

  /** What holds for traffic of a client's namespace to an address or a name; undefined where the cluster knows nothing of it. */
  outbound(target: Dialled | Named, clientNamespace: string): OutboundConfig | undefined {
    return outboundFor(this.objects, this.#settings, target, clientNamespace);
  }

  watchOutbound(
    target: Dialled | Named,
    clientNamespace: string,
    listener: (config: OutboundConfig) => void,
  ): () => void {
    return this.#subscribe({
      concern: 'outbound',
      last: undefined,
      look: () => this.outbound(target, clientNamespace),
      tell: listener as (value: object) => void,
    });
  }

  /** Called after each batch of changes, for those who write statuses. */
  onChange(listener: () => void): () => void {
    this.#changeListeners.add(listener);
    return () => {
      this.#changeListeners.delete(listener);
    };
  }

  stop(): void {
    this.#timer?.cancel();
    this.#subscriptions.clear();
    this.#changeListeners.clear();
  }

  #touch(kind: WatchedKind, namespace: string | undefined): void {
    if (namespace === undefined || CROSS_NAMESPACE.has(kind)) this.#stale = 'all';
    else if (this.#stale !== 'all') this.#stale.add(namespace);
    if (OUTBOUND.has(kind)) this.#outboundStale = true;
    this.#timer ??= this.#clock.setTimeout(() => this.#settle(), 5);
  }

  #settle(): void {
    this.#timer = undefined;
    const stale = this.#stale;
    this.#stale = new Set();
    const outbound = this.#outboundStale;
    this.#outboundStale = false;
    for (const subscription of [...this.#subscriptions]) {
      const { concern } = subscription;
      const due = concern === 'outbound' ? outbound : stale === 'all' || stale.has(concern.namespace);
      if (due) this.#tell(subscription);
    }
    for (const listener of [...this.#changeListeners]) listener();
  }

  #subscribe(subscription: Subscription): () => void {
    this.#subscriptions.add(subscription);
    this.#tell(subscription);
    return () => {
      this.#subscriptions.delete(subscription);
    };
  }

  #tell(subscription: Subscription): void {
    const config = subscription.look();
    if (!config) return;
    const text = JSON.stringify(config);
    if (text === subscription.last) return;
    subscription.last = text;
    subscription.tell(config);
  }
}
