/**
 * No state outside the Engine: what belongs to whom, and until when, is written on every container and network.
 * Names carry what changes (a cluster of the pool is claimed by a rename), labels what does not.
 */
export const LABEL = {
  /** Which academy made it: the id in its data folder. */
  owner: 'academy.owner',
  /** The cluster it belongs to. */
  cluster: 'academy.cluster',
  role: 'academy.role',
  /** What the cluster is set up for, so that a prepared one is given only to labs that ask for the same. */
  flavour: 'academy.flavour',
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
  flavour: string;
}

export const labelsFor = (
  { owner, cluster, now, flavour }: Ownership,
  role: 'node' | 'worker' | 'network' | 'toolbox',
): Record<string, string> => ({
  [LABEL.owner]: owner,
  [LABEL.cluster]: cluster,
  [LABEL.role]: role,
  [LABEL.flavour]: flavour,
  [LABEL.expires]: String(now + LONGEST_LIFE_MS),
});

/** On a toolbox image: the programs that were put into it, beside those of its base. */
export const TOOLS_LABEL = 'academy.tools';
/** Programs that a learner expects and no Debian package holds; they are taken from a folder. */
export const TOOLS = ['kubectl', 'linkerd', 'step', 'yq'] as const;
