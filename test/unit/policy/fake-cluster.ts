import { WallClock } from '#base/clock.ts';
import { alreadyExists, conflict, notFound } from '#kube/api/status.ts';
import type { KubeObject, WatchEvent } from '#kube/api/types.ts';
import type { KubeClient, Target } from '#kube/client/client.ts';
import type { ContainerContext } from '#kube/images/program.ts';
import { Fabric } from '#kube/network/fabric.ts';
import type { NetNs } from '#kube/network/network.ts';

/** As much of an API server as informers and status writers touch. */
export class FakeCluster {
  readonly objects = new Map<string, KubeObject>();
  readonly patches: { path: string; patch: unknown }[] = [];
  /** Plural resources that are not served. */
  readonly unserved = new Set<string>();
  readonly #watchers = new Set<{ prefix: string; push(event: WatchEvent): void }>();
  /** Everything that happened, so that a watch can go on from where a list left off. */
  readonly #events: { path: string; version: number; event: WatchEvent }[] = [];
  #version = 1;

  #path(target: Target, namespace?: string, name?: string): string {
    return [target.group, target.resource, namespace ?? target.namespace ?? '', name ?? ''].join('|');
  }

  put(target: Target, object: KubeObject): KubeObject {
    const path = this.#path(target, object.metadata.namespace, object.metadata.name);
    const known = this.objects.has(path);
    const stored = { ...object, metadata: { ...object.metadata, resourceVersion: String(++this.#version) } };
    this.objects.set(path, stored);
    this.#tell(path, { type: known ? 'MODIFIED' : 'ADDED', object: stored });
    return stored;
  }

  delete(target: Target, namespace: string, name: string): void {
    const path = this.#path(target, namespace, name);
    const object = this.objects.get(path);
    this.#version++;
    this.objects.delete(path);
    if (object) this.#tell(path, { type: 'DELETED', object });
  }

  #tell(path: string, event: WatchEvent): void {
    this.#events.push({ path, version: this.#version, event });
    for (const watcher of this.#watchers) if (path.startsWith(watcher.prefix)) watcher.push(event);
  }

  #prefix(target: Target): string {
    return target.namespace === undefined
      ? `${target.group}|${target.resource}|`
      : `${target.group}|${target.resource}|${target.namespace}|`;
  }

  readonly client = {
    list: async (target: Target) => {
      if (this.unserved.has(target.resource)) throw notFound(target.group, target.resource, '');
      const prefix = this.#prefix(target);
      return {
        apiVersion: 'v1',
        kind: 'List',
        metadata: { resourceVersion: String(this.#version) },
        items: [...this.objects].filter(([path]) => path.startsWith(prefix)).map(([, object]) => object),
      };
    },
    watch: (target: Target, options: { signal?: AbortSignal; resourceVersion?: string }) =>
      this.#watch(this.#prefix(target), Number(options.resourceVersion ?? 0), options.signal),
    get: async (target: Target, name: string) => {
      const object = this.objects.get(this.#path(target, target.namespace, name));
      if (!object) throw notFound(target.group, target.resource, name);
      return object;
    },
    create: async (target: Target, object: KubeObject) => {
      const name = object.metadata.name ?? '';
      if (this.objects.has(this.#path(target, object.metadata.namespace, name))) {
        throw alreadyExists(target.group, target.resource, name);
      }
      return this.put(target, object);
    },
    patch: async (target: Target, name: string, _type: string, patch: Record<string, unknown>) => {
      const path = this.#path(target, target.namespace, name);
      const object = this.objects.get(path);
      if (!object) throw notFound(target.group, target.resource, name);
      const { resourceVersion } = (patch['metadata'] ?? {}) as { resourceVersion?: string };
      if (resourceVersion !== undefined && resourceVersion !== object.metadata.resourceVersion) {
        throw conflict(target.group, target.resource, name, 'the object has been modified');
      }
      this.patches.push({ path, patch });
      return this.put(target, { ...object, ...patch, metadata: object.metadata });
    },
  } as unknown as KubeClient;

  async *#watch(prefix: string, from: number, signal?: AbortSignal): AsyncGenerator<WatchEvent> {
    const queue = this.#events
      .filter((each) => each.version > from && each.path.startsWith(prefix))
      .map((each) => each.event);
    let wake: (() => void) | undefined;
    const watcher = {
      prefix,
      push: (event: WatchEvent) => {
        queue.push(event);
        wake?.();
      },
    };
    this.#watchers.add(watcher);
    signal?.addEventListener('abort', () => wake?.(), { once: true });
    try {
      while (!signal?.aborted) {
        while (queue.length > 0) yield queue.shift()!;
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    } finally {
      this.#watchers.delete(watcher);
    }
  }
}

export const clock = new WallClock();
export const fabric = (): Fabric => new Fabric({ clock, nodeIp: '172.18.0.2' });

/** The world of one container, with what it printed. */
export function container(
  net: NetNs,
  argv: string[],
  more: { files?: Record<string, string>; name?: string } = {},
): ContainerContext & { lines: string[] } {
  const lines: string[] = [];
  return {
    lines,
    argv,
    env: {},
    cwd: '/',
    uid: 2103,
    pod: {
      name: more.name ?? 'linkerd-destination-x',
      namespace: 'linkerd',
      uid: 'u',
      serviceAccount: 'linkerd-destination',
      node: 'n',
      ip: net.ip,
    },
    container: 'policy',
    clock,
    net,
    image: 'cr.l5d.io/linkerd/controller:edge-26.8.3',
    files: {
      readFile: (path) => (more.files?.[path] === undefined ? undefined : Buffer.from(more.files[path])),
      writeFile: () => {},
      list: () => undefined,
      remove: () => {},
      watch: () => () => {},
    },
    stdio: {
      stdin: { read: async () => undefined, cancel: () => {}, [Symbol.asyncIterator]: async function* () {} },
      stdout: {
        write: async (text) => {
          lines.push(String(text));
        },
        end: () => {},
      },
      stderr: { write: async () => {}, end: () => {} },
    },
  };
}
