import http from 'node:http';
import { MovableClock } from '#base/clock.ts';
import type { KubeObject } from '#kube/api/types.ts';
import type { KubeClient } from '#kube/client/client.ts';
import type { ContainerContext, ContainerFiles, Process } from '#kube/images/program.ts';
import { Fabric } from '#kube/network/fabric.ts';
import type { NetNs } from '#kube/network/network.ts';
import { startIdentity } from '#mesh/identity/program.ts';
import type { InboundConfig } from '#mesh/policy/core/config.ts';
import type { DefaultPolicy } from '#mesh/policy/core/defaults.ts';
import { inboundConfig } from '#mesh/policy/core/inbound.ts';
import { ObjectSet } from '#mesh/policy/core/objects.ts';
import type { DiscoveredEndpoint, OutboundTarget } from '#mesh/proxy/discovery.ts';
import { type ControlPlane, startProxy } from '#mesh/proxy/proxy.ts';
import { createCertificate } from '#pki/certificate.ts';
import { generateKeyPair } from '#pki/keys.ts';

export const START = Date.UTC(2026, 10, 1);
export const HOUR = 3_600_000;
export const DAY = 24 * HOUR;
export const PROXY_UID = 2102;
const PATH = '/var/run/linkerd/identity';

export interface Authority {
  certificate: string;
  privateKey: string;
}

export async function anchor(name = 'root.linkerd.cluster.local', until = START + 3650 * DAY): Promise<Authority> {
  const pair = await generateKeyPair();
  const certificate = createCertificate({
    subject: `CN=${name}`,
    publicKey: pair.publicKey,
    privateKey: pair.privateKey,
    notBefore: START - HOUR,
    notAfter: until,
    isCa: true,
  });
  return { certificate, privateKey: pair.privateKey };
}

export async function issuerUnder(root: Authority, until = START + 365 * DAY): Promise<Authority> {
  const pair = await generateKeyPair();
  const certificate = createCertificate({
    subject: 'CN=identity.linkerd.cluster.local',
    publicKey: pair.publicKey,
    signer: root,
    notBefore: START - HOUR,
    notAfter: until,
    isCa: true,
    pathLength: 0,
  });
  return { certificate, privateKey: pair.privateKey };
}

/** Files in memory whose changes are told at once. */
export class Files implements ContainerFiles {
  readonly #files = new Map<string, Uint8Array>();
  readonly #watches = new Set<{ path: string; listener: () => void }>();
  readFile(path: string) {
    return this.#files.get(path);
  }
  writeFile(path: string, data: Uint8Array | string) {
    this.#files.set(path, typeof data === 'string' ? Buffer.from(data) : data);
  }
  list() {
    return undefined;
  }
  remove(path: string) {
    this.#files.delete(path);
  }
  watch(path: string, listener: () => void) {
    const watch = { path, listener };
    this.#watches.add(watch);
    return () => this.#watches.delete(watch);
  }
  /** As a kubelet's refresh of a mounted Secret. */
  refresh(path: string, files: Record<string, string>) {
    for (const [name, content] of Object.entries(files)) this.writeFile(`${path}/${name}`, content);
    for (const watch of this.#watches) if (watch.path === path) watch.listener();
  }
}

/** The little of an API server that identity needs: reviews tokens `<namespace>/<account>`, keeps events. */
export class FakeApi {
  readonly events: KubeObject[] = [];
  readonly client = {
    get: async () => ({ metadata: { uid: 'deployment-uid' } }),
    create: async (target: { resource: string }, object: KubeObject) => {
      if (target.resource === 'events') {
        this.events.push(object);
        return object;
      }
      const [namespace, name] = String(object['spec'].token).split('/');
      const known = namespace && name;
      return {
        ...object,
        status: known
          ? { authenticated: true, user: { username: `system:serviceaccount:${namespace}:${name}` } }
          : { authenticated: false },
      };
    },
    patch: async (_target: unknown, name: string, _type: string, patch: Record<string, unknown>) => {
      const event = this.events.find(({ metadata }) => metadata.name === name);
      return Object.assign(event ?? {}, patch);
    },
  } as unknown as KubeClient;

  reasons(): string[] {
    return this.events.map((event) => String(event['reason']));
  }
}

export interface PodWorld {
  net: NetNs;
  proxy: Process;
  files: Files;
  log: string[];
  name: string;
}

export class World {
  readonly clock = new MovableClock({ startAtMs: START });
  readonly fabric = new Fabric({ clock: this.clock, nodeIp: '172.18.0.2' });
  readonly api = new FakeApi();
  readonly identityFiles = new Files();
  readonly targets = new Map<string, OutboundTarget>();
  readonly endpoints = new Map<string, DiscoveredEndpoint[]>();
  readonly policies = new Map<string, (config: InboundConfig) => void>();
  readonly identityLog: string[] = [];
  identityProxyLog: string[] = [];
  identity: Process | undefined;
  #ip = 1;
  readonly identityIp = '10.244.9.9';
  identityNet: NetNs | undefined;
  lifetime = '24h0m0s';
  anchors = '';

  /** With an identity service that is under an anchor of its own. */
  static async open(): Promise<World> {
    const world = new World();
    const root = await anchor();
    world.startIdentity(root, await issuerUnder(root));
    return world;
  }

  context(
    net: NetNs,
    options: {
      argv: string[];
      env: Record<string, string>;
      files: Files;
      account: string;
      ns: string;
      log: string[];
      uid: number;
    },
  ): ContainerContext {
    const writer = (log: string[]) => ({
      write: async (data: Uint8Array | string) => {
        log.push(String(data).trimEnd());
      },
      end() {},
    });
    return {
      argv: options.argv,
      env: options.env,
      cwd: '/',
      uid: options.uid,
      pod: { name: net.name, namespace: options.ns, uid: 'u', serviceAccount: options.account, node: 'n', ip: net.ip },
      container: 'c',
      clock: this.clock,
      net,
      files: options.files,
      stdio: {
        stdin: {
          async read() {
            return undefined;
          },
          cancel() {},
          async *[Symbol.asyncIterator]() {},
        },
        stdout: writer(options.log),
        stderr: writer(options.log),
      },
      image: 'cr.l5d.io/linkerd/proxy:edge-26.8.3',
    };
  }

  startIdentity(root: Authority, issuer: Authority): Process {
    this.anchors = root.certificate;
    this.identityFiles.writeFile(`${PATH}/trust-roots/ca-bundle.crt`, root.certificate);
    this.identityFiles.refresh(`${PATH}/issuer`, { 'crt.pem': issuer.certificate, 'key.pem': issuer.privateKey });
    const net = this.fabric.createNamespace({ ip: this.identityIp, name: 'linkerd-identity' });
    net.redirect = redirect();
    this.identityNet = net;
    const argv = [
      'identity',
      '-controller-namespace=linkerd',
      '-identity-trust-domain=cluster.local',
      `-identity-issuance-lifetime=${this.lifetime}`,
      '-identity-clock-skew-allowance=20s',
      '-identity-scheme=linkerd.io/tls',
    ];
    this.identity = startIdentity(
      this.context(net, {
        argv,
        env: {},
        files: this.identityFiles,
        account: 'linkerd-identity',
        ns: 'linkerd',
        log: this.identityLog,
        uid: 2103,
      }),
      { client: this.api.client },
    );
    this.identityProxyLog = this.#startProxy(net, 'linkerd', 'linkerd-identity', {
      LINKERD2_PROXY_IDENTITY_SVC_ADDR: 'localhost.:8080',
      LINKERD2_PROXY_INBOUND_PORTS_REQUIRE_TLS: '8080',
      LINKERD2_PROXY_INBOUND_PORTS: '8080,9990',
    }).log;
    return this.identity;
  }

  rotate(issuer: Authority): void {
    this.identityFiles.refresh(`${PATH}/issuer`, { 'crt.pem': issuer.certificate, 'key.pem': issuer.privateKey });
  }

  pod(account: string, env: Record<string, string> = {}): PodWorld {
    const net = this.fabric.createNamespace({ ip: `10.244.0.${++this.#ip}`, name: account });
    net.redirect = redirect();
    return this.#startProxy(net, 'shop', account, env);
  }

  stranger(): NetNs {
    return this.fabric.createNamespace({ ip: `10.244.0.${++this.#ip}`, name: 'stranger' });
  }

  #startProxy(net: NetNs, ns: string, account: string, extra: Record<string, string>): PodWorld {
    const files = new Files();
    files.writeFile('/token', `${ns}/${account}`);
    const log: string[] = [];
    const suffix = 'serviceaccount.identity.linkerd.cluster.local';
    const env = {
      _pod_ns: ns,
      _l5d_ns: 'linkerd',
      _l5d_trustdomain: 'cluster.local',
      LINKERD2_PROXY_LOG: 'warn,linkerd=info',
      LINKERD2_PROXY_IDENTITY_LOCAL_NAME: `${account}.${ns}.${suffix}`,
      LINKERD2_PROXY_IDENTITY_TRUST_ANCHORS: this.anchors,
      LINKERD2_PROXY_IDENTITY_TOKEN_FILE: '/token',
      LINKERD2_PROXY_IDENTITY_SVC_ADDR: `${this.identityIp}:8080`,
      LINKERD2_PROXY_IDENTITY_SVC_NAME: `linkerd-identity.linkerd.${suffix}`,
      LINKERD2_PROXY_DESTINATION_SVC_ADDR: 'linkerd-dst-headless.linkerd.svc.cluster.local.:8086',
      LINKERD2_PROXY_POLICY_SVC_ADDR: 'linkerd-policy.linkerd.svc.cluster.local.:8090',
      LINKERD2_PROXY_INBOUND_DEFAULT_POLICY: 'all-unauthenticated',
      LINKERD2_PROXY_POLICY_CLUSTER_NETWORKS: '10.0.0.0/8',
      LINKERD2_PROXY_INBOUND_PORTS: '8080',
      LINKERD2_PROXY_INBOUND_PORTS_DISABLE_PROTOCOL_DETECTION: '3306',
      ...extra,
    };
    const context = this.context(net, { argv: ['proxy'], env, files, account, ns, log, uid: PROXY_UID });
    const proxy = startProxy(context, ns === 'shop' ? this.#control(net.ip) : undefined);
    return { net, proxy, files, log, name: `${account}.${ns}.${suffix}` };
  }

  #control(ip: string): ControlPlane {
    return () => ({
      policies: {
        watchPort: (port, listener) => {
          this.policies.set(`${ip}:${port}`, listener);
          listener(this.policyOf(port));
          return () => {};
        },
        close() {},
      },
      discovery: {
        watchTarget: (to, port, listener) => {
          queueMicrotask(() => listener(this.targets.get(`${to}:${port}`)));
          return () => {};
        },
        watchName: (authority, listener) => {
          queueMicrotask(() => listener(this.targets.get(authority) ?? { authority, protocol: 'detect' }));
          return () => {};
        },
        watchEndpoints: (authority, listener) => {
          queueMicrotask(() => listener(this.endpoints.get(authority)));
          return () => {};
        },
        close() {},
      },
    });
  }

  /** What the controller says of a port without policies: a default. */
  policyOf(port: number, defaultPolicy: DefaultPolicy = 'all-unauthenticated'): InboundConfig {
    const networks = [{ cidr: '0.0.0.0/0', except: [] }];
    return inboundConfig(
      new ObjectSet(),
      {
        domain: { controlPlaneNamespace: 'linkerd', trustDomain: 'cluster.local' },
        clusterNetworks: networks,
        probeNetworks: networks,
        defaultPolicy,
        defaultOpaquePorts: '3306',
        globalEgressNamespace: 'linkerd-egress',
      },
      { apiVersion: 'v1', kind: 'Pod', metadata: {}, spec: { containers: [] } },
      port,
    );
  }

  /** Makes `ip:port` known as a meshed address. */
  meshed(pod: PodWorld, port: number): void {
    const authority = `${pod.net.ip}:${port}`;
    this.targets.set(authority, { authority, protocol: 'detect' });
    this.endpoints.set(authority, [
      {
        ip: pod.net.ip,
        port,
        identity: pod.name,
        opaque: false,
        h2: true,
        inboundPort: 4143,
        weight: 10_000,
        labels: {},
      },
    ]);
  }

  stop(): void {
    this.clock.stop();
  }
}

function redirect() {
  return {
    inboundPort: 4143,
    outboundPort: 4140,
    proxyUid: PROXY_UID,
    skipInboundPorts: [{ from: 4190, to: 4191 }],
    skipOutboundPorts: [],
    skipSubnets: [],
  };
}

/** Serves HTTP/1 in a pod. */
export function serve(net: NetNs, port: number, handler: http.RequestListener): void {
  const server = http.createServer(handler);
  net.listen(port, (connection) => server.emit('connection', connection));
}

export interface Reply {
  status: number;
  headers: http.IncomingHttpHeaders;
  body: string;
}

/** One request from a pod, as curl would make it. */
export async function request(
  net: NetNs,
  host: string,
  port: number,
  path = '/',
  options: http.RequestOptions & { body?: string } = {},
): Promise<Reply> {
  const connection = await net.dial(host, port, { uid: 0 });
  return new Promise((resolve, reject) => {
    const sent = http.request(
      { path, host, port, createConnection: () => connection as never, ...options },
      (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('end', () => {
          connection.destroy();
          resolve({
            status: response.statusCode ?? 0,
            headers: response.headers,
            body: Buffer.concat(chunks).toString(),
          });
        });
        response.on('error', reject);
      },
    );
    sent.on('error', reject);
    sent.end(options.body);
  });
}
