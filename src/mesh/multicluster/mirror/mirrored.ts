import type { KubeObject } from '#kube/api/types.ts';
import {
  CLUSTER_NAME,
  LOCAL_DISCOVERY,
  MIRRORED_SERVICE,
  REMOTE_DISCOVERY,
  REMOTE_FQDN,
  REMOTE_GATEWAY_IDENTITY,
  REMOTE_SERVICE,
  REMOTE_VERSION,
} from '../labels.ts';
import { federatedName, type LinkSpec, mirrorName, remoteFqdn, wantedOf } from './link.ts';

type Entries = Record<string, string>;

export interface Port {
  name?: string;
  protocol?: string;
  port: number;
  targetPort?: number | string;
}

export interface Subset {
  addresses?: { ip: string; hostname?: string }[];
  notReadyAddresses?: { ip: string; hostname?: string }[];
  ports?: { name?: string; port: number; protocol?: string }[];
}

/** `team/*` leaves out everything below; anything else is a whole name. */
const excluded = (name: string, list: string[] = []): boolean =>
  list.some((each) => (each.endsWith('/*') ? name.startsWith(each.slice(0, -2)) : each === name));

/** Hints for a cluster's own zones mean nothing in another. */
const NOT_COPIED = ['service.kubernetes.io/topology-aware-hints', 'service.kubernetes.io/topology-mode'];

function commonLabels(spec: LinkSpec, service: KubeObject): Entries {
  const kept = Object.entries(service.metadata.labels ?? {}).filter(
    ([name]) => !name.startsWith('mirror.linkerd.io') && !excluded(name, spec.excludedLabels),
  );
  return { [MIRRORED_SERVICE]: 'true', ...Object.fromEntries(kept) };
}

function commonAnnotations(spec: LinkSpec, service: KubeObject): Entries {
  const opaque = 'config.linkerd.io/opaque-ports';
  return Object.fromEntries(
    Object.entries(service.metadata.annotations ?? {}).filter(
      ([name]) => name === opaque || (!NOT_COPIED.includes(name) && !excluded(name, spec.excludedAnnotations)),
    ),
  );
}

export function mirrorLabels(spec: LinkSpec, service: KubeObject): Entries {
  const flat = wantedOf(spec, service).mirror === 'flat';
  return {
    ...commonLabels(spec, service),
    [CLUSTER_NAME]: spec.targetClusterName,
    ...(flat ? { [REMOTE_DISCOVERY]: spec.targetClusterName, [REMOTE_SERVICE]: service.metadata.name ?? '' } : {}),
  };
}

export const mirrorAnnotations = (spec: LinkSpec, service: KubeObject): Entries => ({
  ...commonAnnotations(spec, service),
  [REMOTE_FQDN]: remoteFqdn(spec, service),
  [REMOTE_VERSION]: service.metadata.resourceVersion ?? '',
});

/** Ports as they are, but for what belongs to the other cluster's nodes. */
export const mirrorPorts = (service: KubeObject): Port[] =>
  (service.spec?.ports ?? []).map(({ name, protocol, port, targetPort }: Port) => ({
    ...(name ? { name } : {}),
    ...(protocol ? { protocol } : {}),
    port,
    ...(targetPort === undefined ? {} : { targetPort }),
  }));

/** The Service of this cluster that stands for one of another. */
export const mirrorService = (spec: LinkSpec, service: KubeObject): KubeObject => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: {
    name: mirrorName(spec, service.metadata.name ?? ''),
    namespace: service.metadata.namespace ?? '',
    labels: mirrorLabels(spec, service),
    annotations: mirrorAnnotations(spec, service),
  },
  spec: { ports: mirrorPorts(service) },
});

/** Every port leads to the gateway's; which one is meant, the client's proxy tells the gateway. */
export const gatewayPorts = (spec: LinkSpec, service: KubeObject): NonNullable<Subset['ports']> =>
  (service.spec?.ports ?? []).map(({ name, protocol }: Port) => ({
    ...(name ? { name } : {}),
    port: Number(spec.gatewayPort),
    protocol: protocol ?? 'TCP',
  }));

/** Addresses of a gateway that does not answer are not ready. */
export function gatewaySubsets(
  spec: LinkSpec,
  service: KubeObject,
  state: { addresses: string[]; alive: boolean; empty: boolean },
): Subset[] {
  if (state.empty) return [];
  const addresses = state.addresses.map((ip) => ({ ip }));
  return [{ [state.alive ? 'addresses' : 'notReadyAddresses']: addresses, ports: gatewayPorts(spec, service) }];
}

export const mirrorEndpoints = (spec: LinkSpec, service: KubeObject, subsets: Subset[]): KubeObject => ({
  apiVersion: 'v1',
  kind: 'Endpoints',
  metadata: {
    name: mirrorName(spec, service.metadata.name ?? ''),
    namespace: service.metadata.namespace ?? '',
    labels: { ...commonLabels(spec, service), [CLUSTER_NAME]: spec.targetClusterName },
    annotations: {
      [REMOTE_FQDN]: remoteFqdn(spec, service),
      ...(spec.gatewayIdentity ? { [REMOTE_GATEWAY_IDENTITY]: spec.gatewayIdentity } : {}),
    },
  },
  subsets,
});

/** No address is ready: the Service has no pods, or none that answers. */
export const isEmpty = (endpoints: KubeObject | undefined): boolean =>
  !((endpoints?.['subsets'] ?? []) as Subset[]).some(({ addresses }) => (addresses ?? []).length > 0);

/** Subsets in one form, for a look at whether they differ. */
export const subsetsText = (subsets: Subset[] | undefined): string =>
  JSON.stringify(
    (subsets ?? []).map(({ addresses = [], notReadyAddresses = [], ports = [] }) => [
      addresses.map(({ ip, hostname }) => [ip, hostname ?? '']),
      notReadyAddresses.map(({ ip, hostname }) => [ip, hostname ?? '']),
      ports.map(({ name = '', port, protocol = 'TCP' }) => [name, port, protocol]),
    ]),
  );

export const isMirrorOf = (service: KubeObject | undefined, cluster: string): boolean =>
  service?.metadata.labels?.[MIRRORED_SERVICE] !== undefined && service.metadata.labels[CLUSTER_NAME] === cluster;

/** How a federated Service names a member: the own cluster's by an annotation of its own. */
const memberOf = (spec: LinkSpec, remote: string): string => `${remote}@${spec.targetClusterName}`;
const list = (text: string | undefined): string[] => (text ?? '').split(',').filter(Boolean);

export function isMember(spec: LinkSpec, federated: KubeObject, remote: string): boolean {
  const annotations = federated.metadata.annotations ?? {};
  if (spec.targetClusterName === '') return annotations[LOCAL_DISCOVERY] !== undefined;
  return list(annotations[REMOTE_DISCOVERY]).includes(memberOf(spec, remote));
}

/** The federated Service that a first member makes. */
export const federatedService = (spec: LinkSpec, service: KubeObject): KubeObject => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: {
    name: federatedName(service.metadata.name ?? ''),
    namespace: service.metadata.namespace ?? '',
    labels: commonLabels(spec, service),
    annotations: { ...commonAnnotations(spec, service), ...membership(spec, service.metadata.name ?? '', undefined) },
  },
  spec: { ports: mirrorPorts(service) },
});

function membership(spec: LinkSpec, remote: string, known: Entries | undefined): Entries {
  if (spec.targetClusterName === '') return { [LOCAL_DISCOVERY]: remote };
  const members = new Set([...list(known?.[REMOTE_DISCOVERY]), memberOf(spec, remote)]);
  return { [REMOTE_DISCOVERY]: [...members].join(',') };
}

/** With one more member; labels, annotations and ports are those of the oldest. */
export function joined(spec: LinkSpec, federated: KubeObject, service: KubeObject, isOldest: boolean): KubeObject {
  const known = federated.metadata.annotations ?? {};
  const members = Object.fromEntries(
    Object.entries(known).filter(([name]) => name === REMOTE_DISCOVERY || name === LOCAL_DISCOVERY),
  );
  const own = membership(spec, service.metadata.name ?? '', known);
  if (!isOldest) {
    return { ...federated, metadata: { ...federated.metadata, annotations: { ...known, ...own } } };
  }
  return {
    ...federated,
    metadata: {
      ...federated.metadata,
      labels: commonLabels(spec, service),
      annotations: { ...commonAnnotations(spec, service), ...members, ...own },
    },
    spec: { ...federated.spec, ports: mirrorPorts(service) },
  };
}

/** With one member less; undefined when none is left. */
export function left(spec: LinkSpec, federated: KubeObject, remote: string): KubeObject | undefined {
  const annotations = { ...federated.metadata.annotations };
  if (spec.targetClusterName === '') delete annotations[LOCAL_DISCOVERY];
  else {
    const rest = list(annotations[REMOTE_DISCOVERY]).filter((each) => each !== memberOf(spec, remote));
    if (annotations[REMOTE_DISCOVERY] !== undefined) annotations[REMOTE_DISCOVERY] = rest.join(',');
  }
  if (!annotations[LOCAL_DISCOVERY] && !annotations[REMOTE_DISCOVERY]) return undefined;
  return { ...federated, metadata: { ...federated.metadata, annotations } };
}
