import { type Engine, isStatus } from './engine.ts';
import { LABEL } from './labels.ts';
import { nodeName } from './names.ts';

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
  const nameOf = ({ Names }: { Names: string[] }) => Names[0]?.slice(1) ?? '';
  const nodeStays = (node: (typeof containers)[number]) =>
    kept.has(nameOf(node)) || (keepPool && node.State === 'paused' && nameOf(node).startsWith(nodeName('pool-')));
  // Toolbox and workers stay with their node, whose name may have changed since; the label they share has not.
  const clusters = new Set([
    ...keep,
    ...containers
      .filter((each) => each.Labels[LABEL.owner] === owner && isNode(each.Labels) && nodeStays(each))
      .map(({ Labels }) => Labels[LABEL.cluster] ?? ''),
  ]);
  const networksInUse = new Set<string>();
  await Promise.all(
    containers.map(async (container) => {
      const { Id, Labels, NetworkSettings } = container;
      const name = nameOf(container);
      const mine = Labels[LABEL.owner] === owner;
      const stays = mine
        ? isNode(Labels)
          ? nodeStays(container)
          : clusters.has(Labels[LABEL.cluster] ?? '')
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

const isNode = (labels: Record<string, string>): boolean => labels[LABEL.role] === 'node';
