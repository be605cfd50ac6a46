/**
 * No state outside the Engine: what belongs to whom, and until when, is written on every container, network and volume.
 * Names carry what changes (a cluster of the pool is claimed by a rename), labels what does not.
 */
export const LABEL = {
  /** Which academy made it: the id in its data folder. */
  owner: 'academy.owner',
  /** The cluster it belongs to. */
  cluster: 'academy.cluster',
  role: 'academy.role',
  /** Instant after which anybody may remove it, ms since the epoch. */
  expires: 'academy.expires',
} as const;

/** Hard upper bound of any cluster's life; sessions end long before. */
export const LONGEST_LIFE_MS = 24 * 3_600_000;

export interface Ownership {
  owner: string;
  cluster: string;
  /** Wall clock, ms since the epoch. */
  now: number;
}

export const labelsFor = (
  { owner, cluster, now }: Ownership,
  role: 'node' | 'network' | 'toolbox' | 'files',
): Record<string, string> => ({
  [LABEL.owner]: owner,
  [LABEL.cluster]: cluster,
  [LABEL.role]: role,
  [LABEL.expires]: String(now + LONGEST_LIFE_MS),
});
