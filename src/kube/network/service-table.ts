import type { KubeObject } from '#kube/api/types.ts';

interface Endpoint {
  address: string;
  port: number;
  hostname: string | undefined;
}

/** An endpoint that a connection goes to. `masquerade`: it sees the node's address in place of the client's. */
export interface Translated {
  address: string;
  port: number;
  masquerade?: boolean;
}

interface ServiceEntry {
  namespace: string;
  name: string;
  clusterIp: string | undefined;
  /** Addresses that a load balancer gave it. */
  balanced: string[];
  /** Traffic from outside keeps its address (`externalTrafficPolicy: Local`). */
  keepsClient: boolean;
  externalName: string | undefined;
  publishNotReady: boolean;
  affinity: boolean;
  ports: { name: string; port: number; nodePort: number | undefined; protocol: string }[];
}

interface SliceEndpoint {
  addresses: string[];
  ready: boolean;
  hostname: string | undefined;
}
interface Slice {
  service: string;
  endpoints: SliceEndpoint[];
  ports: Map<string, number>;
}

/** What kube-proxy and cluster DNS know: Services and the endpoints behind them. */
export class ServiceTable {
  readonly #services = new Map<string, ServiceEntry>();
  readonly #byIp = new Map<string, string>();
  readonly #byBalancerIp = new Map<string, string>();
  readonly #byNodePort = new Map<number, { service: string; port: number }>();
  readonly #slices = new Map<string, Slice>();
  readonly #slicesOf = new Map<string, Set<string>>();
  readonly #sticky = new Map<string, string>();

  putService(service: KubeObject): void {
    const { namespace = '', name = '' } = service.metadata;
    const key = `${namespace}/${name}`;
    this.removeService(namespace, name);
    const { spec = {}, status = {} } = service;
    const ingress = (spec.type === 'LoadBalancer' ? (status.loadBalancer?.ingress ?? []) : []) as { ip?: string }[];
    const clusterIp = spec.clusterIP && spec.clusterIP !== 'None' ? String(spec.clusterIP) : undefined;
    const entry: ServiceEntry = {
      namespace,
      name,
      clusterIp,
      balanced: ingress.flatMap(({ ip }) => (ip ? [ip] : [])),
      keepsClient: spec.externalTrafficPolicy === 'Local',
      externalName: spec.type === 'ExternalName' ? spec.externalName : undefined,
      publishNotReady: spec.publishNotReadyAddresses === true,
      affinity: spec.sessionAffinity === 'ClientIP',
      ports: (spec.ports ?? []).map((port: { name?: string; port: number; nodePort?: number; protocol?: string }) => ({
        name: port.name ?? '',
        port: port.port,
        nodePort: port.nodePort,
        protocol: (port.protocol ?? 'TCP').toLowerCase(),
      })),
    };
    this.#services.set(key, entry);
    if (clusterIp) this.#byIp.set(clusterIp, key);
    for (const ip of entry.balanced) this.#byBalancerIp.set(ip, key);
    for (const port of entry.ports)
      if (port.nodePort) this.#byNodePort.set(port.nodePort, { service: key, port: port.port });
  }

  removeService(namespace: string, name: string): void {
    const key = `${namespace}/${name}`;
    const entry = this.#services.get(key);
    if (!entry) return;
    this.#services.delete(key);
    if (entry.clusterIp) this.#byIp.delete(entry.clusterIp);
    for (const ip of entry.balanced) if (this.#byBalancerIp.get(ip) === key) this.#byBalancerIp.delete(ip);
    for (const port of entry.ports) if (port.nodePort) this.#byNodePort.delete(port.nodePort);
  }

  putSlice(slice: KubeObject): void {
    const key = `${slice.metadata.namespace}/${slice.metadata.name}`;
    this.removeSlice(slice.metadata.namespace ?? '', slice.metadata.name ?? '');
    const service = `${slice.metadata.namespace}/${slice.metadata.labels?.['kubernetes.io/service-name'] ?? ''}`;
    this.#slices.set(key, {
      service,
      endpoints: (slice.endpoints ?? []).map(
        (endpoint: { addresses: string[]; hostname?: string; conditions?: { ready?: boolean } }) => ({
          addresses: endpoint.addresses,
          ready: endpoint.conditions?.ready !== false,
          hostname: endpoint.hostname,
        }),
      ),
      ports: new Map(
        (slice.ports ?? []).map((port: { name?: string; port?: number }) => [port.name ?? '', port.port ?? 0]),
      ),
    });
    let keys = this.#slicesOf.get(service);
    if (!keys) {
      keys = new Set();
      this.#slicesOf.set(service, keys);
    }
    keys.add(key);
  }

  removeSlice(namespace: string, name: string): void {
    const key = `${namespace}/${name}`;
    const slice = this.#slices.get(key);
    if (!slice) return;
    this.#slices.delete(key);
    this.#slicesOf.get(slice.service)?.delete(key);
  }

  /**
   * Where a connection to a Service address goes: a ready endpoint, or `refused` when there is none (kube-proxy rejects).
   * Undefined: the address is not a Service's.
   */
  translate(ip: string, port: number, clientIp: string): Translated | 'refused' | undefined {
    const key = this.#byIp.get(ip);
    const entry = key ? this.#services.get(key) : undefined;
    if (!entry) return undefined;
    const servicePort = entry.ports.find((candidate) => candidate.port === port);
    if (!servicePort) return 'refused';
    return this.#pick(entry, servicePort.name, clientIp) ?? 'refused';
  }

  /** The same for a NodePort on the node's own address. */
  translateNodePort(port: number, clientIp: string): Translated | 'refused' | undefined {
    const found = this.#byNodePort.get(port);
    const entry = found && this.#services.get(found.service);
    return entry && this.#fromOutside(entry, found.port, clientIp);
  }

  /**
   * The same for an address that a load balancer gave. A port that the Service does not have is nobody's: kube-proxy lets
   * such packets pass, and they end nowhere.
   */
  translateBalancer(ip: string, port: number, clientIp: string): Translated | 'refused' | undefined {
    const key = this.#byBalancerIp.get(ip);
    const entry = key ? this.#services.get(key) : undefined;
    return entry?.ports.some((each) => each.port === port) ? this.#fromOutside(entry, port, clientIp) : undefined;
  }

  #fromOutside(entry: ServiceEntry, port: number, clientIp: string): Translated | 'refused' {
    const name = entry.ports.find((candidate) => candidate.port === port)!.name;
    const { address, port: to } = this.#pick(entry, name, clientIp) ?? {};
    return address === undefined ? 'refused' : { address, port: to!, masquerade: !entry.keepsClient };
  }

  #pick(entry: ServiceEntry, portName: string, clientIp: string): Endpoint | undefined {
    const ready = this.#endpoints(entry, portName);
    if (ready.length === 0) return undefined;
    if (!entry.affinity) return ready[Math.floor(Math.random() * ready.length)];
    const key = `${entry.namespace}/${entry.name}/${clientIp}`;
    const kept = ready.find((endpoint) => endpoint.address === this.#sticky.get(key));
    const chosen = kept ?? ready[Math.floor(Math.random() * ready.length)]!;
    this.#sticky.set(key, chosen.address);
    return chosen;
  }

  #endpoints(entry: ServiceEntry, portName: string | undefined): Endpoint[] {
    const found: Endpoint[] = [];
    for (const key of this.#slicesOf.get(`${entry.namespace}/${entry.name}`) ?? []) {
      const slice = this.#slices.get(key)!;
      const port = portName === undefined ? 0 : slice.ports.get(portName);
      if (port === undefined) continue;
      for (const endpoint of slice.endpoints) {
        if (!endpoint.ready && !entry.publishNotReady) continue;
        for (const address of endpoint.addresses) found.push({ address, port, hostname: endpoint.hostname });
      }
    }
    return found;
  }

  /** A records of a full name, without the final dot; undefined when it is not a name of this cluster. */
  addresses(name: string, clusterDomain: string): string[] | undefined {
    const labels = this.#labels(name, clusterDomain);
    if (!labels) return undefined;
    const [first, ...rest] = labels;
    if (rest.at(-1) === 'pod' && labels.length === 3) {
      const ip = first!.replaceAll('-', '.');
      return /^\d+\.\d+\.\d+\.\d+$/.test(ip) ? [ip] : undefined;
    }
    if (rest.at(-1) !== 'svc') return undefined;
    if (labels.length === 3) {
      const entry = this.#services.get(`${labels[1]}/${first}`);
      if (!entry || entry.externalName) return undefined;
      return entry.clusterIp
        ? [entry.clusterIp]
        : this.#endpoints(entry, undefined).map((endpoint) => endpoint.address);
    }
    if (labels.length === 4) {
      const entry = this.#services.get(`${labels[2]}/${labels[1]}`);
      if (!entry) return undefined;
      return this.#endpoints(entry, undefined)
        .filter((endpoint) => endpoint.hostname === first || endpoint.address.replaceAll('.', '-') === first)
        .map((endpoint) => endpoint.address);
    }
    return undefined;
  }

  /** The name that a Service of type ExternalName stands for; undefined for all others. */
  alias(name: string, clusterDomain: string): string | undefined {
    const labels = this.#labels(name, clusterDomain);
    if (labels?.length !== 3 || labels[2] !== 'svc') return undefined;
    return this.#services.get(`${labels[1]}/${labels[0]}`)?.externalName?.toLowerCase().replace(/\.$/, '');
  }

  /** SRV records of `_port._proto.service.namespace.svc.<domain>`. */
  srv(name: string, clusterDomain: string): { name: string; port: number }[] | undefined {
    const labels = this.#labels(name, clusterDomain);
    if (labels?.length !== 5 || !labels[0]!.startsWith('_')) return undefined;
    const [portName, protocol, service, namespace] = labels;
    const entry = this.#services.get(`${namespace}/${service}`);
    const port = entry?.ports.find(
      (candidate) => `_${candidate.name}` === portName && `_${candidate.protocol}` === protocol,
    );
    if (!entry || !port) return undefined;
    const base = `${service}.${namespace}.svc.${clusterDomain}`;
    if (entry.clusterIp) return [{ name: base, port: port.port }];
    return this.#endpoints(entry, port.name).map((endpoint) => ({
      name: `${endpoint.hostname ?? endpoint.address.replaceAll('.', '-')}.${base}`,
      port: endpoint.port,
    }));
  }

  #labels(name: string, clusterDomain: string): string[] | undefined {
    return name.endsWith(`.${clusterDomain}`) ? name.slice(0, -clusterDomain.length - 1).split('.') : undefined;
  }
}
