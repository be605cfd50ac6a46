import type { ClusterDriver } from '#cluster/driver.ts';
import { EmbeddedCluster } from './cluster.ts';

/** Clusters in this process: no Docker, no network, nothing to clean up. `wall` is the time they start from. */
export function createEmbeddedDriver(options: { wall?: () => number } = {}): ClusterDriver {
  return {
    name: 'embedded',
    async preflight() {
      return { ok: true, reasons: [] };
    },
    create: (create) => EmbeddedCluster.create(create, options.wall ?? Date.now),
  };
}
