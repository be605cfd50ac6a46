import type { Clock } from '#base/clock.ts';
import { messageOf } from '#base/errors.ts';
import type { Log } from '#base/log.ts';
import type { KindSettings } from '#cluster/kind/settings.ts';
import { clusterSettings } from '#schema/lab.ts';

const EVERY_MS = 60_000;
/** The Engine finishes what a killed server had asked for; that is there a moment after the start. */
const AGAIN_AFTER_START_MS = 5_000;

export interface HousekeepingOptions {
  kind: KindSettings;
  clock: Clock;
  log: Log;
  /** Clusters of sessions that live, or that will be come back to. */
  keep(): Set<string>;
  /** Prepared clusters to keep waiting; 0 keeps none. */
  pool: { size: number; mesh: 'linkerd' | 'none' };
}

/**
 * What a server with kind clusters does beside its sessions: removes what earlier runs left in the Docker Engine, at once
 * and each minute, and keeps the pool filled. The returned function stops it; the pool's clusters stay for the next start.
 */
export async function startHousekeeping(o: HousekeepingOptions): Promise<() => Promise<void>> {
  const [{ Engine }, { sweep }, { Pool }] = await Promise.all([
    import('#cluster/kind/engine.ts'),
    import('#cluster/kind/sweep.ts'),
    import('#cluster/kind/pool.ts'),
  ]);
  const engine = new Engine();
  const pool = new Pool({
    engine,
    settings: o.kind,
    cluster: clusterSettings.parse({ mesh: o.pool.mesh }),
    size: o.pool.size,
    onError: (message) => o.log.warn('a cluster could not be prepared', { message }),
  });
  const once = async () => {
    try {
      const keep = o.keep();
      if (pool.making) keep.add(pool.making);
      const options = { owner: o.kind.owner, keep, keepPool: o.pool.size > 0, now: o.clock.now() };
      const removed = await sweep(engine, options);
      if (removed.length > 0) o.log.info('left-over containers and networks removed', { removed: removed.join(' ') });
    } catch (error) {
      o.log.warn('the Docker Engine could not be swept', { message: messageOf(error) });
    }
    if (o.pool.size > 0)
      void pool.fill().catch((error) => o.log.warn('the pool failed', { message: messageOf(error) }));
  };
  await once();
  const again = o.clock.setTimeout(() => void once(), AGAIN_AFTER_START_MS);
  const timer = o.clock.setInterval(() => void once(), EVERY_MS);
  return async () => {
    again.cancel();
    timer.cancel();
    await pool.close();
  };
}
