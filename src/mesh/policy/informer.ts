import type { Clock } from '#base/clock.ts';
import { isAbort } from '#base/errors.ts';
import { StatusError } from '#kube/api/status.ts';
import type { KubeObject } from '#kube/api/types.ts';
import type { KubeClient, Target } from '#kube/client/client.ts';

export interface InformerListener {
  put(object: KubeObject): void;
  remove(object: KubeObject): void;
  /** What a list gave: whatever is not in it is gone. */
  reset(objects: KubeObject[]): void;
  /** The server does not serve this kind (yet). Asked again by and by. */
  missing?(): void;
}

export interface FollowOptions {
  clock: Clock;
  signal: AbortSignal;
  /** Of all objects only these; one that is no longer among them counts as gone. */
  labelSelector?: string;
}

/** How long until a failed list or watch is tried again. */
const RETRY_MS = 1_000;
/** How long until a kind that is not served is asked for again, at first and at most. */
const MISSING_MS = { first: 5_000, last: 600_000 };

/**
 * Follows a kind of object: lists, watches from there, and begins anew when the server says that it can't go on. Runs
 * until `signal` aborts. Resolves once the first list arrived (or the kind turned out not to be served).
 */
export function follow(
  client: KubeClient,
  target: Target,
  listener: InformerListener,
  options: FollowOptions,
): Promise<void> {
  return new Promise((ready) => {
    void run(client, target, listener, options, ready);
  });
}

async function run(
  client: KubeClient,
  target: Target,
  listener: InformerListener,
  { clock, signal, labelSelector }: FollowOptions,
  ready: () => void,
): Promise<void> {
  const selected = labelSelector === undefined ? { signal } : { signal, labelSelector };
  let missing = MISSING_MS.first;
  while (!signal.aborted) {
    let wait = RETRY_MS;
    try {
      const list = await client.list(target, selected);
      listener.reset(list.items);
      ready();
      await watch(client, target, listener, list.metadata.resourceVersion, selected);
      wait = 0;
    } catch (error) {
      if (signal.aborted || isAbort(error)) return;
      if (error instanceof StatusError && error.code === 404) {
        listener.missing?.();
        ready();
        wait = missing;
        missing = Math.min(missing * 2, MISSING_MS.last);
      }
    }
    if (signal.aborted) return;
    // A watch that ended is taken up again at once, but never in a tight loop.
    await clock.sleep(Math.max(wait, 50), signal, { lazy: wait >= RETRY_MS }).catch(() => {});
  }
}

/** Returns when the watch has to begin anew with a list. */
async function watch(
  client: KubeClient,
  target: Target,
  listener: InformerListener,
  from: string | undefined,
  selected: { signal: AbortSignal; labelSelector?: string },
): Promise<void> {
  let resourceVersion = from;
  while (!selected.signal.aborted) {
    const started = resourceVersion;
    const events = client.watch(target, {
      ...selected,
      allowBookmarks: true,
      ...(resourceVersion === undefined ? {} : { resourceVersion }),
    });
    for await (const { type, object } of events) {
      if (type === 'ERROR') return;
      resourceVersion = object.metadata?.resourceVersion ?? resourceVersion;
      if (type === 'DELETED') listener.remove(object);
      else if (type !== 'BOOKMARK') listener.put(object);
    }
    if (resourceVersion === started) return;
  }
}
