import type { Clock } from '#base/clock.ts';
import type { KubeObject } from '#kube/api/types.ts';
import type { KubeClient, Target } from '#kube/client/client.ts';
import { selects } from '#mesh/policy/core/selectors.ts';
import { WriteLease } from '#mesh/policy/lease.ts';
import type { ClusterView } from './cluster-view.ts';

const MANAGED_BY = 'endpointslice.kubernetes.io/managed-by';
const SERVICE_NAME = 'kubernetes.io/service-name';
const HEADLESS = 'service.kubernetes.io/headless';
const CONTROLLER = 'linkerd-external-workloads-controller';
const LEASE = 'linkerd-destination-endpoint-write';
/** Endpoints that one slice holds. */
const MOST_ENDPOINTS = 100;

type Wanted = { addressType: string; ports: object[]; endpoints: KubeObject['spec'][] };

/**
 * Writes the EndpointSlices of Services whose selectors meet ExternalWorkloads; those of pods are Kubernetes' own. One
 * replica writes, by a lease (controller/api/destination/external-workload).
 */
export class ExternalSlices {
  readonly #client: KubeClient;
  readonly #view: ClusterView;
  readonly #lease: WriteLease;
  #running: Promise<void> | undefined;
  #again = false;

  constructor(o: { client: KubeClient; clock: Clock; view: ClusterView; namespace: string; replica: string }) {
    this.#client = o.client;
    this.#view = o.view;
    this.#lease = new WriteLease({
      client: o.client,
      clock: o.clock,
      namespace: o.namespace,
      identity: o.replica,
      name: LEASE,
    });
  }

  /** See {@link WriteLease.claimed}. */
  claimed(signal: AbortSignal): Promise<void> {
    return this.#lease.claimed(signal);
  }

  /** Something changed: slices are brought in line, once more when more changes meanwhile. */
  look(): void {
    if (this.#running) {
      this.#again = true;
      return;
    }
    this.#running = this.#reconcile()
      .catch(() => {})
      .finally(() => {
        this.#running = undefined;
        if (!this.#again) return;
        this.#again = false;
        this.look();
      });
  }

  async #reconcile(): Promise<void> {
    const own = this.#view.all('EndpointSlice').filter(({ metadata }) => metadata.labels?.[MANAGED_BY] === CONTROLLER);
    const workloads = this.#view.all('ExternalWorkload');
    if (own.length === 0 && workloads.length === 0) return;
    for (const service of this.#view.all('Service')) {
      const { selector, type } = service.spec ?? {};
      if (type === 'ExternalName' || !selector || service.metadata.deletionTimestamp) continue;
      const { namespace, name } = service.metadata;
      const chosen = workloads.filter(
        ({ metadata }) => metadata.namespace === namespace && selects({ matchLabels: selector }, metadata.labels),
      );
      const present = own.filter(
        ({ metadata }) => metadata.namespace === namespace && metadata.labels?.[SERVICE_NAME] === name,
      );
      if (chosen.length > 0 || present.length > 0) await this.#bring(service, present, wantedOf(service, chosen));
    }
  }

  async #bring(service: KubeObject, present: KubeObject[], wanted: Wanted[]): Promise<void> {
    const target: Target = {
      group: 'discovery.k8s.io',
      version: 'v1',
      resource: 'endpointslices',
      namespace: service.metadata.namespace!,
    };
    const labels = labelsOf(service);
    const left = present.filter((slice) =>
      slice.metadata.ownerReferences?.some(({ uid }) => uid === service.metadata.uid),
    );
    const gone = present.filter((slice) => !left.includes(slice));
    for (const each of wanted) {
      // The one with the same ports keeps its name; else any of the same family is written anew.
      const fits = (slice: KubeObject) => slice['addressType'] === each.addressType;
      const alike = left.findIndex((slice) => fits(slice) && alikeJson(slice['ports'] ?? [], each.ports));
      const at = alike >= 0 ? alike : left.findIndex(fits);
      const [slice] = at >= 0 ? left.splice(at, 1) : [];
      if (!slice) {
        if (!(await this.#lease.hold())) return;
        await this.#client.create(target, sliceOf(service, labels, each));
      } else if (
        !alikeJson(slice['endpoints'] ?? [], each.endpoints) ||
        !alikeJson(slice['ports'] ?? [], each.ports) ||
        !alikeJson(slice.metadata.labels ?? {}, labels)
      ) {
        if (!(await this.#lease.hold())) return;
        const { addressType, ...rest } = each;
        await this.#client.update(target, { ...slice, ...rest, metadata: { ...slice.metadata, labels } });
      }
    }
    for (const slice of [...left, ...gone]) {
      if (!(await this.#lease.hold())) return;
      await this.#client.delete(target, slice.metadata.name!);
    }
  }
}

/** The Service's own labels, with those by which slices are found laid over them. */
function labelsOf({ metadata, spec }: KubeObject): Record<string, string> {
  const { [HEADLESS]: _headless, ...own } = metadata.labels ?? {};
  return {
    ...own,
    ...(spec?.clusterIP === 'None' ? { [HEADLESS]: '' } : {}),
    [SERVICE_NAME]: metadata.name!,
    [MANAGED_BY]: CONTROLLER,
  };
}

const sliceOf = (service: KubeObject, labels: Record<string, string>, wanted: Wanted): KubeObject => ({
  apiVersion: 'discovery.k8s.io/v1',
  kind: 'EndpointSlice',
  metadata: {
    generateName: `linkerd-external-${service.metadata.name}-`,
    namespace: service.metadata.namespace!,
    labels,
    ownerReferences: [
      {
        apiVersion: 'v1',
        kind: 'Service',
        name: service.metadata.name!,
        uid: service.metadata.uid!,
        controller: true,
        blockOwnerDeletion: true,
      },
    ],
  },
  ...wanted,
});

/** The slices that a Service should have: one a family and set of ports, and more where one would be too long. */
function wantedOf(service: KubeObject, workloads: KubeObject[]): Wanted[] {
  const families: string[] = service.spec?.ipFamilies ?? [];
  const wanted = new Map<string, Wanted>();
  for (const addressType of families.length > 0 ? families : ['IPv4', 'IPv6']) {
    for (const workload of workloads) {
      const ips = (workload.spec?.workloadIPs ?? []).map(({ ip }: { ip: string }) => ip);
      const addresses = ips.filter((ip: string) => ip.includes(':') === (addressType === 'IPv6'));
      if (addresses.length === 0) continue;
      const ports = portsOf(service, workload);
      const key = JSON.stringify([addressType, ports]);
      const group = wanted.get(key) ?? { addressType, ports, endpoints: [] };
      wanted.set(key, group);
      group.endpoints.push(endpointOf(service, workload, addresses));
    }
  }
  return [...wanted.values()].flatMap(({ addressType, ports, endpoints }) =>
    Array.from({ length: Math.ceil(endpoints.length / MOST_ENDPOINTS) }, (_, i) => ({
      addressType,
      ports,
      endpoints: endpoints.slice(i * MOST_ENDPOINTS, (i + 1) * MOST_ENDPOINTS),
    })),
  );
}

/** The Service's ports that a workload documents; unlike a pod's, no others. */
function portsOf(service: KubeObject, workload: KubeObject): object[] {
  type Port = { name?: string; port: number; protocol?: string; targetPort?: number | string };
  const own: Port[] = workload.spec?.ports ?? [];
  return ((service.spec?.ports ?? []) as Port[]).flatMap(({ name, port, protocol = 'TCP', targetPort = port }) => {
    const found = own.find(
      (each) =>
        (each.protocol ?? 'TCP') === protocol &&
        (typeof targetPort === 'string' ? each.name === targetPort : each.port === targetPort),
    );
    return found ? [{ ...(name ? { name } : {}), port: found.port, protocol }] : [];
  });
}

function endpointOf(service: KubeObject, workload: KubeObject, addresses: string[]): KubeObject['spec'] {
  const { name, namespace, uid, labels } = workload.metadata;
  const ready = (workload.status?.conditions ?? []).some(
    (one: { type: string; status: string }) => one.type === 'Ready' && one.status === 'True',
  );
  const zone = labels?.['topology.kubernetes.io/zone'];
  return {
    addresses,
    conditions: { ready, serving: ready, terminating: false },
    ...(service.spec?.clusterIP === 'None' ? { hostname: name } : {}),
    targetRef: { kind: 'ExternalWorkload', namespace, name, uid },
    ...(zone === undefined ? {} : { zone }),
  };
}

/** Equal whatever the order of fields: the API server keeps another than ours. */
function alikeJson(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || !a || !b || Array.isArray(a) !== Array.isArray(b)) return false;
  const [one, other] = [a as Record<string, unknown>, b as Record<string, unknown>];
  const keys = Object.keys(one);
  return keys.length === Object.keys(other).length && keys.every((key) => alikeJson(one[key], other[key]));
}
