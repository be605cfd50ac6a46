import type { KubeClient } from '#kube/client/client.ts';
import type { Category } from './runner.ts';
import type { World } from './world.ts';

export const kubernetesApi: Category<World> = {
  name: 'kubernetes-api',
  checks: [
    { description: 'can initialize the client', hint: 'k8s-api', fatal: true, run: async () => {} },
    {
      description: 'can query the Kubernetes API',
      hint: 'k8s-api',
      fatal: true,
      run: async (world) => {
        await world.client.raw('GET', '/version');
      },
    },
  ],
};

const MINIMUM = [1, 23] as const;

export const kubernetesVersion: Category<World> = {
  name: 'kubernetes-version',
  checks: [
    {
      description: 'is running the minimum Kubernetes API version',
      hint: 'k8s-version',
      run: async (world) => {
        const { gitVersion = '' } = (await world.client.raw('GET', '/version')) as { gitVersion?: string };
        const [, major, minor] = /^v(\d+)\.(\d+)/.exec(gitVersion) ?? [];
        if (Number(major) > MINIMUM[0] || Number(minor) >= MINIMUM[1]) return;
        throw new Error(
          `Kubernetes is on version [${gitVersion.slice(1)}], but version [1.23.0] or more recent is required`,
        );
      },
    },
  ],
};

/** Names of the CRDs of the cluster, with the versions that are served. Read afresh: clients keep discovery. */
export async function servedCrds(client: KubeClient): Promise<Map<string, string[]>> {
  const target = { group: 'apiextensions.k8s.io', version: 'v1', resource: 'customresourcedefinitions' };
  const { items } = await client.list(target);
  return new Map(
    items.map((crd) => [
      crd.metadata.name ?? '',
      (crd.spec?.versions ?? [])
        .filter((version: { served?: boolean }) => version.served !== false)
        .map((version: { name: string }) => version.name),
    ]),
  );
}

export const gatewayApi: Category<World> = {
  name: 'gateway-api-crd',
  checks: [
    {
      description: 'Gateway API CRDs are installed',
      hint: 'gateway-api-crd',
      fatal: true,
      run: async (world) => {
        const crds = await servedCrds(world.client);
        for (const resource of ['httproutes', 'grpcroutes']) {
          if (crds.get(`${resource}.gateway.networking.k8s.io`)?.includes('v1')) continue;
          throw new Error(
            'The Gateway API CRDs must be installed prior to installing Linkerd:\n' +
              `    ${resource}.gateway.networking.k8s.io with version v1 not found\n` +
              'Run: kubectl apply --server-side -f https://github.com/kubernetes-sigs/gateway-api/releases/download/v1.5.1/standard-install.yaml',
          );
        }
      },
    },
  ],
};

/** `--crds`: only this. */
export const linkerdCrds: Category<World> = {
  name: 'linkerd-crd',
  checks: [
    {
      description: 'control plane CustomResourceDefinitions exist',
      hint: 'l5d-existence-crd',
      fatal: true,
      retry: true,
      run: (world) => crdsExist(world),
    },
  ],
};

export const CRD_NAMES = [
  'authorizationpolicies.policy.linkerd.io',
  'egressnetworks.policy.linkerd.io',
  'externalworkloads.workload.linkerd.io',
  'httplocalratelimitpolicies.policy.linkerd.io',
  'httproutes.policy.linkerd.io',
  'meshtlsauthentications.policy.linkerd.io',
  'networkauthentications.policy.linkerd.io',
  'serverauthorizations.policy.linkerd.io',
  'servers.policy.linkerd.io',
  'serviceprofiles.linkerd.io',
];

export async function crdsExist(world: World): Promise<void> {
  const present = await servedCrds(world.client);
  for (const name of CRD_NAMES) {
    if (!present.has(name)) throw new Error(`missing CustomResourceDefinitions: ${name}`);
  }
}
