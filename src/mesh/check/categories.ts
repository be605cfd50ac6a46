import { cniPlugin } from './cni-plugin.ts';
import { dataPlane } from './data-plane.ts';
import { configuration, existence } from './existence.ts';
import { identity, identityDataPlane, webhooks } from './identity.ts';
import { gatewayApi, kubernetesApi, kubernetesVersion, linkerdCrds } from './kubernetes.ts';
import { preInstall } from './pre-install.ts';
import { type Category, Skip } from './runner.ts';
import { controlPlaneProxy, controlPlaneVersion, versions } from './versions.ts';
import { CORE, type World } from './world.ts';

const highAvailability: Category<World> = {
  name: 'linkerd-ha-checks',
  checks: [
    {
      description: 'multiple replicas of control plane pods',
      hint: 'l5d-control-plane-replicas',
      warning: true,
      retry: true,
      run: async (world) => {
        if (!(await world.values()).highAvailability) throw new Skip();
        const target = { group: 'apps', version: 'v1', resource: 'deployments', namespace: world.controlPlane };
        const few = (await world.list(target)).filter((each) => (each.status?.availableReplicas ?? 0) <= 1);
        if (few.length > 0) {
          throw new Error(`not enough replicas available for ${few.map((each) => each.metadata.name).join(', ')}`);
        }
      },
    },
  ],
};

/** Two namespaces must not claim the same extension. */
const extensions: Category<World> = {
  name: 'linkerd-extension-checks',
  checks: [
    {
      description: 'namespace configuration for extensions',
      hint: 'l5d-extension-namespaces',
      warning: true,
      run: async (world) => {
        const names = new Map<string, string[]>();
        for (const each of await world.list(CORE('namespaces'), 'linkerd.io/extension')) {
          const extension = each.metadata.labels?.['linkerd.io/extension'] ?? '';
          names.set(extension, [...(names.get(extension) ?? []), each.metadata.name ?? '']);
        }
        const twice = [...names].filter(([, namespaces]) => namespaces.length > 1);
        if (twice.length === 0) return;
        throw new Error(
          'some extensions have invalid configuration\n' +
            twice
              .map(
                ([name, spaces]) =>
                  `\t* label "linkerd.io/extension=${name}" is present on more than one namespace:\n${spaces.map((each) => `\t\t* ${each}`).join('\n')}`,
              )
              .join('\n'),
        );
      },
    },
  ],
};

export interface Selection {
  pre?: boolean;
  crds?: boolean;
  proxy?: boolean;
}

/** The categories that a form of `linkerd check` runs, in upstream's order. */
export function categoriesFor({ pre, crds, proxy }: Selection): Category<World>[] {
  const start = [kubernetesApi, kubernetesVersion];
  if (crds) return [...start, gatewayApi, linkerdCrds, versions];
  if (pre) return [...start, gatewayApi, preInstall, cniPlugin, versions];
  return [
    ...start,
    gatewayApi,
    existence,
    configuration,
    cniPlugin,
    identity,
    webhooks,
    ...(proxy
      ? [identityDataPlane, versions, controlPlaneProxy, dataPlane]
      : [versions, controlPlaneVersion, controlPlaneProxy]),
    highAvailability,
    ...(proxy ? [] : [extensions]),
  ];
}
