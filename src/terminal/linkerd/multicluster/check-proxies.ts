import type { KubeObject } from '#kube/api/types.ts';
import { latest, proxiesMatchCli, proxiesRunning, proxiesUpToDate } from '#mesh/check/versions.ts';
import { CORE, proxyOf } from '#mesh/check/world.ts';
import type { LinkChecks, LinkWorld } from './check-world.ts';

/** Pods of the namespaces that hold links. */
async function podsOf({ links, base }: LinkWorld): Promise<KubeObject[]> {
  const out: KubeObject[] = [];
  for (const { metadata } of links) out.push(...(await base.list(CORE('pods', metadata.namespace))));
  return out;
}

export const proxyChecks: LinkChecks = [
  {
    description: 'multicluster extension proxies are healthy',
    hint: 'l5d-multicluster-proxy-healthy',
    warning: true,
    retry: true,
    run: async (world) => {
      for (const { metadata } of world.links) {
        const pods = await world.base.list(CORE('pods', metadata.namespace));
        proxiesRunning(pods.filter(proxyOf), metadata.namespace);
      }
    },
  },
  {
    description: 'multicluster extension proxies are up-to-date',
    hint: 'l5d-multicluster-proxy-cp-version',
    warning: true,
    run: async (world) => {
      await latest(world.base);
      proxiesUpToDate(world.base, await podsOf(world));
    },
  },
  {
    description: 'multicluster extension proxies and cli versions match',
    hint: 'l5d-multicluster-proxy-cli-version',
    warning: true,
    run: async (world) => proxiesMatchCli(world.base, await podsOf(world)),
  },
];
