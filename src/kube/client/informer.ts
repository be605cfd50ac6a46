import { isAbort } from '#base/errors.ts';
import type { KubeObject } from '#kube/api/types.ts';
import type { KubeClient, ListOptions, Target } from './client.ts';

export type InformerEvent =
  | { type: 'add'; object: KubeObject; old?: undefined }
  | { type: 'update'; object: KubeObject; old: KubeObject }
  | { type: 'delete'; object: KubeObject; old?: undefined };

export const keyOf = (object: KubeObject): string => `${object.metadata.namespace ?? ''}/${object.metadata.name}`;

/** How long until a failed list or watch is tried again. */
const RETRY_MS = 500;

/**
 * A list-watch cache of one kind. It lists, watches from there, goes on where a watch ended, and lists anew when the
 * server has forgotten (410), telling listeners only what really changed: no event is lost, none told twice.
 */
export class Informer {
  readonly #client: KubeClient;
  readonly #target: Target;
  readonly #selector: ListOptions;
  readonly #objects = new Map<string, KubeObject>();
  readonly #listeners = new Set<(event: InformerEvent) => void>();
  readonly #indexes = new Map<string, { of: (object: KubeObject) => string[]; keys: Map<string, Set<string>> }>();
  readonly #abort = new AbortController();
  #started: Promise<void> | undefined;

  constructor(client: KubeClient, target: Target, selector: Pick<ListOptions, 'labelSelector' | 'fieldSelector'> = {}) {
    this.#client = client;
    this.#target = target;
    this.#selector = selector;
  }

  /** Objects found again by a value computed from them, such as their namespace or owner's uid. Add before `start`. */
  addIndex(name: string, of: (object: KubeObject) => string[]): this {
    this.#indexes.set(name, { of, keys: new Map() });
    return this;
  }

  onChange(listener: (event: InformerEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Resolves when the first list arrived; the cache is complete from then on. */
  start(): Promise<void> {
    this.#started ??= new Promise((resolve) => void this.#run(resolve));
    return this.#started;
  }

  stop(): void {
    this.#abort.abort(new DOMException('stopped', 'AbortError'));
  }

  list(): KubeObject[] {
    return [...this.#objects.values()];
  }

  get(namespace: string, name: string): KubeObject | undefined {
    return this.#objects.get(`${namespace}/${name}`);
  }

  byIndex(index: string, value: string): KubeObject[] {
    const keys = this.#indexes.get(index)?.keys.get(value);
    return keys ? [...keys].map((key) => this.#objects.get(key)!) : [];
  }

  async #run(ready: () => void): Promise<void> {
    const { signal } = this.#abort;
    let from: string | undefined;
    while (!signal.aborted) {
      try {
        if (from === undefined) {
          const list = await this.#client.list(this.#target, { ...this.#selector, signal });
          this.#replace(list.items);
          from = list.metadata.resourceVersion;
          ready();
        }
        from = await this.#watch(from, signal);
      } catch (error) {
        if (signal.aborted || isAbort(error)) return;
        // What the server would not continue is begun anew with a list.
        from = undefined;
        await new Promise<void>((resolve) => setTimeout(resolve, RETRY_MS).unref());
      }
    }
  }

  /** Returns where to go on; undefined when only a new list will do. */
  async #watch(from: string | undefined, signal: AbortSignal): Promise<string | undefined> {
    let at = from;
    const options = {
      ...this.#selector,
      allowBookmarks: true,
      signal,
      ...(from === undefined ? {} : { resourceVersion: from }),
    };
    for await (const { type, object } of this.#client.watch(this.#target, options)) {
      if (type === 'ERROR') return undefined;
      at = object.metadata.resourceVersion ?? at;
      if (type === 'BOOKMARK') continue;
      if (type === 'DELETED') this.#remove(keyOf(object), object);
      else this.#put(object);
    }
    return at;
  }

  #replace(objects: KubeObject[]): void {
    const present = new Set(objects.map(keyOf));
    for (const [key, object] of [...this.#objects]) if (!present.has(key)) this.#remove(key, object);
    for (const object of objects) this.#put(object);
  }

  #put(object: KubeObject): void {
    const key = keyOf(object);
    const old = this.#objects.get(key);
    if (old?.metadata.resourceVersion !== undefined && old.metadata.resourceVersion === object.metadata.resourceVersion)
      return;
    if (old) this.#unindex(key, old);
    this.#objects.set(key, object);
    for (const { of, keys } of this.#indexes.values()) {
      for (const value of of(object)) {
        const set = keys.get(value);
        if (set) set.add(key);
        else keys.set(value, new Set([key]));
      }
    }
    this.#tell(old ? { type: 'update', object, old } : { type: 'add', object });
  }

  #remove(key: string, object: KubeObject): void {
    const old = this.#objects.get(key);
    if (!old) return;
    this.#unindex(key, old);
    this.#objects.delete(key);
    this.#tell({ type: 'delete', object });
  }

  #unindex(key: string, old: KubeObject): void {
    for (const { of, keys } of this.#indexes.values()) {
      for (const value of of(old)) {
        const set = keys.get(value);
        set?.delete(key);
        if (set?.size === 0) keys.delete(value);
      }
    }
  }

  #tell(event: InformerEvent): void {
    for (const listener of [...this.#listeners]) listener(event);
  }
}
