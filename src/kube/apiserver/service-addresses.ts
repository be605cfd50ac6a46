import { isIPv4 } from 'node:net';
import { invalid } from '#kube/api/status.ts';
import type { KubeObject } from '#kube/api/types.ts';
import type { Store } from '#kube/store/store.ts';

const FIRST_NODE_PORT = 30_000;
const LAST_NODE_PORT = 32_767;
const SERVICES = '/services';
/** As kubeadm has it. */
export const DEFAULT_SERVICE_CIDR = '10.96.0.0/16';

interface ServicePort {
  port: number;
  nodePort?: number;
  protocol?: string;
}

/** Gives Services their cluster addresses out of a /16 and their node ports, as the API server does on creation. */
export class ServiceAddresses {
  readonly #store: Store;
  readonly #prefix: string;
  #next = 256;

  constructor(store: Store, cidr = DEFAULT_SERVICE_CIDR) {
    this.#store = store;
    this.#prefix = cidr.split('.').slice(0, 2).join('.');
  }

  allocate(service: KubeObject, old: KubeObject | undefined, _dryRun: boolean): void {
    const { spec } = service;
    if (spec.type === 'ExternalName') {
      delete spec.clusterIP;
      delete spec.clusterIPs;
      return;
    }
    if (old?.spec.clusterIP && !spec.clusterIP) spec.clusterIP = old.spec.clusterIP;
    const wanted: string | undefined = spec.clusterIP;
    if (!wanted) spec.clusterIP = this.#free();
    else if (wanted !== 'None' && wanted !== old?.spec.clusterIP) this.#claim(service, wanted);
    spec.clusterIPs = [spec.clusterIP];
    const exposes = spec.type === 'NodePort' || spec.type === 'LoadBalancer';
    for (const port of (spec.ports ?? []) as ServicePort[]) {
      if (!exposes) delete port.nodePort;
      else {
        if (port.nodePort) this.#claimPort(service, port, spec.ports.indexOf(port));
        port.nodePort ??= this.#samePort(old, port) ?? this.#freeNodePort(spec.ports);
      }
    }
  }

  #claim(service: KubeObject, wanted: string): void {
    const outside = isIPv4(wanted) && !wanted.startsWith(`${this.#prefix}.`);
    const why = outside
      ? 'the provided network does not match the current range'
      : this.#taken().has(wanted)
        ? 'provided IP is already allocated'
        : undefined;
    if (!why) return;
    throw invalid('', 'Service', service.metadata.name!, [
      {
        reason: 'FieldValueInvalid',
        message: `Invalid value: [${JSON.stringify(wanted)}]: failed to allocate IP ${wanted}: ${why}`,
        field: 'spec.clusterIPs',
      },
    ]);
  }

  release(_service: KubeObject): void {
    // Addresses in use are read from the stored Services, so a removed one is free by itself.
  }

  #taken(): Set<string> {
    return new Set(this.#store.list(SERVICES).map((service) => service.spec?.clusterIP));
  }

  #free(): string {
    const taken = this.#taken();
    for (let tries = 0; tries < 65_000; tries++) {
      // Spread over the range, as upstream's allocator is.
      this.#next = 256 + ((this.#next + 7_919) % 65_000);
      const ip = `${this.#prefix}.${this.#next >> 8}.${this.#next & 0xff}`;
      if (!taken.has(ip) && (this.#next & 0xff) !== 0 && (this.#next & 0xff) !== 255) return ip;
    }
    throw new Error('no cluster address is free');
  }

  #samePort(old: KubeObject | undefined, port: ServicePort): number | undefined {
    return (old?.spec.ports as ServicePort[] | undefined)?.find((known) => known.port === port.port)?.nodePort;
  }

  /** A node port that is asked for must be nobody else's. */
  #claimPort(service: KubeObject, { nodePort, protocol = 'TCP' }: ServicePort, index: number): void {
    const { namespace, name } = service.metadata;
    const taken = this.#store
      .list(SERVICES)
      .filter(({ metadata }) => metadata.name !== name || metadata.namespace !== namespace)
      .flatMap(({ spec }) => (spec?.ports ?? []) as ServicePort[])
      .some((port) => port.nodePort === nodePort && (port.protocol ?? 'TCP') === protocol);
    if (!taken) return;
    throw invalid('', 'Service', name!, [
      {
        reason: 'FieldValueInvalid',
        message: `Invalid value: ${nodePort}: provided port is already allocated`,
        field: `spec.ports[${index}].nodePort`,
      },
    ]);
  }

  #freeNodePort(own: ServicePort[]): number {
    const taken = new Set(
      [...this.#store.list(SERVICES).flatMap((service) => (service.spec?.ports ?? []) as ServicePort[]), ...own].map(
        (port) => port.nodePort,
      ),
    );
    for (let tries = 0; tries < 5_000; tries++) {
      const port = FIRST_NODE_PORT + Math.floor(Math.random() * (LAST_NODE_PORT - FIRST_NODE_PORT + 1));
      if (!taken.has(port)) return port;
    }
    throw new Error('no node port is free');
  }
}
