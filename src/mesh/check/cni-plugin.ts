import type { Target } from '#kube/client/client.ts';
import { type Category, type Check, Skip } from './runner.ts';
import { CORE, type World } from './world.ts';

const NAME = 'linkerd-cni';
const RBAC = { group: 'rbac.authorization.k8s.io', version: 'v1' };
const APPS = { group: 'apps', version: 'v1' };

/** Only where pods are prepared by the CNI plugin. */
const whenEnabled = (check: Omit<Check<World>, 'fatal'>): Check<World> => ({
  ...check,
  fatal: true,
  run: async (world) => {
    const enabled =
      world.cniEnabled || (!world.preInstall && (await world.values().catch(() => undefined))?.cniEnabled === true);
    if (!enabled) throw new Skip();
    await check.run(world);
  },
});

const there = (kind: string, hint: string, target: (world: World) => Target): Check<World> =>
  whenEnabled({
    description: `cni plugin ${kind} exists`,
    hint,
    run: async (world) => {
      if (!(await world.find(target(world), NAME))) throw new Error(`missing ${kind}: ${NAME}`);
    },
  });

export const cniPlugin: Category<World> = {
  name: 'linkerd-cni-plugin',
  checks: [
    whenEnabled({
      description: 'cni plugin ConfigMap exists',
      hint: 'cni-plugin-cm-exists',
      run: async (world) => {
        await world.client.get(CORE('configmaps', world.cniNamespace), 'linkerd-cni-config');
      },
    }),
    there('ClusterRole', 'cni-plugin-cr-exists', () => ({ ...RBAC, resource: 'clusterroles' })),
    there('ClusterRoleBinding', 'cni-plugin-crb-exists', () => ({ ...RBAC, resource: 'clusterrolebindings' })),
    there('ServiceAccount', 'cni-plugin-sa-exists', ({ cniNamespace }) => CORE('serviceaccounts', cniNamespace)),
    there('DaemonSet', 'cni-plugin-ds-exists', ({ cniNamespace }) => ({
      ...APPS,
      resource: 'daemonsets',
      namespace: cniNamespace,
    })),
    whenEnabled({
      description: 'cni plugin pod is running on all nodes',
      hint: 'cni-plugin-ready',
      retry: true,
      run: async (world) => {
        const target = { ...APPS, resource: 'daemonsets', namespace: world.cniNamespace };
        const { status } = await world.client.get(target, NAME);
        const [ready, scheduled] = [status?.numberReady ?? 0, status?.desiredNumberScheduled ?? 0];
        if (ready !== scheduled) throw new Error(`number ready: ${ready}, number scheduled: ${scheduled}`);
      },
    }),
  ],
};
