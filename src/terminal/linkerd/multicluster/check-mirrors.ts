import { messageOf } from '#base/errors.ts';
import { Skip } from '#mesh/check/runner.ts';
import { CORE } from '#mesh/check/world.ts';
import {
  CLUSTER_NAME,
  ENDPOINTS,
  LOCAL_DISCOVERY,
  leaseOf,
  MIRRORED_GATEWAY,
  MIRRORED_SERVICE,
  REMOTE_DISCOVERY,
  SERVICES,
} from '#mesh/multicluster/labels.ts';
import { bulleted, failAll, type Link, type LinkChecks, type LinkWorld } from './check-world.ts';
import { extensionNamespace, gatewayMetrics, gauge, NO_EXTENSION } from './gateway-metrics.ts';

const DEPLOYMENTS = { group: 'apps', version: 'v1', resource: 'deployments' };
const LEASES = { group: 'coordination.k8s.io', version: 'v1', resource: 'leases' };

const controllerOf = ({ spec }: Link): string =>
  `component in (service-mirror, controller),${CLUSTER_NAME}=${spec.targetClusterName}`;

export const mirrorChecks: LinkChecks = [
  {
    description: 'service mirror controllers are running',
    hint: 'l5d-multicluster-service-mirror-running',
    retry: true,
    run: async ({ links, base }) => {
      const failures: string[] = [];
      for (const link of links) {
        const cluster = link.spec.targetClusterName;
        const found = await base.list(DEPLOYMENTS, controllerOf(link));
        const [controller] = found;
        if (found.length > 1) {
          failures.push(`* too many service mirror controller deployments for Link ${cluster}`);
        } else if (!controller) {
          failures.push(`* no service mirror controller deployment for Link ${cluster}`);
        } else if ((controller.status?.availableReplicas ?? 0) < 1) {
          const { namespace, name } = controller.metadata;
          failures.push(`* service mirror controller is not available: ${namespace}/${name}`);
        }
      }
      failAll(failures, 2);
      return bulleted(links.map(({ spec }) => spec.targetClusterName));
    },
  },
  {
    description: 'extension is managing controllers',
    hint: 'l5d-multicluster-managed-controllers',
    warning: true,
    run: async ({ links, base }) => {
      const failures: string[] = [];
      const good: string[] = [];
      for (const link of links) {
        const [controller] = await base.list(DEPLOYMENTS, controllerOf(link));
        if (!controller) continue;
        if (controller.metadata.labels?.['component'] === 'service-mirror') {
          failures.push(`* using legacy service mirror controller for Link: ${link.spec.targetClusterName}`);
        } else good.push(link.spec.targetClusterName);
      }
      failAll(failures, 2);
      return bulleted(good);
    },
  },
  {
    description: 'probe services able to communicate with all gateway mirrors',
    hint: 'l5d-multicluster-gateways-endpoints',
    run: async (world) => {
      const extension = await extensionNamespace(world.client);
      if (!extension) throw new Skip(`failed to find the linkerd-multicluster namespace: ${NO_EXTENSION}`);
      const failures: string[] = [];
      const good: string[] = [];
      for (const link of world.links) {
        // A flat link has no gateway to probe.
        if (!link.spec.gatewayAddress || !link.spec.probeSpec?.path) continue;
        const failure = await gatewayFailure(world, link, extension.metadata.name ?? '');
        if (failure) failures.push(failure);
        else good.push(link.spec.targetClusterName);
      }
      failAll(failures, 1);
      return bulleted(good);
    },
  },
  {
    description: 'all mirror services have endpoints',
    hint: 'l5d-multicluster-services-endpoints',
    run: async ({ base }) => {
      const mirrors = await base.list(SERVICES, `${MIRRORED_SERVICE}, !${MIRRORED_GATEWAY}, !${REMOTE_DISCOVERY}`);
      const without: string[] = [];
      for (const { metadata } of mirrors) {
        const { name = '', namespace = '', annotations = {}, labels = {} } = metadata;
        // Members of a federated Service have the endpoints.
        if (annotations[REMOTE_DISCOVERY] || annotations[LOCAL_DISCOVERY]) continue;
        const endpoints = await base.find({ ...ENDPOINTS, namespace }, name);
        if ((endpoints?.['subsets'] ?? []).length > 0) continue;
        without.push(`${name}.${namespace} mirrored from cluster [${labels[CLUSTER_NAME] ?? ''}]`);
      }
      if (without.length > 0) {
        throw new Error(`Some mirror services do not have endpoints:\n    ${without.join('\n    ')}`);
      }
      if (mirrors.length === 0) throw new Skip('no mirror services');
    },
  },
  {
    description: 'all mirror services are part of a Link',
    hint: 'l5d-multicluster-orphaned-services',
    warning: true,
    run: async ({ base, links }) => {
      const mirrors = await base.list(SERVICES, `${MIRRORED_SERVICE}, !${MIRRORED_GATEWAY}, ${CLUSTER_NAME}`);
      if (mirrors.length === 0) throw new Skip('no mirror services');
      const clusters = links.map(({ spec }) => spec.targetClusterName);
      failAll(
        mirrors
          .filter(({ metadata }) => !clusters.includes(metadata.labels?.[CLUSTER_NAME] ?? ''))
          .map(({ metadata }) => `mirror service ${metadata.name}.${metadata.namespace} is not part of any Link`),
        1,
      );
    },
  },
];

/** Why a link's gateway can't be reached; undefined when it can. */
async function gatewayFailure(world: LinkWorld, link: Link, namespace: string): Promise<string | undefined> {
  const { base, client, invocation } = world;
  const cluster = link.spec.targetClusterName;
  const probes = await base.list(SERVICES, `${MIRRORED_GATEWAY},${CLUSTER_NAME}=${cluster}`);
  const [probe] = probes;
  if (!probe || probes.length !== 1) {
    return `wrong number (${probes.length}) of probe gateways for target cluster ${cluster}`;
  }
  const { name = '', namespace: where = '', labels = {} } = probe.metadata;
  const endpoints = await base.find({ ...ENDPOINTS, namespace: where }, name);
  if ((endpoints?.['subsets'] ?? []).length === 0) {
    return `${name}.${where} mirrored from cluster [${labels[CLUSTER_NAME] ?? ''}] has no endpoints`;
  }
  const pods = await base.list(
    CORE('pods', namespace),
    `component in (linkerd-service-mirror, controller),${CLUSTER_NAME}=${cluster}`,
  );
  let holder: string;
  try {
    holder = (await client.get({ ...LEASES, namespace }, leaseOf(cluster))).spec?.holderIdentity ?? '';
  } catch (error) {
    return `failed to get the service-mirror component Lease for target cluster ${cluster}: ${messageOf(error)}`;
  }
  const read = await gatewayMetrics(invocation, pods, new Set([holder]));
  const [metrics] = read;
  if (!metrics || read.length !== 1) {
    return `expected exactly one gateway metric for target cluster ${cluster}; got ${read.length}`;
  }
  if (metrics.error !== undefined) return `Failed to get gateway status for ${cluster}: ${metrics.error}\n`;
  const alive = gauge(metrics, 'gateway_alive');
  return alive === undefined || alive === 1 ? undefined : `liveness checks failed for ${cluster}`;
}
