import type { KubeObject } from '#kube/api/types.ts';
import { inPortList, meansPort } from '#mesh/policy/core/pod-ports.ts';
import { selects } from '#mesh/policy/core/selectors.ts';
import { type AddressSettings, DEFAULT_WEIGHT, type Endpoint, opaqueOnService, podEndpoint } from './addresses.ts';
import { externalEndpoint, namedPort, opaquely } from './external-endpoint.ts';

export const VIEWED = {
  Service: { group: '', version: 'v1', resource: 'services' },
  Pod: { group: '', version: 'v1', resource: 'pods' },
  EndpointSlice: { group: 'discovery.k8s.io', version: 'v1', resource: 'endpointslices' },
  ServiceProfile: { group: 'linkerd.io', version: 'v1alpha2', resource: 'serviceprofiles' },
  ExternalWorkload: { group: 'workload.linkerd.io', version: 'v1beta1', resource: 'externalworkloads' },
  Server: { group: 'policy.linkerd.io', version: 'v1beta3', resource: 'servers' },
} as const;
export type ViewedKind = keyof typeof VIEWED;

/** What a mirror's slices carry over from its Endpoints. */
const GATEWAY_IDENTITY = 'mirror.linkerd.io/remote-gateway-identity';
const REMOTE_FQDN = 'mirror.linkerd.io/remote-svc-fq-name';
const CLUSTER = 'mirror.linkerd.io/cluster-name';

const keyOf = (namespace: string, name: string): string => `${namespace}/${name}`;

/** A Service port as a client names it. */
export interface Authority {
  namespace: string;
  service: string;
  /** First label of a headless Service's pod name. */
  hostname?: string;
  port: number;
}

/** What an address that a client dialled turned out to be. */
export type Target =
  | { kind: 'service'; service: KubeObject; port: number }
  | { kind: 'pod'; pod: KubeObject; port: number }
  | { kind: 'external'; workload: KubeObject; ip: string; port: number }
  | { kind: 'unknown'; ip: string; port: number };

/** The Services, pods and slices of the cluster, and the questions that destination answers from them. */
export class ClusterView {
  readonly #objects = new Map<ViewedKind, Map<string, KubeObject>>();
  readonly #slicesByService = new Map<string, Set<string>>();
  readonly #settings: AddressSettings;
  readonly #clusterDomain: string;

  constructor(settings: AddressSettings, clusterDomain: string) {
    this.#settings = settings;
    this.#clusterDomain = clusterDomain;
    for (const kind of Object.keys(VIEWED) as ViewedKind[]) this.#objects.set(kind, new Map());
  }

  get settings(): AddressSettings {
    return this.#settings;
  }

  put(kind: ViewedKind, object: KubeObject): void {
    const key = keyOf(object.metadata.namespace ?? '', object.metadata.name ?? '');
    if (kind === 'EndpointSlice') this.#unlink(key);
    this.#objects.get(kind)!.set(key, object);
    if (kind === 'EndpointSlice') {
      const service = keyOf(
        object.metadata.namespace ?? '',
        object.metadata.labels?.['kubernetes.io/service-name'] ?? '',
      );
      let slices = this.#slicesByService.get(service);
      if (!slices) {
        slices = new Set();
        this.#slicesByService.set(service, slices);
      }
      slices.add(key);
    }
  }

  remove(kind: ViewedKind, object: KubeObject): void {
    const key = keyOf(object.metadata.namespace ?? '', object.metadata.name ?? '');
    if (kind === 'EndpointSlice') this.#unlink(key);
    this.#objects.get(kind)!.delete(key);
  }

  reset(kind: ViewedKind, objects: KubeObject[]): void {
    this.#objects.get(kind)!.clear();
    if (kind === 'EndpointSlice') this.#slicesByService.clear();
    for (const object of objects) this.put(kind, object);
  }

  all(kind: ViewedKind): KubeObject[] {
    return [...this.#objects.get(kind)!.values()];
  }

  service(namespace: string, name: string): KubeObject | undefined {
    return this.#objects.get('Service')!.get(keyOf(namespace, name));
  }

  /** A ServiceProfile is named by its Service's FQDN; one in the client's namespace wins over the Service's own. */
  profile(fqdn: string, clientNamespace: string, serviceNamespace: string): KubeObject | undefined {
    const profiles = this.#objects.get('ServiceProfile')!;
    return profiles.get(keyOf(clientNamespace, fqdn)) ?? profiles.get(keyOf(serviceNamespace, fqdn));
  }

  fqdn(service: KubeObject): string {
    return `${service.metadata.name}.${service.metadata.namespace}.svc.${this.#clusterDomain}`;
  }

  /** Reads `web.shop.svc.cluster.local:80`; undefined when it names no Service of this cluster. */
  parseAuthority(text: string): Authority | undefined {
    const [, host = '', portText = '80'] = /^(.*?)(?::(\d+))?$/.exec(text.trim()) ?? [];
    const suffix = `.svc.${this.#clusterDomain}`;
    const name = host.replace(/\.$/, '');
    if (!name.endsWith(suffix)) return undefined;
    const labels = name.slice(0, -suffix.length).split('.');
    const port = Number(portText);
    if (labels.length === 2) return { service: labels[0]!, namespace: labels[1]!, port };
    if (labels.length === 3) return { hostname: labels[0]!, service: labels[1]!, namespace: labels[2]!, port };
    return undefined;
  }

  /** Why a host is no name of a Service here. */
  misnamed(host: string): string {
    const ends = `.${host}`.endsWith(`.svc.${this.#clusterDomain}`);
    return ends ? `invalid k8s service ${host}` : `name ${host} does not match cluster domain ${this.#clusterDomain}`;
  }

  /** The pod that a Service's slices call by this hostname. */
  podOf(namespace: string, service: string, hostname: string): KubeObject | undefined {
    for (const key of this.#slicesByService.get(keyOf(namespace, service)) ?? []) {
      for (const each of this.#objects.get('EndpointSlice')!.get(key)?.endpoints ?? []) {
        if (each.hostname !== hostname || each.targetRef?.kind !== 'Pod') continue;
        return this.#objects.get('Pod')!.get(keyOf(each.targetRef.namespace ?? namespace, each.targetRef.name));
      }
    }
    return undefined;
  }

  /** An address where nobody is known. */
  addressAt(ip: string, port: number): Endpoint {
    const opaque = inPortList(this.#settings.defaultOpaquePorts, port);
    return { ip, port, opaque, h2: false, weight: DEFAULT_WEIGHT, labels: {} };
  }

  /** What lives at an address: a Service by its cluster IP, a pod by its own. */
  target(ip: string, port: number): Target {
    for (const service of this.#objects.get('Service')!.values()) {
      const ips: string[] = service.spec?.clusterIPs ?? [service.spec?.clusterIP];
      if (ips.includes(ip)) return { kind: 'service', service, port };
    }
    for (const pod of this.#objects.get('Pod')!.values()) {
      if (pod.status?.podIP === ip && !pod.spec?.hostNetwork && !finished(pod)) return { kind: 'pod', pod, port };
    }
    for (const workload of this.#objects.get('ExternalWorkload')!.values()) {
      const isAt = (workload.spec?.workloadIPs ?? []).some((each: { ip: string }) => each.ip === ip);
      const names = (workload.spec?.ports ?? []).some((each: { port: number }) => each.port === port);
      if (isAt && names) return { kind: 'external', workload, ip, port };
    }
    return { kind: 'unknown', ip, port };
  }

  opaque(service: KubeObject, port: number): boolean {
    return opaqueOnService(service, port, this.#settings);
  }

  podAt(pod: KubeObject, port: number, zone?: string): Endpoint {
    const endpoint = podEndpoint(pod, port, this.#settings, zone);
    return endpoint.opaque || !this.#opaqueByServer(pod, port) ? endpoint : { ...endpoint, opaque: true };
  }

  externalAt(workload: KubeObject, port: number, zone?: string): Endpoint {
    const endpoint = externalEndpoint(workload, port, this.#settings, zone);
    const opaque = this.all('Server').some(
      ({ metadata, spec }) =>
        spec?.proxyProtocol === 'opaque' &&
        metadata.namespace === workload.metadata.namespace &&
        spec.externalWorkloadSelector &&
        selects(spec.externalWorkloadSelector, workload.metadata.labels) &&
        (spec.port === port || namedPort(workload, spec.port) === port),
    );
    return opaque ? opaquely(workload, endpoint) : endpoint;
  }

  /** A Server that calls a port opaque makes it so for clients too. */
  #opaqueByServer(pod: KubeObject, port: number): boolean {
    for (const { metadata, spec } of this.#objects.get('Server')!.values()) {
      if (spec?.proxyProtocol !== 'opaque' || metadata.namespace !== pod.metadata.namespace) continue;
      if (spec.podSelector && selects(spec.podSelector, pod.metadata.labels) && meansPort(pod, spec.port, port))
        return true;
    }
    return false;
  }

  /** The ready endpoints of a Service port, in the order of their addresses; undefined when there is no such Service. */
  endpoints(authority: Authority): Endpoint[] | undefined {
    const service = this.service(authority.namespace, authority.service);
    if (!service) return undefined;
    // A port that the Service does not name is taken for the pods' own.
    const servicePort = (service.spec?.ports ?? []).find((each: { port: number }) => each.port === authority.port);
    const out: Endpoint[] = [];
    const slices = this.#slicesByService.get(keyOf(authority.namespace, authority.service)) ?? [];
    for (const key of slices) {
      const slice = this.#objects.get('EndpointSlice')!.get(key);
      if (!slice || slice.addressType === 'FQDN') continue;
      const named = (slice.ports ?? []).find(
        (each: { name?: string }) => servicePort && (each.name ?? '') === (servicePort.name ?? ''),
      );
      const port = named?.port ?? (servicePort ? undefined : authority.port);
      if (port === undefined) continue;
      for (const each of slice.endpoints ?? []) {
        if (each.conditions?.ready === false) continue;
        if (authority.hostname && each.hostname !== authority.hostname) continue;
        for (const ip of each.addresses ?? []) out.push(this.#endpoint(each, ip, port, service, { slice, authority }));
      }
    }
    return out.sort((a, b) => (a.ip < b.ip ? -1 : a.ip > b.ip ? 1 : 0));
  }

  #endpoint(
    each: KubeObject['spec'],
    ip: string,
    port: number,
    service: KubeObject,
    from: { slice: KubeObject; authority: Authority },
  ): Endpoint {
    const namespace = each.targetRef?.namespace ?? service.metadata.namespace ?? '';
    const pod =
      each.targetRef?.kind === 'Pod' ? this.#objects.get('Pod')!.get(keyOf(namespace, each.targetRef.name)) : undefined;
    if (each.targetRef?.kind === 'ExternalWorkload') {
      const workload = this.#objects.get('ExternalWorkload')!.get(keyOf(namespace, each.targetRef.name));
      if (workload) return { ...this.externalAt(workload, port, each.zone), ip };
    }
    if (pod) return { ...this.podAt(pod, port, each.zone), ip };
    const plain: Endpoint = { ip, port, opaque: false, h2: false, weight: DEFAULT_WEIGHT, labels: {} };
    return each.targetRef ? plain : { ...plain, ...this.#mirrored(plain, from.slice, from.authority.port) };
  }

  /** What the slice of a mirror says of the gateway behind its addresses. */
  #mirrored({ labels }: Endpoint, slice: KubeObject, port: number): Partial<Endpoint> {
    const annotations = slice.metadata.annotations ?? {};
    const identity = annotations[GATEWAY_IDENTITY];
    const far = annotations[REMOTE_FQDN];
    const cluster = slice.metadata.labels?.[CLUSTER];
    const [target, namespace] = far?.split('.') ?? [];
    return {
      ...(identity ? { identity, h2: this.#settings.enableH2Upgrade } : {}),
      ...(far ? { authorityOverride: `${far}:${port}` } : {}),
      labels: {
        ...labels,
        ...(cluster ? { target_cluster: cluster } : {}),
        ...(cluster && target && namespace ? { target_service: target, target_service_namespace: namespace } : {}),
      },
    };
  }

  #unlink(sliceKey: string): void {
    const old = this.#objects.get('EndpointSlice')!.get(sliceKey);
    if (!old) return;
    const service = keyOf(old.metadata.namespace ?? '', old.metadata.labels?.['kubernetes.io/service-name'] ?? '');
    this.#slicesByService.get(service)?.delete(sliceKey);
  }
}

const finished = (pod: KubeObject): boolean => pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed';
