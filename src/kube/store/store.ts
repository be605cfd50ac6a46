import { StatusError } from '#kube/api/status.ts';
import type { KubeObject, WatchType } from '#kube/api/types.ts';
import { shared } from './shared.ts';
import { sizeOf } from './size.ts';

export interface Change {
  type: Exclude<WatchType, 'BOOKMARK' | 'ERROR'>;
  object: KubeObject;
  /** What it was before; undefined for an addition. */
  old: KubeObject | undefined;
  revision: number;
}

interface Kept {
  objects: Map<string, KubeObject>;
  sizes: Map<string, number>;
  /** The keys in their order, until one comes or goes. */
  order: string[] | undefined;
  listeners: Set<(change: Change) => void>;
  /** What was stored last: the next one is often made alike, and shares what is equal. */
  last: KubeObject | undefined;
}

/** Changes kept for watches that begin in the past. Older ones are Gone. */
const HISTORY = 4_096;
/** Of so many at least; more are kept while together they take no more than this, bytes, and never more than that. */
const HISTORY_AT_LEAST = 256;
const HISTORY_BYTES = 1024 * 1024;
const HISTORY_BYTES_EVER = 8 * 1024 * 1024;
/** What all objects may take, bytes: etcd's quota. Small writes have some room above it, so that a full cluster goes on living. */
const QUOTA_BYTES = 24 * 1024 * 1024;
const ROOM_FOR_SMALL_BYTES = 8 * 1024 * 1024;
const SMALL_BYTES = 16 * 1024;

/**
 * The cluster's objects, in memory, with one revision counter, as etcd keeps them. Objects are immutable once stored and
 * are handed out by reference. Keys are `group/resource` and `namespace/name`; versions of a kind share their storage.
 */
export class Store {
  readonly #kinds = new Map<string, Kept>();
  #revision: number;
  /** A ring: the change of revision r stands at r % HISTORY. */
  #history: ({ kind: string; change: Change; bytes: number } | undefined)[] = [];
  #historyBytes = 0;
  #bytes = 0;
  #oldest: number;
  readonly #anyListeners = new Set<() => void>();

  constructor(firstRevision = 1) {
    this.#revision = firstRevision;
    this.#oldest = firstRevision;
  }

  get revision(): number {
    return this.#revision;
  }

  get(kind: string, namespace: string, name: string): KubeObject | undefined {
    return this.#kinds.get(kind)?.objects.get(`${namespace}/${name}`);
  }

  /** Objects of a kind, of one namespace or (undefined) all, ordered by namespace and name. */
  list(kind: string, namespace?: string): KubeObject[] {
    const kept = this.#kinds.get(kind);
    if (!kept) return [];
    const { objects } = kept;
    kept.order ??= [...objects.keys()].sort(byBytes);
    const chosen = namespace === undefined ? kept.order : kept.order.filter((key) => key.startsWith(`${namespace}/`));
    return chosen.map((key) => objects.get(key)!);
  }

  count(kind: string): number {
    return this.#kinds.get(kind)?.objects.size ?? 0;
  }

  kinds(): string[] {
    return [...this.#kinds.keys()];
  }

  /**
   * Stores an object, stamping its resourceVersion on it. The object must be the caller's own until now. Throws etcd's
   * StatusError when the cluster is full.
   */
  put(kind: string, object: KubeObject): KubeObject {
    const kept = this.#kind(kind);
    const key = keyOf(object);
    const old = kept.objects.get(key);
    const size = sizeOf(object);
    const growth = size - (kept.sizes.get(key) ?? 0);
    const quota = QUOTA_BYTES + (size <= SMALL_BYTES ? ROOM_FOR_SMALL_BYTES : 0);
    if (growth > 0 && this.#bytes + growth > quota) throw full();
    this.#bytes += growth;
    kept.sizes.set(key, size);
    const revision = ++this.#revision;
    object.metadata.resourceVersion = String(revision);
    const alike = old ?? kept.last;
    if (alike) shared(alike, object);
    kept.last = object;
    if (!old) kept.order = undefined;
    kept.objects.set(key, object);
    this.#announce(kind, { type: old ? 'MODIFIED' : 'ADDED', object, old, revision }, size);
    return object;
  }

  /** Removes an object; returns what it last was, with the revision of its removal. */
  remove(kind: string, namespace: string, name: string): KubeObject | undefined {
    const kept = this.#kinds.get(kind);
    const old = kept?.objects.get(`${namespace}/${name}`);
    if (!kept || !old) return undefined;
    kept.objects.delete(`${namespace}/${name}`);
    kept.order = undefined;
    const size = kept.sizes.get(`${namespace}/${name}`) ?? 0;
    kept.sizes.delete(`${namespace}/${name}`);
    this.#bytes -= size;
    const revision = ++this.#revision;
    const object = { ...old, metadata: { ...old.metadata, resourceVersion: String(revision) } };
    this.#announce(kind, { type: 'DELETED', object, old, revision }, size);
    return object;
  }

  /** Changes of a kind after a revision, or undefined when they are no longer all known. */
  since(kind: string, revision: number): Change[] | undefined {
    if (revision < this.#oldest || revision > this.#revision) return undefined;
    const changes: Change[] = [];
    for (let r = revision + 1; r <= this.#revision; r++) {
      const entry = this.#history[r % HISTORY];
      if (entry?.kind === kind) changes.push(entry.change);
    }
    return changes;
  }

  /** Calls `listener` for every later change of a kind, in order, in the turn in which it is made. */
  watch(kind: string, listener: (change: Change) => void): () => void {
    const { listeners } = this.#kind(kind);
    listeners.add(listener);
    return () => {
      listeners.delete(listener);
    };
  }

  /** Calls `listener` after every change of anything. */
  onAnyChange(listener: () => void): () => void {
    this.#anyListeners.add(listener);
    return () => {
      this.#anyListeners.delete(listener);
    };
  }

  /** Everything, as JSON. */
  export(): string {
    const kinds = [...this.#kinds].map(([kind, { objects }]) => [kind, [...objects.values()]] as const);
    return JSON.stringify({ revision: this.#revision, kinds });
  }

  /** Replaces everything by what `export` gave. For a store that nobody watches yet. */
  import(text: string): void {
    const { revision, kinds } = JSON.parse(text) as { revision: number; kinds: [string, KubeObject[]][] };
    this.#revision = revision;
    this.#oldest = revision;
    this.#history = [];
    this.#historyBytes = 0;
    this.#bytes = 0;
    for (const [kind, objects] of kinds) {
      const kept = this.#kind(kind);
      kept.objects.clear();
      kept.order = undefined;
      kept.sizes.clear();
      for (const object of objects) {
        const size = sizeOf(object);
        kept.objects.set(keyOf(object), object);
        kept.sizes.set(keyOf(object), size);
        this.#bytes += size;
      }
    }
  }

  #kind(kind: string): Kept {
    let kept = this.#kinds.get(kind);
    if (!kept) {
      kept = { objects: new Map(), sizes: new Map(), order: undefined, listeners: new Set(), last: undefined };
      this.#kinds.set(kind, kept);
    }
    return kept;
  }

  #announce(kind: string, change: Change, bytes: number): void {
    const at = change.revision % HISTORY;
    this.#historyBytes += bytes - (this.#history[at]?.bytes ?? 0);
    this.#history[at] = { kind, change, bytes };
    this.#oldest = Math.max(this.#oldest, change.revision - HISTORY + 1);
    const isTooMuch = () =>
      this.#historyBytes > (change.revision - this.#oldest > HISTORY_AT_LEAST ? HISTORY_BYTES : HISTORY_BYTES_EVER);
    while (isTooMuch() && this.#oldest < change.revision) {
      const gone = ++this.#oldest % HISTORY;
      this.#historyBytes -= this.#history[gone]?.bytes ?? 0;
      this.#history[gone] = undefined;
    }
    for (const listener of [...this.#kind(kind).listeners]) listener(change);
    for (const listener of this.#anyListeners) listener();
  }
}

const keyOf = (object: KubeObject): string => `${object.metadata.namespace ?? ''}/${object.metadata.name}`;

/** etcd orders keys by bytes. */
const byBytes = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/** As etcd says it, and an API server passes it on. */
const full = (): StatusError =>
  new StatusError({
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Failure',
    message: 'etcdserver: mvcc: database space exceeded',
    code: 500,
  });
