import type { KubeObject, WatchType } from '#kube/api/types.ts';

export interface Change {
  type: Exclude<WatchType, 'BOOKMARK' | 'ERROR'>;
  object: KubeObject;
  /** What it was before; undefined for an addition. */
  old: KubeObject | undefined;
  revision: number;
}

interface Kept {
  objects: Map<string, KubeObject>;
  listeners: Set<(change: Change) => void>;
}

/** Changes kept for watches that begin in the past. Older ones are Gone. */
const HISTORY = 4_096;

/**
 * The cluster's objects, in memory, with one revision counter, as etcd keeps them. Objects are immutable once stored and
 * are handed out by reference. Keys are `group/resource` and `namespace/name`; versions of a kind share their storage.
 */
export class Store {
  readonly #kinds = new Map<string, Kept>();
  #revision: number;
  /** A ring: the change of revision r stands at r % HISTORY. */
  #history: ({ kind: string; change: Change } | undefined)[] = [];
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
    const objects = this.#kinds.get(kind)?.objects;
    if (!objects) return [];
    const keys = [...objects.keys()];
    const chosen = namespace === undefined ? keys : keys.filter((key) => key.startsWith(`${namespace}/`));
    return chosen.sort(byBytes).map((key) => objects.get(key)!);
  }

  count(kind: string): number {
    return this.#kinds.get(kind)?.objects.size ?? 0;
  }

  kinds(): string[] {
    return [...this.#kinds.keys()];
  }

  /** Stores an object, stamping its resourceVersion on it. The object must be the caller's own until now. */
  put(kind: string, object: KubeObject): KubeObject {
    const kept = this.#kind(kind);
    const key = keyOf(object);
    const old = kept.objects.get(key);
    const revision = ++this.#revision;
    object.metadata.resourceVersion = String(revision);
    kept.objects.set(key, object);
    this.#announce(kind, { type: old ? 'MODIFIED' : 'ADDED', object, old, revision });
    return object;
  }

  /** Removes an object; returns what it last was, with the revision of its removal. */
  remove(kind: string, namespace: string, name: string): KubeObject | undefined {
    const kept = this.#kinds.get(kind);
    const old = kept?.objects.get(`${namespace}/${name}`);
    if (!kept || !old) return undefined;
    kept.objects.delete(`${namespace}/${name}`);
    const revision = ++this.#revision;
    const object = { ...old, metadata: { ...old.metadata, resourceVersion: String(revision) } };
    this.#announce(kind, { type: 'DELETED', object, old, revision });
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
    for (const [kind, objects] of kinds) {
      const kept = this.#kind(kind);
      kept.objects.clear();
      for (const object of objects) kept.objects.set(keyOf(object), object);
    }
  }

  #kind(kind: string): Kept {
    let kept = this.#kinds.get(kind);
    if (!kept) {
      kept = { objects: new Map(), listeners: new Set() };
      this.#kinds.set(kind, kept);
    }
    return kept;
  }

  #announce(kind: string, change: Change): void {
    this.#history[change.revision % HISTORY] = { kind, change };
    this.#oldest = Math.max(this.#oldest, change.revision - HISTORY + 1);
    for (const listener of [...this.#kind(kind).listeners]) listener(change);
    for (const listener of this.#anyListeners) listener();
  }
}

const keyOf = (object: KubeObject): string => `${object.metadata.namespace ?? ''}/${object.metadata.name}`;

/** etcd orders keys by bytes. */
const byBytes = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
