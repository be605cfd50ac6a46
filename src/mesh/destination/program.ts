import { isIP } from 'node:net';
import type { Timer } from '#base/clock.ts';
import type { KubeClient } from '#kube/client/client.ts';
import type { ContainerContext, Process } from '#kube/images/program.ts';
import { GET, GET_PROFILE } from '#mesh/api/destination-api.ts';
import { type Call, GrpcError, GrpcServer, INVALID_ARGUMENT, NOT_FOUND } from '#mesh/api/grpc.ts';
import type { Message } from '#mesh/api/protobuf.ts';
import { portOf, Running, readArguments, serveAdmin, serveWebhook } from '#mesh/policy/container.ts';
import { follow } from '#mesh/policy/informer.ts';
import { ended, serveGrpc } from '#mesh/policy/serve.ts';
import { ClusterView, VIEWED, type ViewedKind } from './cluster-view.ts';
import { ExternalSlices } from './external-slices.ts';
import { profileMessage, refuseProfile } from './profiles.ts';
import { RemoteClusters } from './remote-clusters.ts';
import { resolveEndpoints } from './resolve.ts';
import { addrMessage, keyOfAddr } from './wire.ts';

export interface DestinationWorld {
  /** Speaks to the API server as the pod's service account. */
  client: KubeClient;
}

const MAX_PORT = 65_535;

/** Changes that arrive together are looked at once. */
const SETTLE_MS = 5;

/** The destination controller: tells proxies what lives at an address and how to speak to it. */
export function startDestination(context: ContainerContext, { client }: DestinationWorld): Process {
  const running = new Running(context);
  running.version();
  const args = readArguments(context.argv.slice(1));
  const namespace = args.get('controller-namespace') ?? 'linkerd';
  const view = new ClusterView(
    {
      domain: { controlPlaneNamespace: namespace, trustDomain: args.get('identity-trust-domain') ?? 'cluster.local' },
      defaultOpaquePorts: args.get('default-opaque-ports') ?? '',
      enableH2Upgrade: args.get('enable-h2-upgrade') !== 'false',
      ...meshedHttp2(args.get('meshed-http2-client-params')),
    },
    args.get('cluster-domain') ?? 'cluster.local',
  );
  const changed = new Changes(context);
  running.life.add(() => changed.stop());

  const remotes = new RemoteClusters({
    context,
    client,
    namespace,
    settings: view.settings,
    signal: running.life.signal,
    after: (change) => changed.after(change),
    log: (level, message) => running.logrus(level, message),
  });
  running.life.add(() => remotes.close());

  const external = new ExternalSlices({
    client,
    clock: context.clock,
    view,
    namespace,
    replica: context.pod.name,
  });
  let ready = false;
  running.logrus('info', 'starting admin server on :9996');
  serveAdmin(running, 9996, {
    ready: () => ready,
    metrics: () => `# TYPE cluster_store_size gauge\ncluster_store_size ${remotes.size}\n`,
  });
  const server = new GrpcServer()
    .add(GET, (call) => watchEndpoints(view, remotes, changed, call, running.life.signal))
    .add(GET_PROFILE, (call) => watchProfile(view, changed, call, running.life.signal));
  const opaque = (args.get('default-opaque-ports') ?? '').split(',').filter(Boolean);
  running.logrus('info', `Using default opaque ports: map[${opaque.map((port) => `${port}:{}`).join(' ')}]`);
  running.logrus('info', 'waiting for caches to sync');
  const port = portOf(args.get('addr'), 8086);
  serveGrpc(running, port, server);

  void remotes.start();
  void Promise.all(
    (Object.keys(VIEWED) as ViewedKind[]).map((kind) =>
      follow(
        client,
        VIEWED[kind],
        {
          put: (object) => changed.after(() => view.put(kind, object)),
          remove: (object) => changed.after(() => view.remove(kind, object)),
          reset: (objects) => changed.after(() => view.reset(kind, objects)),
          missing: () => changed.after(() => view.reset(kind, [])),
        },
        { clock: context.clock, signal: running.life.signal },
      ),
    ),
  ).then(() => {
    ready = true;
    running.logrus('info', 'caches synced');
    const lock = ` lock=${namespace}/linkerd-destination-endpoint-write`;
    running.logrus('info', 'Attempting to acquire leader lease...', lock);
    running.logrus('info', `starting gRPC server on :${port}`);
    void external
      .claimed(running.life.signal)
      .then(() => {
        running.logrus('info', 'Successfully acquired lease', lock);
        const component = ' component=external-endpoints-controller';
        running.logrus('info', `${context.pod.name} acquired lease`, component);
      })
      .catch(() => {});
    running.life.add(changed.on(() => external.look()));
    changed.tell();
  });
  return running;
}

/** Reads the installation's JSON of Http2ClientParams. */
function meshedHttp2(text: string | undefined): { meshedHttp2?: Message } {
  return text ? { meshedHttp2: JSON.parse(text) as Message } : {};
}

/** Tells listeners, a moment after a change, that there was one. */
class Changes {
  readonly #context: ContainerContext;
  readonly #listeners = new Set<() => void>();
  #timer: Timer | undefined;
  constructor(context: ContainerContext) {
    this.#context = context;
  }
  after(change: () => void): void {
    change();
    this.tell();
  }
  tell(): void {
    this.#timer ??= this.#context.clock.setTimeout(() => {
      this.#timer = undefined;
      for (const listener of [...this.#listeners]) listener();
    }, SETTLE_MS);
  }
  on(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
  stop(): void {
    this.#timer?.cancel();
    this.#listeners.clear();
  }
}

function contextOf(call: Call): { ns: string } {
  try {
    return { ns: '', ...JSON.parse(call.request['context_token'] || '{}') };
  } catch {
    return { ns: '' };
  }
}

/** `Destination/Get`: the endpoints that came and those that went, or that there are none. */
async function watchEndpoints(
  view: ClusterView,
  remotes: RemoteClusters,
  changed: Changes,
  call: Call,
  ending: AbortSignal,
): Promise<void> {
  const path = call.request['path'] ?? '';
  const authority = view.parseAuthority(path);
  const host = path.replace(/:\d+$/, '').replace(/^\[(.*)\]$/, '$1');
  if (isIP(host)) throw new GrpcError(INVALID_ARGUMENT, `IP queries not supported by Get API: host=${host}`);
  if (!authority || authority.port <= 0 || authority.port > MAX_PORT) {
    throw new GrpcError(INVALID_ARGUMENT, `Invalid authority: ${path}`);
  }
  const { service, namespace } = authority;
  if (!view.service(namespace, service)) {
    throw new GrpcError(NOT_FOUND, `Service ${service}.${namespace} not found`);
  }
  const sent = new Map<string, { text: string; addr: Message }>();
  let told: 'nothing' | 'some' | 'none' | 'missing' = 'nothing';
  const look = () => {
    const endpoints = resolveEndpoints(view, remotes, authority);
    if (!endpoints || endpoints.length === 0) {
      const now = endpoints ? 'none' : 'missing';
      if (told !== now) call.send({ no_endpoints: endpoints ? { exists: true } : {} });
      told = now;
      sent.clear();
      return;
    }
    told = 'some';
    const present = new Set<string>();
    const added: Message[] = [];
    for (const endpoint of endpoints) {
      // Which zone a client is in, no proxy tells here.
      const message = addrMessage({ ...endpoint, labels: { ...endpoint.labels, zone_locality: 'unknown' } });
      const key = keyOfAddr(message['addr']);
      const text = JSON.stringify(endpoint);
      present.add(key);
      if (sent.get(key)?.text === text) continue;
      sent.set(key, { text, addr: message['addr'] });
      added.push(message);
    }
    if (added.length > 0) {
      call.send({
        add: { addrs: added, metric_labels: { namespace: authority.namespace, service: authority.service } },
      });
    }
    const removed = [...sent].filter(([key]) => !present.has(key));
    for (const [key] of removed) sent.delete(key);
    if (removed.length > 0) call.send({ remove: { addrs: removed.map(([, each]) => each.addr) } });
  };
  look();
  const stop = changed.on(look);
  await ended(call.signal, ending);
  stop();
}

/** `Destination/GetProfile`: what is meant by an address or an authority, again whenever it changes. */
async function watchProfile(view: ClusterView, changed: Changes, call: Call, ending: AbortSignal): Promise<void> {
  const path = call.request['path'] ?? '';
  const { ns } = contextOf(call);
  let last: string | undefined;
  const look = () => {
    const profile = profileMessage(view, path, ns);
    const text = JSON.stringify(profile, (_, value) => (typeof value === 'bigint' ? String(value) : value));
    if (text === last) return;
    last = text;
    call.send(profile);
  };
  look();
  const stop = changed.on(() => {
    try {
      look();
    } catch {
      // What has gone stays as it was last told, until somebody asks anew.
    }
  });
  await ended(call.signal, ending);
  stop();
}

/** The validating webhook for ServiceProfiles. */
export function startSpValidator(context: ContainerContext): Process {
  const running = new Running(context);
  running.version();
  running.logrus('info', 'starting admin server on :9997');
  running.logrus('info', 'waiting for caches to sync');
  running.logrus('info', 'caches synced');
  running.logrus('info', 'listening at :8443');
  serveAdmin(running, 9997, { ready: () => true });
  serveWebhook(running, 8443, '/var/run/linkerd/tls', (review) => {
    const { uid, object } = review.request;
    running.logrus('info', `received admission review request ${JSON.stringify(uid)}`);
    const refusal = object ? refuseProfile(object) : undefined;
    return {
      apiVersion: review.apiVersion,
      kind: 'AdmissionReview',
      response: refusal ? { uid, allowed: false, status: { message: refusal } } : { uid, allowed: true },
    };
  });
  return running;
}
