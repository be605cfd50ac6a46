import type { Clock } from '#base/clock.ts';
import type { KubeObject } from '#kube/api/types.ts';
import type { Store } from '#kube/store/store.ts';

const EVENTS = '/events';
const LOOK_EVERY_MS = 60_000;
/** How often it looks while the clock is moved: a year's events would fill the store. */
const LOOK_ON_THE_WAY_MS = 72 * 3_600_000;
const LIVES_MS = 3_600_000;
/** So many are kept however old they are: a small cluster's story, also after its clock was moved. */
const KEPT = 500;

/**
 * Removes events an hour after they were last seen. An API server gives them to etcd with a time to live: nobody asks
 * for their removal, and so nobody is asked either.
 */
export function startEventExpiry(store: Store, clock: Clock): { close(): void } {
  // Stored objects do not change, and most are looked at day after day.
  const seen = new WeakMap<KubeObject, number>();
  const lastSeen = (event: KubeObject): number => {
    let at = seen.get(event);
    if (at === undefined) {
      at = Date.parse(event['lastTimestamp'] ?? event['eventTime'] ?? event.metadata.creationTimestamp ?? '');
      seen.set(event, at);
    }
    return at;
  };
  const look = (): void => {
    if (store.count(EVENTS) <= KEPT) return;
    const bound = clock.now() - LIVES_MS;
    const old = store
      .list(EVENTS)
      .map((event) => ({ metadata: event.metadata, at: lastSeen(event) }))
      .sort((a, b) => b.at - a.at)
      .slice(KEPT)
      .filter(({ at }) => at < bound);
    for (const { metadata } of old) store.remove(EVENTS, metadata.namespace ?? '', metadata.name!);
  };
  const timers = [clock.setInterval(look, LOOK_EVERY_MS, { lazy: true }), clock.setInterval(look, LOOK_ON_THE_WAY_MS)];
  return {
    close() {
      for (const timer of timers) timer.cancel();
    },
  };
}
