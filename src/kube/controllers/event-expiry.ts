import type { KubeObject } from '#kube/api/types.ts';
import { type ControllerContext, TARGETS } from './context.ts';

const LOOK_EVERY_MS = 60_000;
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
    const old = items
      .sort((a, b) => lastSeen(b) - lastSeen(a))
      .slice(KEPT)
      .filter((event) => lastSeen(event) < clock.now() - LIVES_MS);
    for (const event of old) await context.remove('events', event);
  };
  const timer = clock.setInterval(() => void look().catch(() => {}), LOOK_EVERY_MS, { lazy: true });
  return { close: () => timer.cancel() };
}
