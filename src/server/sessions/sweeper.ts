import type { Clock } from '#base/clock.ts';
import { messageOf } from '#base/errors.ts';
import type { Log } from '#base/log.ts';
import type { KindSettings } from '#cluster/kind/settings.ts';

const EVERY_MS = 60_000;

export interface SweeperOptions {
  kind: KindSettings;
  clock: Clock;
  log: Log;
  /** Clusters of sessions that live, or that will be come back to. */
  keep(): Set<string>;
}

/** Removes what earlier runs left in the Docker Engine: once now, then each minute. The returned function stops it. */
export async function startSweeper(o: SweeperOptions): Promise<() => void> {
  const [{ Engine }, { sweep }] = await Promise.all([
    import('#cluster/kind/engine.ts'),
    import('#cluster/kind/sweep.ts'),
  ]);
  const engine = new Engine();
  const once = async () => {
    try {
      const removed = await sweep(engine, { owner: o.kind.owner, keep: o.keep(), now: o.clock.now() });
      if (removed.length > 0) o.log.info('left-over containers and networks removed', { removed: removed.join(' ') });
    } catch (error) {
      o.log.warn('the Docker Engine could not be swept', { message: messageOf(error) });
    }
  };
  await once();
  const timer = o.clock.setInterval(() => void once(), EVERY_MS);
  return () => timer.cancel();
}
