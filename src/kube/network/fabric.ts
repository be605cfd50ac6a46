import { isIP } from 'node:net';
import type { Clock } from '#base/clock.ts';
import { createPair, socketError } from './connection.ts';
import { searchNames } from './dns.ts';
import type {
  Connection,
  DialOptions,
  Listener,
  ListenOptions,
  NamespaceOptions,
  NetNs,
  Network,
  Redirect,
} from './network.ts';
import { ServiceTable, type Translated } from './service-table.ts';

/** How long a dial to an address that nobody has waits before the node says that there is no route (ARP gives up). */
const NO_ROUTE_MS = 3_000;
const FIRST_EPHEMERAL = 32_768;
const LAST_EPHEMERAL = 60_999;
/** `connect` to a loopback address stays in the namespace. */
const isLoopback = (ip: string): boolean => ip === '127.0.0.1' || ip === '::1' || ip.startsWith('127.');

export interface FabricOptions {
  clock: Clock;
  nodeIp: string;
  clusterDomain?: string;
}

/** A host outside the cluster, for labs and tests about egress: a name, an address, and what answers there. */
export interface ExternalHost {
  name: string;
  ip: string;
  onConnection(connection: Connection, port: number): void;
}

/**
 * How much of another cluster is reached. `gateway`: its node and the addresses that its load balancer gives; what is sent
 * there comes from this cluster's node. `flat`: its pods as well. Its Service addresses are never reached.
 */
export type Reach = 'gateway' | 'flat';

/** Where a connection ends: in a namespace, or at a host outside. */
interface Route {
  end: Namespace | ExternalHost;
  target: { address: string; port: number };
  /** The client's address as the other end sees it. */
  from: string;
}

/** Endpoints may point at each other's load balancers; a packet is not sent round for ever. */
const MAX_HOPS = 8;

/** The embedded cluster's network. Names and Services come from `services`, which informers keep up to date. */
export class Fabric implements Network {
  readonly services = new ServiceTable();
  readonly clock: Clock;
  readonly clusterDomain: string;
  readonly node: NetNs;
  readonly #namespaces = new Map<string, Namespace>();
  readonly #external = new Map<string, ExternalHost>();
  readonly #neighbours: { fabric: Fabric; reach: Reach }[] = [];

  constructor(options: FabricOptions) {
    this.clock = options.clock;
    this.clusterDomain = options.clusterDomain ?? 'cluster.local';
    this.node = this.createNamespace({ ip: options.nodeIp, name: 'node', hostNetwork: true });
  }

  createNamespace(options: NamespaceOptions): NetNs {
    const namespace = new Namespace(this, options);
    this.#namespaces.set(options.ip, namespace);
    return namespace;
  }

  addExternalHost(host: ExternalHost): void {
    this.#external.set(host.ip, host);
  }

  /** From now on this network and another reach each other. Their addresses must differ. */
  join(other: Fabric, reach: Reach): void {
    this.#neighbours.push({ fabric: other, reach });
    other.#neighbours.push({ fabric: this, reach });
  }

  /** Where a connection from this cluster ends; undefined when nobody here or nearby has the address. */
  route(ip: string, port: number, clientIp: string): Route | 'refused' | undefined {
    const target = this.services.translate(ip, port, clientIp) ?? this.#door(ip, port, clientIp);
    return this.#follow(target ?? { address: ip, port }, clientIp, MAX_HOPS);
  }

  /** The doors that stand open to the outside: node ports and a load balancer's addresses. */
  #door(ip: string, port: number, clientIp: string): Translated | 'refused' | undefined {
    return ip === this.node.ip
      ? this.services.translateNodePort(port, clientIp)
      : this.services.translateBalancer(ip, port, clientIp);
  }

  #follow(target: Translated | 'refused', clientIp: string, hops: number): Route | 'refused' | undefined {
    if (target === 'refused') return 'refused';
    const from = target.masquerade ? this.node.ip : clientIp;
    const end = this.#namespaces.get(target.address) ?? this.#external.get(target.address);
    if (end) return { end, target, from };
    if (hops === 0) return undefined;
    for (const { fabric, reach } of this.#neighbours) {
      const found = fabric.#fromNeighbour(target, reach === 'flat' ? from : this.node.ip, reach, hops - 1);
      if (found) return found;
    }
    return undefined;
  }

  #fromNeighbour(
    { address, port }: Translated,
    clientIp: string,
    reach: Reach,
    hops: number,
  ): Route | 'refused' | undefined {
    const behind = this.#door(address, port, clientIp);
    if (behind) return this.#follow(behind, clientIp, hops);
    const end = reach === 'flat' || address === this.node.ip ? this.#namespaces.get(address) : undefined;
    return end && { end, target: { address, port }, from: clientIp };
  }
  /** What cluster DNS answers for a full name, aliases followed. */
  addressesOf(name: string): string[] {
    let full = name;
    for (let hops = 0; hops < MOST_ALIASES; hops++) {
      const alias = this.services.alias(full, this.clusterDomain);
      if (alias === undefined) break;
      full = alias;
    }
    const found = this.services.addresses(full, this.clusterDomain) ?? [];
    const outside = found.length > 0 ? undefined : this.externalNamed(full);
    return outside ? [outside.ip] : found;
  }
  externalNamed(name: string): ExternalHost | undefined {
    for (const host of this.#external.values()) if (host.name === name) return host;
    return undefined;
  }
  forget(namespace: Namespace): void {
    if (this.#namespaces.get(namespace.ip) === namespace) this.#namespaces.delete(namespace.ip);
  }
}

/** Names of one another that are followed. */
const MOST_ALIASES = 8;

interface Bound {
  onConnection: (connection: Connection) => void;
  loopbackOnly: boolean;
}

class Namespace implements NetNs {
  readonly ip: string;
  readonly name: string;
  redirect: Redirect | undefined;
  readonly #fabric: Fabric;
  readonly #dnsNamespace: string;
  readonly #hosts: NamespaceOptions['hosts'];
  readonly #listeners = new Map<number, Bound>();
  readonly #open = new Set<Connection>();
  #nextPort = FIRST_EPHEMERAL;
  #destroyed = false;

  constructor(fabric: Fabric, { ip, name, dnsNamespace, hosts }: NamespaceOptions) {
    this.#fabric = fabric;
    this.ip = ip;
    this.name = name;
    this.#dnsNamespace = dnsNamespace ?? 'default';
    this.#hosts = hosts;
  }

  listen(port: number, onConnection: (connection: Connection) => void, options: ListenOptions = {}): Listener {
    const chosen = port === 0 ? this.#freePort() : port;
    if (this.#listeners.has(chosen)) {
      throw Object.assign(new Error(`listen EADDRINUSE: address already in use :::${chosen}`), { code: 'EADDRINUSE' });
    }
    const bound = { onConnection, loopbackOnly: options.host === '127.0.0.1' };
    this.#listeners.set(chosen, bound);
    return {
      port: chosen,
      close: () => {
        if (this.#listeners.get(chosen) === bound) this.#listeners.delete(chosen);
      },
    };
  }

  async dial(host: string, port: number, options: DialOptions = {}): Promise<Connection> {
    options.signal?.throwIfAborted();
    const ip = isIP(host) ? host : (await this.resolve(host))[0]!;
    if (this.#destroyed) throw socketError('ENETDOWN', 'connect ENETDOWN');
    const original = { address: ip, port };
    const { redirect } = this;
    if (
      redirect &&
      options.uid !== redirect.proxyUid &&
      !isLoopback(ip) &&
      ip !== this.ip &&
      !skipsOutbound(redirect, ip, port)
    ) {
      return this.#connect(this, redirect.outboundPort, this.ip, original, options, true);
    }
    if (isLoopback(ip)) return this.#connect(this, port, ip, original, options, true);
    const route = this.#fabric.route(ip, port, this.ip);
    if (route === 'refused') throw refused(ip, port);
    if (route) {
      const { end, target, from } = route;
      if (!(end instanceof Namespace)) return this.#connectOutside(end, target);
      return this.#into(end, target, { localAddress: from, ...options });
    }
    await this.#fabric.clock.sleep(Math.min(options.timeoutMs ?? NO_ROUTE_MS, NO_ROUTE_MS), options.signal);
    if ((options.timeoutMs ?? NO_ROUTE_MS) < NO_ROUTE_MS)
      throw socketError('ETIMEDOUT', `connect ETIMEDOUT ${ip}:${port}`);
    throw socketError('EHOSTUNREACH', `connect EHOSTUNREACH ${ip}:${port}`);
  }

  /** Into another namespace (or one's own address): its redirect sees connections that come from elsewhere. */
  #into(space: Namespace, target: { address: string; port: number }, options: DialOptions): Connection {
    const { redirect } = space;
    const port =
      redirect && space !== this && !within(redirect.skipInboundPorts, target.port)
        ? redirect.inboundPort
        : target.port;
    return this.#connect(space, port, target.address, target, options, space === this);
  }

  #connect(
    space: Namespace,
    port: number,
    address: string,
    originalDst: { address: string; port: number },
    options: DialOptions,
    inside: boolean,
  ): Connection {
    const bound = space.#listeners.get(port);
    if (!bound || (bound.loopbackOnly && !inside)) throw refused(originalDst.address, originalDst.port);
    const local = {
      address: options.localAddress ?? (isLoopback(address) ? '127.0.0.1' : this.ip),
      port: this.#ephemeral(),
    };
    const { client, server } = createPair({ client: local, server: { address, port }, originalDst });
    this.#track(client);
    space.#track(server);
    // As after accept(2): the listener hears of it once the dialler has its end.
    process.nextTick(() => {
      if (space.#listeners.get(port) === bound) bound.onConnection(server);
      else server.reset();
    });
    return client;
  }

  #connectOutside(host: ExternalHost, target: { address: string; port: number }): Connection {
    const { client, server } = createPair({
      client: { address: this.ip, port: this.#ephemeral() },
      server: target,
      originalDst: target,
    });
    this.#track(client);
    process.nextTick(() => host.onConnection(server, target.port));
    return client;
  }

  async resolve(name: string): Promise<string[]> {
    const known =
      this.#hosts?.get(name.toLowerCase()) ?? (name.toLowerCase() === 'localhost' ? '127.0.0.1' : undefined);
    if (known !== undefined) return [known];
    for (const candidate of searchNames(name, this.#dnsNamespace, this.#fabric.clusterDomain)) {
      const found = this.#fabric.addressesOf(candidate);
      if (found.length > 0) return found;
    }
    throw Object.assign(new Error(`getaddrinfo ENOTFOUND ${name}`), {
      code: 'ENOTFOUND',
      hostname: name,
      syscall: 'getaddrinfo',
    });
  }

  async resolveSrv(name: string): Promise<{ name: string; port: number }[]> {
    for (const candidate of searchNames(name, this.#dnsNamespace, this.#fabric.clusterDomain)) {
      const found = this.#fabric.services.srv(candidate, this.#fabric.clusterDomain);
      if (found && found.length > 0) return found;
    }
    throw Object.assign(new Error(`querySrv ENOTFOUND ${name}`), {
      code: 'ENOTFOUND',
      hostname: name,
      syscall: 'querySrv',
    });
  }

  destroy(): void {
    this.#destroyed = true;
    this.#listeners.clear();
    for (const connection of [...this.#open]) connection.reset();
    this.#fabric.forget(this);
  }

  #track(connection: Connection): void {
    this.#open.add(connection);
    connection.once('close', () => this.#open.delete(connection));
    // Nobody may be listening yet when the other side resets; an unheard error must not end the worker.
    connection.on('error', () => {});
  }

  #ephemeral(): number {
    this.#nextPort = this.#nextPort >= LAST_EPHEMERAL ? FIRST_EPHEMERAL : this.#nextPort + 1;
    return this.#nextPort;
  }

  #freePort(): number {
    let port = this.#ephemeral();
    while (this.#listeners.has(port)) port = this.#ephemeral();
    return port;
  }
}

const refused = (ip: string, port: number) => socketError('ECONNREFUSED', `connect ECONNREFUSED ${ip}:${port}`);

const within = (ranges: { from: number; to: number }[], port: number): boolean =>
  ranges.some((range) => port >= range.from && port <= range.to);

function skipsOutbound(redirect: Redirect, ip: string, port: number): boolean {
  return within(redirect.skipOutboundPorts, port) || redirect.skipSubnets.some((cidr) => inCidr(ip, cidr));
}

/** IPv4 only: the embedded cluster has one address family. */
export function inCidr(ip: string, cidr: string): boolean {
  const [base, size = '32'] = cidr.split('/');
  if (isIP(ip) !== 4 || isIP(base ?? '') !== 4) return false;
  const mask = Number(size) === 0 ? 0 : (~0 << (32 - Number(size))) >>> 0;
  return (toNumber(ip) & mask) >>> 0 === (toNumber(base!) & mask) >>> 0;
}

const toNumber = (ip: string): number => ip.split('.').reduce((sum, part) => ((sum << 8) | Number(part)) >>> 0, 0);
