import type { ClusterDriver } from '#cluster/driver.ts';
import { EmbeddedCluster } from './cluster.ts';
import { JoinedClusters } from './joined.ts';

/** Clusters in this process: no Docker, no network, nothing to clean up. `wall` is the time they start from. */
export function createEmbeddedDriver(options: { wall?: () => number } = {}): ClusterDriver {
  return {
    name: 'embedded',
    async preflight() {
      return { ok: true, reasons: [] };
    },
    create: (create) => {
      const wall = options.wall ?? Date.now;
      return create.settings.others.length > 0
        ? JoinedClusters.create(create, wall)
        : EmbeddedCluster.create(create, wall);
    },
  };
}
