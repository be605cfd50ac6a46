import type { KubeObject } from '#kube/api/types.ts';
import { type ControllerContext, TARGETS } from './context.ts';

const LOOK_EVERY_MS = 60_000;
/** How often it looks while the clock is moved: a year's events would fill the store. */
const LOOK_ON_THE_WAY_MS = 24 * 3_600_000;
const LIVES_MS = 3_600_000;
/** So many are kept however old they are: a small cluster's story, also after its clock was moved. */
const KEPT = 500;

/** Removes events an hour after they were last seen, as the API server's time to live does. */
export function startEventExpiry(context: ControllerContext): { close(): void } {
  const { client, clock } = context;
  const lastSeen = (event: KubeObject): number =>
    Date.parse(event.lastTimestamp ?? event.eventTime ?? event.metadata.creationTimestamp ?? '');
  const look = async (): Promise<void> => {
    const { items } = await client.list(TARGETS.events);
    if (items.length <= KEPT) return;
    const bound = clock.now() - LIVES_MS;
    const old = items
      .map((event) => ({ event, at: lastSeen(event) }))
      .sort((a, b) => b.at - a.at)
      .slice(KEPT)
      .filter(({ at }) => at < bound);
    for (const { event } of old) await context.remove('events', event);
  };
  const again = () => void look().catch(() => {});
  const timers = [
    clock.setInterval(again, LOOK_EVERY_MS, { lazy: true }),
    clock.setInterval(again, LOOK_ON_THE_WAY_MS),
  ];
  return {
    close() {
      for (const timer of timers) timer.cancel();
    },
  };
}
