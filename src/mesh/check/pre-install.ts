import { messageOf } from '#base/errors.ts';
import type { KubeObject } from '#kube/api/types.ts';
import type { Target } from '#kube/client/client.ts';
import { defaultValues } from '#mesh/install/default-values.ts';
import { renderInstall } from '#mesh/install/render.ts';
import type { Category } from './runner.ts';
import { CORE, type World } from './world.ts';

const ACCESS: Target = { group: 'authorization.k8s.io', version: 'v1', resource: 'selfsubjectaccessreviews' };

/** What an installation creates outside of a namespace, in the manifest's order; tried with a dry run. */
function clusterScoped(world: World): KubeObject[] {
  const none = { certificate: '', privateKey: '', caBundle: '' };
  const webhooks = { proxyInjector: none, spValidator: none, policyValidator: none };
  const objects = renderInstall({
    namespace: world.controlPlane,
    values: defaultValues(),
    webhooks,
    now: world.clock.now(),
  });
  return objects.filter(({ metadata }) => !metadata.namespace);
}

const targetOf = ({ apiVersion, kind }: KubeObject): Target => {
  const [version = '', group = ''] = apiVersion.split('/').reverse();
  return { group, version, resource: `${kind.toLowerCase()}s` };
};

/** Five minutes between two heartbeats, and what certificates allow. */
const ALLOWED_SKEW_MS = 5 * 60_000 + 10_000;

async function may(world: World, verb: string, group: string, resource: string): Promise<void> {
  const review = await world.client.create(ACCESS, {
    apiVersion: 'authorization.k8s.io/v1',
    kind: 'SelfSubjectAccessReview',
    metadata: {},
    spec: {
      resourceAttributes: {
        namespace: world.controlPlane,
        verb,
        group,
        resource,
      },
    },
  });
  if (!review.status?.allowed) {
    const what = group ? `${resource}.${group}` : resource;
    throw new Error(review.status?.reason || `not authorized to access ${what}`);
  }
}

const able = (description: string, verb: string, group: string, resource: string) => ({
  description,
  hint: 'pre-k8s',
  run: (world: World) => may(world, verb, group, resource),
});

export const preInstall: Category<World> = {
  name: 'pre-kubernetes-setup',
  checks: [
    {
      description: 'control plane namespace does not already exist',
      hint: 'pre-ns',
      run: async (world) => {
        if (await world.find(CORE('namespaces'), world.controlPlane)) {
          throw new Error(`The "${world.controlPlane}" namespace already exists`);
        }
      },
    },
    {
      description: 'can create non-namespaced resources',
      hint: 'pre-k8s-cluster-k8s',
      run: async (world) => {
        const failures: string[] = [];
        for (const object of clusterScoped(world)) {
          try {
            await world.client.create(targetOf(object), object, { dryRun: true });
          } catch (error) {
            failures.push(`cannot create ${object.kind}/${object.metadata.name}: ${messageOf(error)}`);
          }
        }
        if (failures.length > 0) throw new Error(failures.join('\n    '));
      },
    },
    able('can create ServiceAccounts', 'create', '', 'serviceaccounts'),
    able('can create Services', 'create', '', 'services'),
    able('can create Deployments', 'create', 'apps', 'deployments'),
    able('can create CronJobs', 'create', 'batch', 'cronjobs'),
    able('can create ConfigMaps', 'create', '', 'configmaps'),
    able('can create Secrets', 'create', '', 'secrets'),
    able('can read Secrets', 'get', '', 'secrets'),
    {
      description: 'can read extension-apiserver-authentication configmap',
      hint: 'pre-k8s',
      run: async (world) => {
        const target = CORE('configmaps', 'kube-system');
        const { data } = await world.client.get(target, 'extension-apiserver-authentication');
        if (!data?.['requestheader-client-ca-file'])
          throw new Error('--requestheader-client-ca-file is not configured');
      },
    },
    {
      description: 'no clock skew detected',
      hint: 'pre-k8s-clock-skew',
      warning: true,
      run: async (world) => {
        const apart = (await world.list(CORE('nodes'))).filter((node) => {
          const ready = (node.status?.conditions ?? []).find(({ type }: { type: string }) => type === 'Ready');
          const skew = Math.abs(world.clock.now() - Date.parse(ready?.lastHeartbeatTime ?? ''));
          return ready?.status === 'True' && skew > ALLOWED_SKEW_MS;
        });
        if (apart.length > 0)
          throw new Error(`clock skew detected for node(s): ${apart.map(({ metadata }) => metadata.name).join(', ')}`);
      },
    },
  ],
};
