import http, { type IncomingMessage } from 'node:http';
import type { Clock } from '#base/clock.ts';
import type { ApiRequest, ApiResponse } from '#kube/api/http.ts';
import type { KubeObject, UserInfo } from '#kube/api/types.ts';
import type { Store } from '#kube/store/store.ts';
import { bytesOf, type Dial, HOP_BY_HOP } from './proxy.ts';
import { type ClientPair, secured } from './service-tls.ts';

export const API_SERVICES = 'apiregistration.k8s.io/apiservices';
const CONNECT_WITHIN_MS = 30_000;
const DISCOVER_WITHIN_MS = 5_000;
const MAX_DISCOVERY_BYTES = 3 * 1024 * 1024;

/** A resource as an APIResourceList has it; `name` may be `pods/tap`. */
export interface AggregatedResource {
  name: string;
  singularName?: string;
  namespaced: boolean;
  kind: string;
  verbs: string[];
  shortNames?: string[];
}

/** A group and version that a Service of the cluster serves, as far as its discovery was heard. */
export interface AggregatedVersion {
  group: string;
  version: string;
  resources: AggregatedResource[];
}

export interface AggregationWorld {
  clock: Clock;
  dial(): Dial | undefined;
  /** Whom the Services are to take for the API server; they trust what it says of the user then. */
  frontProxy(): Promise<ClientPair | undefined>;
}

/**
 * APIs that Services of the cluster serve, by their APIServices: requests go on to the Service with the user's name in
 * headers, after authorization here. Source: kube-aggregator/pkg/apiserver handler_proxy.
 */
export class Aggregation {
  readonly #store: Store;
  readonly #world: AggregationWorld;
  readonly #discovered = new Map<string, AggregatedResource[]>();

  constructor(store: Store, world: AggregationWorld) {
    this.#store = store;
    this.#world = world;
  }

  /** The APIService of a group and version that is somebody else's to serve. */
  find(group: string, version: string): KubeObject | undefined {
    const found = this.#store.get(API_SERVICES, '', `${version}.${group}`);
    return found?.spec?.service ? found : undefined;
  }

  /** Those that are available, for discovery. */
  versions(): AggregatedVersion[] {
    return this.#store.list(API_SERVICES).flatMap((each) => {
      const resources = this.#discovered.get(each.metadata.name!);
      const { group, version, service } = each.spec ?? {};
      return service && isAvailable(each) ? [{ group, version, resources: resources ?? [] }] : [];
    });
  }

  /** Asks a Service what it serves. Rejects with why it can't be had. */
  async discover(apiService: KubeObject): Promise<void> {
    const { group, version } = apiService.spec;
    const stop = new AbortController();
    const timer = setTimeout(() => stop.abort(), DISCOVER_WITHIN_MS);
    try {
      const user = { username: 'system:kube-aggregator', groups: ['system:masters'] };
      const headers = { accept: 'application/json' };
      const path = `/apis/${group}/${version}`;
      const answer = await this.#send(apiService, { method: 'GET', path, headers }, user, stop.signal);
      const text = await textOf(answer);
      if (answer.statusCode !== 200) throw new Error(`bad status from ${path}: ${answer.statusCode}`);
      this.#discovered.set(apiService.metadata.name!, JSON.parse(text).resources ?? []);
    } finally {
      clearTimeout(timer);
    }
  }

  async pass(apiService: KubeObject, request: ApiRequest, user: UserInfo): Promise<ApiResponse> {
    if (!isAvailable(apiService)) return unavailable('service unavailable');
    const query = request.query.toString();
    const path = `${request.path}${query === '' ? '' : `?${query}`}`;
    let answer: IncomingMessage;
    try {
      answer = await this.#send(apiService, { ...request, path }, user, request.signal);
    } catch (error) {
      request.signal?.throwIfAborted();
      return unavailable(`error trying to reach service: ${(error as Error).message}`);
    }
    const headers: Record<string, string | string[]> = {};
    for (const [name, value] of Object.entries(answer.headers))
      if (value !== undefined && !HOP_BY_HOP.has(name) && name !== 'content-type') headers[name] = value;
    return {
      status: answer.statusCode ?? 502,
      headers,
      body: { type: 'stream', chunks: answer, contentType: answer.headers['content-type'] ?? '' },
    };
  }

  async #send(
    { spec }: KubeObject,
    request: Pick<ApiRequest, 'method' | 'path' | 'headers' | 'body'>,
    user: UserInfo,
    signal: AbortSignal | undefined,
  ): Promise<IncomingMessage> {
    const dial = this.#world.dial();
    if (!dial) throw new Error('the network of the cluster is not there');
    const { name, namespace, port = 443 } = spec.service;
    const host = `${name}.${namespace}.svc`;
    const show = await this.#world.frontProxy();
    const stream = await dial(host, port, CONNECT_WITHIN_MS);
    try {
      const limit = new AbortController();
      const timer = setTimeout(() => limit.abort(), CONNECT_WITHIN_MS);
      const { caBundle } = spec;
      const now = this.#world.clock.now();
      const secure = { host, caBundle, now, signal: limit.signal, ...(show ? { show } : {}) };
      const socket = await secured(stream, secure).finally(() => clearTimeout(timer));
      return await new Promise((resolve, reject) => {
        const body = bytesOf(request.body);
        const outgoing = http.request(
          {
            createConnection: () => socket,
            method: request.method,
            path: request.path,
            headers: {
              ...ownHeaders(request.headers),
              ...userHeaders(user),
              host,
              connection: 'close',
              ...(body ? { 'content-length': String(body.length) } : {}),
            },
            ...(signal ? { signal } : {}),
          },
          (answer) => {
            answer.on('close', () => stream.destroy());
            resolve(answer);
          },
        );
        outgoing.on('error', reject);
        outgoing.end(body);
      });
    } catch (error) {
      stream.destroy();
      throw error;
    }
  }
}

const isAvailable = ({ status }: KubeObject): boolean =>
  ((status?.conditions ?? []) as { type: string; status: string }[]).some(
    (each) => each.type === 'Available' && each.status === 'True',
  );

const unavailable = (why: string): ApiResponse => ({
  status: 503,
  body: { type: 'text', value: `${why}\n`, contentType: 'text/plain; charset=utf-8' },
});

/** Credentials end here, and nobody may name himself. */
function ownHeaders(given: Record<string, string>): Record<string, string> {
  const out: Record<string, string> = {};
  for (const [name, value] of Object.entries(given)) {
    const stays = !HOP_BY_HOP.has(name) && !['authorization', 'host', 'content-length'].includes(name);
    if (stays && !name.startsWith('x-remote-') && !name.startsWith('impersonate-')) out[name] = value;
  }
  return out;
}

function userHeaders({ username, uid, groups, extra = {} }: UserInfo): Record<string, string | string[]> {
  const out: Record<string, string | string[]> = { 'x-remote-user': username, 'x-remote-group': groups };
  if (uid) out['x-remote-uid'] = uid;
  for (const [key, values] of Object.entries(extra))
    out[`x-remote-extra-${encodeURIComponent(key.toLowerCase())}`] = values;
  return out;
}

async function textOf(answer: IncomingMessage): Promise<string> {
  let text = '';
  for await (const chunk of answer.setEncoding('utf8')) {
    text += chunk;
    if (text.length > MAX_DISCOVERY_BYTES) throw new Error('the answer is too large');
  }
  return text;
}
