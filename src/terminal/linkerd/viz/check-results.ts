import type { KubeObject } from '#kube/api/types.ts';
import { type Check, type Result, runChecks, Skip } from '#mesh/check/runner.ts';
import { servingCertificate, servingProblem, soonProblem } from '#mesh/check/serving-certificate.ts';
import { latest, proxiesMatchCli, proxiesRunning, proxiesUpToDate } from '#mesh/check/versions.ts';
import { CORE, proxyOf, World } from '#mesh/check/world.ts';
import { LINKERD_VERSION } from '#mesh/install/values.ts';
import { EXTENSION } from '#mesh/viz/labels.ts';
import { LIST_PODS, SELF_CHECK } from '#mesh/viz/metrics-api/viz-api.ts';
import { GROUP, VERSION } from '#mesh/viz/tap-api.ts';
import type { Invocation } from '../verb.ts';
import { podOf, vizNamespace } from './extension.ts';
import { answeredText, askMetricsApi } from './metrics-api.ts';

const EXTERNAL = 'viz.linkerd.io/external-prometheus';
const SELECTOR = `${EXTENSION}=viz`;
const RBAC = (resource: string) => ({ group: 'rbac.authorization.k8s.io', version: 'v1', resource });
const API_SERVICE = `${VERSION}.${GROUP}`;

/** What the checks of the extension look at. */
class VizWorld {
  readonly base: World;
  readonly invocation: Invocation;
  namespace = '';
  hasOtherPrometheus = false;

  constructor(base: World, invocation: Invocation) {
    this.base = base;
    this.invocation = invocation;
  }

  pods(labelSelector?: string): Promise<KubeObject[]> {
    return this.base.list(CORE('pods', this.namespace), labelSelector);
  }
}
type VizCheck = Check<VizWorld>;

/** Throws unless all of these exist. */
async function existing({ base }: VizWorld, kind: string, target: Parameters<World['list']>[0], names: string[]) {
  const found = new Set((await base.list(target)).map(({ metadata }) => metadata.name));
  const missing = names.filter((name) => !found.has(name)).sort();
  if (missing.length > 0) throw new Error(`missing ${kind}: ${missing.join(', ')}`);
}

function podsOfAll(pods: KubeObject[], components: string[]): void {
  const known = new Set(
    pods.flatMap(({ metadata }) => [
      metadata.labels?.['component'],
      metadata.labels?.['linkerd.io/control-plane-component'],
    ]),
  );
  const missing = components.find((each) => !known.has(each));
  if (missing) throw new Error(`Could not find pods for deployment ${missing}`);
}

const rbacNames = ({ namespace }: VizWorld, admin: string): string[] => [
  `linkerd-${namespace}-tap`,
  `linkerd-${namespace}-metrics-api`,
  `linkerd-${namespace}-${admin}`,
  'linkerd-tap-injector',
];

function metricsApi(world: VizWorld): Promise<KubeObject> {
  return podOf(world.invocation, world.namespace, 'metrics-api');
}

async function ask(world: VizWorld, method: typeof SELF_CHECK, request: object) {
  try {
    return await askMetricsApi(world.invocation, await metricsApi(world), method, request);
  } catch (error) {
    throw new Error(answeredText(error) ?? (error as Error).message);
  }
}

const checks: VizCheck[] = [
  {
    description: 'linkerd-viz Namespace exists',
    hint: 'l5d-viz-ns-exists',
    fatal: true,
    run: async (world) => {
      const { metadata } = await vizNamespace(world.invocation);
      world.namespace = metadata.name ?? '';
      world.hasOtherPrometheus = Boolean(metadata.annotations?.[EXTERNAL]);
    },
  },
  {
    description: 'can initialize the client',
    hint: 'l5d-viz-existence-client',
    fatal: true,
    retry: true,
    run: async (world) => void (await metricsApi(world)),
  },
  {
    description: 'linkerd-viz ClusterRoles exist',
    hint: 'l5d-viz-cr-exists',
    fatal: true,
    run: (world) => existing(world, 'ClusterRoles', RBAC('clusterroles'), rbacNames(world, 'tap-admin')),
  },
  {
    description: 'linkerd-viz ClusterRoleBindings exist',
    hint: 'l5d-viz-crb-exists',
    fatal: true,
    run: (world) =>
      existing(world, 'ClusterRoleBindings', RBAC('clusterrolebindings'), rbacNames(world, 'tap-auth-delegator')),
  },
  {
    description: 'tap API server has valid cert',
    hint: 'l5d-tap-cert-valid',
    fatal: true,
    run: async (world) => {
      const target = { group: 'apiregistration.k8s.io', version: 'v1', resource: 'apiservices' };
      const service = await world.base.client.get(target, API_SERVICE);
      const certificate = await tapCertificate(world);
      const dns = `tap.${world.namespace}.svc`;
      const why = servingProblem(certificate, service.spec?.caBundle, dns, world.base.clock.now());
      if (why) throw new Error(why);
    },
  },
  {
    description: 'tap API server cert is valid for at least 60 days',
    hint: 'l5d-tap-cert-not-expiring-soon',
    warning: true,
    run: async (world) => {
      const why = soonProblem(await tapCertificate(world), world.base.clock.now());
      if (why) throw new Error(why);
    },
  },
  {
    description: 'tap API service is running',
    hint: 'l5d-tap-api',
    warning: true,
    retry: true,
    run: async (world) => {
      const target = { group: 'apiregistration.k8s.io', version: 'v1', resource: 'apiservices' };
      const { status } = await world.base.client.get(target, API_SERVICE);
      const conditions: { type: string; status: string; reason?: string; message?: string }[] =
        status?.conditions ?? [];
      const available = conditions.find(({ type }) => type === 'Available');
      if (!available) throw new Error(`${API_SERVICE} service not available`);
      if (available.status !== 'True') throw new Error(`${available.reason}: ${available.message}`);
    },
  },
  {
    description: 'linkerd-viz pods are injected',
    hint: 'l5d-viz-pods-injection',
    warning: true,
    run: async (world) => {
      const bare = (await world.pods()).find((pod) => !proxyOf(pod));
      if (bare) throw new Error(`could not find proxy container for ${bare.metadata.name} pod`);
    },
  },
  {
    description: 'viz extension pods are running',
    hint: 'l5d-viz-pods-running',
    warning: true,
    // What is missing stays away: only what is about to start is waited for.
    retry: true,
    run: async (world) => {
      const pods = await world.pods(SELECTOR);
      podsOfAll(pods, ['tap', 'metrics-api', 'tap-injector']);
      proxiesRunning(pods, world.namespace);
    },
  },
  {
    description: 'viz extension proxies are healthy',
    hint: 'l5d-viz-proxy-healthy',
    warning: true,
    run: async (world) => proxiesRunning(await world.pods('linkerd.io/control-plane-ns'), world.base.controlPlane),
  },
  {
    description: 'viz extension proxies are up-to-date',
    hint: 'l5d-viz-proxy-cp-version',
    warning: true,
    run: async (world) => {
      await latest(world.base);
      proxiesUpToDate(world.base, await world.pods());
    },
  },
  {
    description: 'viz extension proxies and cli versions match',
    hint: 'l5d-viz-proxy-cli-version',
    warning: true,
    run: async (world) => proxiesMatchCli(world.base, await world.pods()),
  },
  {
    description: 'prometheus is installed and configured correctly',
    hint: 'l5d-viz-prometheus',
    warning: true,
    run: async (world) => {
      if (world.hasOtherPrometheus) throw new Skip();
      const name = [`linkerd-${world.namespace}-prometheus`];
      await existing(world, 'ClusterRoles', RBAC('clusterroles'), name);
      await existing(world, 'ClusterRoleBindings', RBAC('clusterrolebindings'), name);
      await existing(world, 'ConfigMaps', CORE('configmaps', world.namespace), ['prometheus-config']);
      podsOfAll(await world.pods(SELECTOR), ['prometheus']);
    },
  },
  {
    description: 'viz extension self-check',
    hint: 'l5d-viz-metrics-api',
    fatal: true,
    retry: true,
    run: async (world) => {
      const { results = [] } = await ask(world, SELF_CHECK, {});
      if (results.length === 0) throw new Error('No results returned');
      const wrong = (results as { Status?: number; FriendlyMessageToUser?: string }[]).filter(({ Status }) => Status);
      if (wrong.length > 0) throw new Error(wrong.map((each) => each.FriendlyMessageToUser ?? '').join('\n    '));
    },
  },
];

async function tapCertificate({ base, namespace }: VizWorld) {
  const found = await servingCertificate(base, namespace, 'tap-k8s-tls');
  // An older name is tried after the present one, and it is the older one that is told.
  if (!found) throw new Error('secrets "linkerd-tap-tls" not found');
  return found;
}

const dataPlane: VizCheck[] = [
  {
    description: 'data plane namespace exists',
    hint: 'l5d-data-plane-exists',
    fatal: true,
    run: async ({ base }) => {
      if (base.dataPlane !== undefined && !(await base.find(CORE('namespaces'), base.dataPlane)))
        throw new Error(`The "${base.dataPlane}" namespace does not exist`);
    },
  },
  {
    description: 'prometheus is authorized to scrape data plane pods',
    hint: 'l5d-viz-data-plane-prom-authz',
    warning: true,
    run: async ({ base }) => {
      const policies = { group: 'policy.linkerd.io', version: 'v1alpha1', resource: 'authorizationpolicies' };
      const open = new Set(
        (await base.list(policies))
          .filter(({ metadata }) => metadata.name === 'prometheus-scrape')
          .map(({ metadata }) => metadata.namespace),
      );
      const closed = (await base.list(CORE('pods', base.dataPlane))).filter(
        (pod) =>
          !open.has(pod.metadata.namespace) &&
          (proxyOf(pod)?.env ?? []).some(
            ({ name, value }: { name: string; value?: string }) =>
              name === 'LINKERD2_PROXY_INBOUND_DEFAULT_POLICY' && value === 'deny',
          ),
      );
      if (closed.length === 0) return;
      const names = closed.map(
        ({ metadata }) => `\t* ${base.dataPlane === undefined ? `${metadata.namespace}/` : ''}${metadata.name}`,
      );
      throw new Error(
        `prometheus may not be authorized to scrape the following pods:\n${names.join('\n')}\n    consider running \`linkerd viz allow-scrapes\` to authorize prometheus scrapes`,
      );
    },
  },
  {
    description: 'data plane proxy metrics are present in Prometheus',
    hint: 'l5d-data-plane-prom',
    warning: true,
    retry: true,
    run: async (world) => {
      const { dataPlane, controlPlane } = world.base;
      const selector = dataPlane === undefined ? {} : { selector: { resource: { namespace: dataPlane } } };
      const { pods = [] } = await ask(world, LIST_PODS, selector);
      const unheard = (pods as { name?: string; added?: boolean; controllerNamespace?: string }[]).filter(
        ({ added, controllerNamespace }) => controllerNamespace === controlPlane && !added,
      );
      if (unheard.length > 0)
        throw new Error(`Data plane metrics not found for ${unheard.map(({ name }) => name).join(', ')}.`);
    },
  },
];

/** The lines of `linkerd viz check`; `proxies` adds those about the pods of applications, in a namespace or in all. */
export function vizResults(
  invocation: Invocation,
  pacing: Parameters<typeof runChecks>[2],
  { proxies, namespace }: { proxies: boolean; namespace?: string | undefined } = { proxies: false },
): AsyncGenerator<Result> {
  const { client, clock, controlPlane } = invocation;
  const base = new World({
    client,
    clock,
    controlPlane,
    cliVersion: LINKERD_VERSION,
    // The control plane's configuration is not read: its id is not told to the server of versions.
    preInstall: true,
    ...(namespace ? { dataPlane: namespace } : {}),
  });
  const categories = [
    { name: 'linkerd-viz', checks },
    ...(proxies ? [{ name: 'linkerd-viz-data-plane', checks: dataPlane }] : []),
  ];
  return runChecks(categories, new VizWorld(base, invocation), pacing);
}
