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

export const GATEWAY_API_MISSING = [
  'The Gateway API CRDs must be installed prior to installing Linkerd. Run:',
  'kubectl apply --server-side -f https://github.com/kubernetes-sigs/gateway-api/releases/download/v1.5.1/standard-install.yaml',
  'or see https://gateway-api.sigs.k8s.io/guides/#installing-gateway-api for more options.',
].join('\n\n');

/** Whose the CRDs of Gateway API are: the mesh's own, somebody else's, or nobody's. Throws when a foreign one has no v1. */
export async function gatewayApiOrigin(client: KubeClient): Promise<'linkerd' | 'external' | 'absent'> {
  const target = { group: 'apiextensions.k8s.io', version: 'v1', resource: 'customresourcedefinitions' };
  const { items } = await client.list(target);
  let origin: 'external' | 'absent' = 'absent';
  for (const name of ['httproutes', 'grpcroutes'].map((each) => `${each}.gateway.networking.k8s.io`)) {
    const crd = items.find(({ metadata }) => metadata.name === name);
    if (!crd) continue;
    if (crd.metadata.annotations?.['linkerd.io/created-by']) return 'linkerd';
    origin = 'external';
    const versions = (crd.spec?.versions ?? []).map((version: { name: string }) => version.name);
    if (!versions.includes('v1'))
      throw new Error(`the ${name} CRD is missing the v1 version, please upgrade to Gateway API v1.1.1 or later`);
  }
  return origin;
}

export const gatewayApi: Category<World> = {
  name: 'gateway-api-crd',
  checks: [
    {
      description: 'Gateway API CRDs are installed',
      hint: 'gateway-api-crd',
      fatal: true,
      run: async (world) => {
        if ((await gatewayApiOrigin(world.client)) === 'absent') throw new Error(GATEWAY_API_MISSING);
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

/** In the order of the manifest. */
export const CRD_NAMES = [
  'authorizationpolicies.policy.linkerd.io',
  'egressnetworks.policy.linkerd.io',
  'httplocalratelimitpolicies.policy.linkerd.io',
  'httproutes.policy.linkerd.io',
  'meshtlsauthentications.policy.linkerd.io',
  'networkauthentications.policy.linkerd.io',
  'serverauthorizations.policy.linkerd.io',
  'servers.policy.linkerd.io',
  'serviceprofiles.linkerd.io',
  'externalworkloads.workload.linkerd.io',
];

export async function crdsExist(world: World): Promise<void> {
  const present = await servedCrds(world.client);
  const missing = CRD_NAMES.filter((name) => !present.has(name));
  if (missing.length > 0) throw new Error(missing.map((name) => `missing ${name}`).join(', '));
}
