import { nodeName } from './bring-up.ts';
import { type Engine, isStatus } from './engine.ts';
import { LABEL } from './labels.ts';

export interface SweepOptions {
  owner: string;
  /** Clusters of this owner that must stay: those of living sessions and those under way in the pool. */
  keep: ReadonlySet<string>;
  /** Whether prepared clusters that wait are kept. */
  keepPool: boolean;
  now: number;
}

/**
 * Removes what nobody needs any more: this owner's clusters that belong to no living session, and anybody's whose time is
 * over. A claimed cluster of the pool goes by its container's name, which tells whose it is now. Nothing without our
 * labels is ever touched. Returns the names of what was removed.
 */
export async function sweep(engine: Engine, { owner, keep, keepPool, now }: SweepOptions): Promise<string[]> {
  const filters = { label: [LABEL.owner] };
  const expired = (labels: Record<string, string> | undefined) => Number(labels?.[LABEL.expires]) < now;
  const kept = new Set([...keep].map(nodeName));
  const removed: string[] = [];

  const containers = await engine.call('list containers', (abortSignal) =>
    engine.docker.listContainers({ all: true, filters, abortSignal }),
  );
  const networksInUse = new Set<string>();
  await Promise.all(
    containers.map(async ({ Id, Names, Labels, State, NetworkSettings }) => {
      const name = Names[0]?.slice(1) ?? '';
      const mine = Labels[LABEL.owner] === owner;
      const stays = mine
        ? kept.has(name) || (keepPool && State === 'paused' && name.startsWith(nodeName('pool-')))
        : !expired(Labels);
      if (stays) {
        for (const { NetworkID } of Object.values(NetworkSettings.Networks)) networksInUse.add(NetworkID);
        return;
      }
      await engine.remove(Id);
      removed.push(name);
    }),
  );

  const networks = await engine.call('list networks', (abortSignal) =>
    engine.docker.listNetworks({ filters, abortSignal }),
  );
  for (const { Id, Name, Labels } of networks) {
    const mine = Labels?.[LABEL.owner] === owner;
    const stays = networksInUse.has(Id) || (mine ? keep.has(Labels?.[LABEL.cluster] ?? '') : !expired(Labels));
    if (stays) continue;
    try {
      await engine.removeNetwork(Id);
      removed.push(Name);
    } catch (error) {
      // A network that something was attached to meanwhile is in use.
      if (!isStatus(error, 403)) throw error;
    }
  }
  return removed;
}
