import { messageOf } from '#base/errors.ts';
import { parseRequirements, type Requirement } from '#kube/api/selector-syntax.ts';
import type { KubeObject } from '#kube/api/types.ts';
import type { LabelSelector } from '#mesh/policy/core/selectors.ts';
import {
  CLUSTER_DOMAIN,
  CREATED_BY,
  CREDENTIALS_CLUSTER,
  CREDENTIALS_TYPE,
  credentialsOf,
  GATEWAY_IDENTITY,
  LINK,
  PROBE_PATH,
  PROBE_PERIOD,
  TRUST_DOMAIN,
} from './labels.ts';
import type { LinkSpec, ProbeSpec } from './mirror/link.ts';

/**
 * A selector's text (`a=b,c in (d,e),!f`) as an object. Throws on what is none. As apimachinery does, equality becomes
 * matchLabels, the rest expressions.
 */
export function selectorOf(text: string): LabelSelector {
  const matchLabels: Record<string, string> = {};
  const matchExpressions: NonNullable<LabelSelector['matchExpressions']> = [];
  for (const { key, operator, values } of requirementsOf(text)) {
    const name = OPERATORS[operator];
    if (operator === '=' || operator === '==') matchLabels[key] = values[0] ?? '';
    else if (!name) throw new Error(`"${operator}" isn't supported in label selectors`);
    else matchExpressions.push({ key, operator: name, ...(values.length > 0 ? { values } : {}) });
  }
  return {
    ...(matchExpressions.length > 0 ? { matchExpressions } : {}),
    ...(Object.keys(matchLabels).length > 0 ? { matchLabels } : {}),
  };
}

const OPERATORS: Record<string, string> = {
  in: 'In',
  notin: 'NotIn',
  '!=': 'NotIn',
  exists: 'Exists',
  '!': 'DoesNotExist',
};

function requirementsOf(text: string): Requirement[] {
  try {
    return parseRequirements(text);
  } catch (error) {
    throw new Error(`couldn't parse the selector string ${JSON.stringify(text)}: ${messageOf(error)}`);
  }
}

export interface LinkOptions {
  cluster: string;
  namespace: string;
  controlPlane: string;
  clusterDomain: string;
  createdBy: string;
  selector: string;
  remoteDiscoverySelector: string;
  federatedServiceSelector: string;
  excludedAnnotations: string[];
  excludedLabels: string[];
  /** The gateway's Service; absent: a flat link. */
  gateway?: KubeObject;
  /** In place of what the gateway's Service says. */
  gatewayAddresses?: string;
  gatewayPort?: number;
}

/** The Link that another cluster is to apply, to mirror from this one. Throws what is wrong with the gateway. */
export function linkObject(options: LinkOptions): KubeObject {
  const { cluster, gateway } = options;
  // The order of JSON; YAML sorts the names.
  const spec: LinkSpec = {
    targetClusterName: cluster,
    targetClusterDomain: options.clusterDomain,
    targetClusterLinkerdNamespace: options.controlPlane,
    clusterCredentialsSecret: credentialsOf(cluster),
    ...(gateway ? gatewaySpec(gateway, options) : { probeSpec: {} }),
    ...(gateway ? { selector: selectorOf(options.selector) } : {}),
    remoteDiscoverySelector: selectorOf(options.remoteDiscoverySelector),
    federatedServiceSelector: selectorOf(options.federatedServiceSelector),
    ...(options.excludedAnnotations.length > 0 ? { excludedAnnotations: options.excludedAnnotations } : {}),
    ...(options.excludedLabels.length > 0 ? { excludedLabels: options.excludedLabels } : {}),
  };
  return {
    kind: 'Link',
    apiVersion: `${LINK.group}/${LINK.version}`,
    metadata: {
      name: cluster,
      namespace: options.namespace,
      annotations: { [CREATED_BY]: options.createdBy },
    },
    spec,
    status: {},
  };
}

function gatewaySpec(gateway: KubeObject, options: LinkOptions): Partial<LinkSpec> {
  const { name, namespace } = gateway.metadata;
  const ingress: { ip?: string; hostname?: string }[] = gateway.status?.loadBalancer?.ingress ?? [];
  const addresses = options.gatewayAddresses || ingress.flatMap(({ ip, hostname }) => ip || hostname || []).join(',');
  if (!addresses) throw new Error(`gateway ${name}.${namespace} has no ingress addresses`);
  const gatewayIdentity = gateway.metadata.annotations?.[GATEWAY_IDENTITY];
  if (!gatewayIdentity) throw new Error(`gateway ${name}.${namespace} has no ${GATEWAY_IDENTITY} annotation`);
  const probeSpec = probeOf(gateway);
  const port = portNamed(gateway, 'mc-gateway');
  if (port === undefined) throw new Error(`gateway service ${name} has no gateway port named mc-gateway`);
  return {
    gatewayAddress: addresses,
    gatewayPort: String(options.gatewayPort || port),
    gatewayIdentity,
    probeSpec,
  };
}

function probeOf(gateway: KubeObject): ProbeSpec {
  const annotations = gateway.metadata.annotations ?? {};
  const path = annotations[PROBE_PATH];
  if (!path) throw new Error('probe path is empty');
  const port = portNamed(gateway, 'mc-probe');
  if (port === undefined) throw new Error('could not find port with name mc-probe');
  const given = annotations[PROBE_PERIOD] ?? '';
  const period = /^\d+$/.test(given) ? `${goSeconds(Number(given))}` : given;
  if (!/^(\d+(\.\d+)?(ns|us|µs|ms|s|m|h))+$/.test(period)) {
    throw new Error(`could not parse probe period: time: invalid duration ${JSON.stringify(given)}`);
  }
  return { path, port: String(port), period };
}

/** Seconds as Go prints a duration: `3s`, `1m30s`. */
function goSeconds(seconds: number): string {
  const [h, m, s] = [Math.floor(seconds / 3600), Math.floor((seconds % 3600) / 60), seconds % 60];
  return h > 0 ? `${h}h${m}m${s}s` : m > 0 ? `${m}m${s}s` : `${s}s`;
}

/** The port by which others reach the gateway: on the nodes where it is a NodePort. */
function portNamed({ spec }: KubeObject, name: string): number | undefined {
  const port = (spec?.ports ?? []).find((each: { name?: string }) => each.name === name);
  return spec?.type === 'NodePort' ? port?.nodePort : port?.port;
}

/** The Secret with which another cluster reads this one; destination's carries the domains too. */
export const credentialsObject = (options: {
  cluster: string;
  namespace: string;
  kubeconfig: string;
  domains?: { trustDomain: string; clusterDomain: string };
}): KubeObject => ({
  kind: 'Secret',
  apiVersion: 'v1',
  metadata: {
    name: credentialsOf(options.cluster),
    namespace: options.namespace,
    ...(options.domains
      ? {
          labels: { [CREDENTIALS_CLUSTER]: options.cluster },
          annotations: {
            [CLUSTER_DOMAIN]: options.domains.clusterDomain,
            [TRUST_DOMAIN]: options.domains.trustDomain,
          },
        }
      : {}),
  },
  data: { kubeconfig: Buffer.from(options.kubeconfig).toString('base64') },
  type: CREDENTIALS_TYPE,
});
