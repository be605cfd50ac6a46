import type { IncomingMessage, ServerResponse } from 'node:http';
import type { TLSSocket } from 'node:tls';
import type { KubeObject } from '#kube/api/types.ts';
import type { KubeClient } from '#kube/client/client.ts';
import type { ContainerContext, Process } from '#kube/images/program.ts';
import { GrpcError } from '#mesh/api/grpc.ts';
import { decode, encode, type Message, type MessageType } from '#mesh/api/protobuf.ts';
import { ownerLabel } from '#mesh/destination/addresses.ts';
import { portOf, Running, readArguments, serveAdmin, serveHttps } from '#mesh/policy/container.ts';
import { follow } from '#mesh/policy/informer.ts';
import { verifyChain } from '#pki/verify.ts';
import { discoveryAnswer } from './discovery.ts';
import { observe, proxyMatch, vizEventOf } from './observe.ts';
import { apiError, ERROR_HEADER, framed, GROUP, pathOf, tapByResourceRequest, VERSION, vizEvent } from './tap-api.ts';
import { tapTargets } from './targets.ts';

const TLS_DIRECTORY = '/var/run/linkerd/tls';
const AUTHENTICATION = 'extension-apiserver-authentication';
const RBAC_HELP = 'https://linkerd.io/tap-rbac';
const DEFAULT_MAX_RPS = 100;
const MAX_REQUEST_BYTES = 1024 * 1024;
const CONNECT_MS = 5_000;

/** Whom the API server lets through, as `kube-system` says it. */
interface Trust {
  ca: string;
  names: string[];
  user: string;
  group: string;
}

/** `tap api`: the API that the API server passes tap requests to, and that asks the proxies. */
export function startTap(context: ContainerContext, { client }: { client: KubeClient }): Process {
  const running = new Running(context);
  const args = readArguments(context.argv.slice(1));
  const { clock } = context;
  const { signal } = running.life;
  const places = new Places();
  let ready = false;
  serveAdmin(running, portOf(args.get('metrics-addr'), 9998), { ready: () => ready });

  const start = async () => {
    const trust = await trustOf(client);
    const tap = new TapApi(running, client, places, args, trust);
    serveHttps(
      running,
      portOf(args.get('apiserver-addr'), 8089),
      TLS_DIRECTORY,
      (request, response) => {
        // A client that leaves in the middle is no failure of the program.
        tap.serve(request, response).catch(() => response.destroy());
      },
      { requestCert: true, rejectUnauthorized: false, minVersion: 'TLSv1.3' },
    );
    const core = (resource: string) => ({ group: '', version: 'v1', resource });
    await Promise.all([
      follow(client, core('pods'), places.pods, { clock, signal }),
      follow(client, core('nodes'), places.nodes, { clock, signal }),
    ]);
    ready = true;
  };
  start().catch((error: Error) => {
    if (signal.aborted) return;
    running.logrus('error', error.message);
    void running.exit(1);
  });
  return running;
}

async function trustOf(client: KubeClient): Promise<Trust> {
  const target = { group: '', version: 'v1', resource: 'configmaps', namespace: 'kube-system' };
  const map = await client.get(target, AUTHENTICATION).catch((error: Error) => {
    throw new Error(`failed to load [${AUTHENTICATION}] config: ${error.message}`);
  });
  const data: Record<string, string> = map['data'] ?? {};
  const ca = data['requestheader-client-ca-file'];
  if (!ca) throw new Error('no client CA cert available for apiextension-server');
  const list = (name: string): string[] => JSON.parse(data[`requestheader-${name}`] || '[]');
  const header = (name: string) => (list(name)[0] ?? '').toLowerCase();
  return {
    ca,
    names: list('allowed-names'),
    user: header('username-headers'),
    group: header('group-headers'),
  };
}

/** Who has which address. */
class Places {
  readonly #nodes = new Map<string, KubeObject>();
  readonly #pods = new Map<string, KubeObject>();
  readonly pods = listener(this.#pods);
  readonly nodes = listener(this.#nodes);

  labels(ip: string): Record<string, string> | undefined {
    for (const { metadata, status } of this.#nodes.values()) {
      const addresses: { type: string; address: string }[] = status?.addresses ?? [];
      if (addresses.some((each) => each.type === 'InternalIP' && each.address === ip)) return { node: metadata.name! };
    }
    let found = [...this.#pods.values()].filter(({ status }) => status?.podIP === ip);
    if (found.length > 1) found = found.filter(({ status }) => status?.phase === 'Running');
    const [pod] = found;
    if (!pod || found.length > 1) return undefined;
    const { name, namespace, labels = {} } = pod.metadata;
    const controlPlane = labels['linkerd.io/control-plane-ns'];
    const hash = labels['pod-template-hash'];
    const { job, ...owner } = ownerLabel(pod);
    return {
      pod: name!,
      ...owner,
      ...(job ? { k8s_job: job } : {}),
      serviceaccount: pod.spec?.serviceAccountName || 'default',
      ...(controlPlane ? { control_plane_ns: controlPlane } : {}),
      ...(hash ? { pod_template_hash: hash } : {}),
      namespace: namespace!,
    };
  }
}

const listener = (objects: Map<string, KubeObject>) => ({
  put: (object: KubeObject) => void objects.set(object.metadata.uid!, object),
  remove: (object: KubeObject) => void objects.delete(object.metadata.uid!),
  reset(all: KubeObject[]) {
    objects.clear();
    for (const object of all) objects.set(object.metadata.uid!, object);
  },
});

class TapApi {
  readonly #running: Running;
  readonly #client: KubeClient;
  readonly #places: Places;
  readonly #trust: Trust;
  readonly #tapPort: number;
  readonly #controlPlane: string;
  readonly #trustDomain: string;
  readonly #ignored: Set<string>;

  constructor(running: Running, client: KubeClient, places: Places, args: Map<string, string>, trust: Trust) {
    this.#running = running;
    this.#client = client;
    this.#places = places;
    this.#trust = trust;
    this.#tapPort = Number(args.get('tap-port') ?? 4190);
    this.#controlPlane = args.get('api-namespace') ?? 'linkerd';
    this.#trustDomain = args.get('identity-trust-domain') ?? 'cluster.local';
    this.#ignored = new Set((args.get('ignore-headers') ?? '').split(',').filter(Boolean));
  }

  async serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const wrong = this.#callerProblem(request.socket as TLSSocket);
    if (wrong) return json(response, 400, { error: wrong });
    const path = (request.url ?? '/').split('?')[0]!;
    const tapped = tapPath(path);
    if (tapped && request.method === 'POST') return this.#tap(request, response, { path, ...tapped });
    const found = request.method === 'GET' ? discoveryAnswer(path) : undefined;
    if (typeof found === 'string') response.setHeader('content-type', 'text/plain; charset=utf-8').end(found);
    else if (found) json(response, 200, found);
    else json(response, 404, discoveryAnswer('/'));
  }

  /** Only the API server may say whose request it is. */
  #callerProblem(socket: TLSSocket): string | undefined {
    const leaf = socket.getPeerX509Certificate();
    const { ca, names } = this.#trust;
    if (leaf) {
      const at = this.#running.context.clock.now();
      const held = verifyChain({ chain: [leaf.raw], anchors: [ca], at, anchorDates: 'check', usage: 'clientAuth' });
      if (!held.ok) return held.message;
    }
    const shown = leaf ? [/(?:^|\n)CN=([^\n]*)/.exec(leaf.subject ?? '')?.[1] ?? ''] : [];
    if (names.length === 0 || shown.some((name) => names.includes(name))) return undefined;
    return `no valid CN found. allowed names: [${names.join(' ')}], client names: [${shown.join(' ')}]`;
  }

  async #tap(
    incoming: IncomingMessage,
    response: ServerResponse,
    asked: { path: string; namespace: string; resource: string; name: string },
  ): Promise<void> {
    const chunks: Buffer[] = [];
    let size = 0;
    for await (const chunk of incoming as AsyncIterable<Buffer>) {
      size += chunk.length;
      if (size > MAX_REQUEST_BYTES) return json(response, 413, { error: 'the request is too large' });
      chunks.push(chunk);
    }
    const refused = await this.#refusal(incoming, asked);
    if (refused) {
      this.#running.logrus('error', refused);
      return json(response, 403, { error: refused });
    }
    const gone = new AbortController();
    response.on('close', () => gone.abort());
    const signal = AbortSignal.any([gone.signal, this.#running.life.signal]);
    try {
      const request = decode(tapByResourceRequest, Buffer.concat(chunks));
      const expected = pathOf(request);
      if (expected !== asked.path)
        throw new Error(
          `tap request body did not match APIServer URL: ${JSON.stringify(expected)} != ${JSON.stringify(asked.path)}`,
        );
      await this.#observeAll(request, signal, (event) => write(response, vizEvent, event));
    } catch (error) {
      if (signal.aborted) return;
      const message = (error as Error).message;
      this.#running.logrus('error', `TapByResource failed: ${JSON.stringify(message)}`);
      if (!response.headersSent) response.setHeader(ERROR_HEADER, 'Internal Server Error');
      write(response, apiError, { error: message });
    }
    response.end();
  }

  /** Why the user may not; undefined when he may. */
  async #refusal(
    { headersDistinct }: IncomingMessage,
    { namespace, resource, name }: { namespace: string; resource: string; name: string },
  ): Promise<string | undefined> {
    const { user, group } = this.#trust;
    const review = await this.#client.create(
      { group: 'authorization.k8s.io', version: 'v1', resource: 'subjectaccessreviews' },
      {
        apiVersion: 'authorization.k8s.io/v1',
        kind: 'SubjectAccessReview',
        metadata: {},
        spec: {
          user: headersDistinct[user]?.[0] ?? '',
          groups: headersDistinct[group] ?? [],
          resourceAttributes: {
            namespace,
            verb: 'watch',
            group: GROUP,
            version: VERSION,
            resource,
            subresource: 'tap',
            name,
          },
        },
      },
    );
    const { allowed, reason } = review.status ?? {};
    if (allowed) return undefined;
    const why = `not authorized to access ${resource}.${GROUP}${reason ? `: ${reason}` : ''}`;
    return `tap authorization failed (${why}), visit ${RBAC_HELP} for more information`;
  }

  /** Looks on at every pod that is meant, until the caller has enough. */
  async #observeAll(request: Message, signal: AbortSignal, tell: (event: Message) => void): Promise<void> {
    const { resource, label_selector: selector = '' } = request['target'] ?? {};
    if (!resource) throw new GrpcError(3, 'TapByResource received nil target Resource');
    const { namespace = '', type = '', name = '' } = resource as Record<string, string>;
    const pods = await tapTargets(this.#client, { namespace, type, name, selector }, this.#controlPlane);
    const { context } = this.#running;
    const what = [
      ['namespace', namespace],
      ['type', type],
      ['name', name],
    ].filter(([, value]) => value);
    const target = what.map(([key, value]) => `${key}:${JSON.stringify(value)}`).join(' ');
    this.#running.logrus('info', `Tapping ${pods.length} pods for target: ${JSON.stringify(target)}`);
    const rps = Math.max(1, (request['maxRps'] || DEFAULT_MAX_RPS) / pods.length);
    const observed = {
      limit: Math.floor(rps),
      match: proxyMatch(request['match']),
      extract: request['extract'] ?? {},
    };
    for (const pod of pods) {
      const account = pod.spec?.serviceAccountName || 'default';
      const at = `${pod.status?.podIP}:${this.#tapPort}`;
      this.#running.logrus('info', `Establishing tap on ${at}`);
      observe({
        pod,
        identity: `${account}.${pod.metadata.namespace}.serviceaccount.identity.${this.#controlPlane}.${this.#trustDomain}`,
        request: observed,
        dial: (ip) => context.net.dial(ip, this.#tapPort, { uid: context.uid, timeoutMs: CONNECT_MS, signal }),
        clock: context.clock,
        signal,
        tell: (event) => tell(vizEventOf(event, (ip) => this.#places.labels(ip), this.#ignored)),
      }).catch((error: Error) => {
        if (!signal.aborted) this.#running.logrus('error', `[${at}] encountered an error: ${error.message}`);
      });
    }
    await new Promise<void>((resolve) => {
      if (signal.aborted) resolve();
      else signal.addEventListener('abort', () => resolve(), { once: true });
    });
  }
}

/** Reads what a path wants to be tapped; a namespace stands for itself. */
function tapPath(path: string): { namespace: string; resource: string; name: string } | undefined {
  const start = `/apis/${GROUP}/${VERSION}/watch/namespaces/`;
  if (!path.startsWith(start)) return undefined;
  const parts = path.slice(start.length).split('/').map(decodeURIComponent);
  if (parts.at(-1) !== 'tap') return undefined;
  const [namespace = '', resource = '', name = ''] = parts;
  if (parts.length === 2) return { namespace, resource: 'namespaces', name: '' };
  return parts.length === 4 ? { namespace, resource, name } : undefined;
}

function write(response: ServerResponse, type: MessageType, value: Message): void {
  if (!response.headersSent) response.setHeader('content-type', 'application/octet-stream');
  response.write(framed(encode(type, value)));
}

function json(response: ServerResponse, status: number, value: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value));
}
