import type { Engine } from './engine.ts';
import { LABEL } from './labels.ts';

export interface SweepOptions {
  owner: string;
  /** Clusters of this owner that must stay: those of living sessions and of the pool. */
  keep: ReadonlySet<string>;
  now: number;
}

/**
 * Removes what nobody needs any more: this owner's clusters that belong to no living session, and anybody's whose time is
 * over. Nothing without our labels is ever touched. Returns the names of what was removed.
 */
export async function sweep(engine: Engine, { owner, keep, now }: SweepOptions): Promise<string[]> {
  const filters = { label: [LABEL.owner] };
  const unwanted = (labels: Record<string, string> | undefined): boolean => {
    const { [LABEL.owner]: whose, [LABEL.cluster]: cluster, [LABEL.expires]: expires } = labels ?? {};
    if (whose === owner) return !keep.has(cluster ?? '');
    return Number(expires) < now;
  };
  const removed: string[] = [];
  const containers = await engine.call('list containers', (abortSignal) =>
    engine.docker.listContainers({ all: true, filters, abortSignal }),
  );
  await Promise.all(
    containers
      .filter((container) => unwanted(container.Labels))
      .map(async ({ Id, Names }) => {
        await engine.remove(Id);
        removed.push(Names[0]?.slice(1) ?? Id);
      }),
  );
  // A network can go when its containers are gone.
  const networks = await engine.call('list networks', (abortSignal) =>
    engine.docker.listNetworks({ filters, abortSignal }),
  );
  for (const { Id, Name, Labels } of networks) {
    if (!unwanted(Labels)) continue;
    await engine.removeNetwork(Id);
    removed.push(Name);
  }
  const { Volumes } = await engine.call('list volumes', (abortSignal) =>
    engine.docker.listVolumes({ filters, abortSignal }),
  );
  for (const { Name, Labels } of Volumes ?? []) {
    if (!unwanted(Labels)) continue;
    await engine.call('remove a volume', () => engine.docker.getVolume(Name).remove({ force: true }));
    removed.push(Name);
  }
  return removed;
}
