import type { Clock } from '#base/clock.ts';
import type { ApiHandler, ApiRequest, ApiResponse, ChannelSocket } from '#kube/api/http.ts';
import type { NodeApi } from '#kube/api/node.ts';
import { failure, StatusError } from '#kube/api/status.ts';
import type { UserInfo } from '#kube/api/types.ts';
import { Store } from '#kube/store/store.ts';
import { checkAcceptable } from './accept.ts';
import { Aggregation } from './aggregation.ts';
import { impersonated } from './auth/impersonate.ts';
import { Commit } from './commit.ts';
import { discoveryFor } from './discovery.ts';
import { Kinds, type ResourceKind } from './kinds.ts';
import { openApiFor } from './openapi.ts';
import { PodStreams } from './pod-streams.ts';
import { type Dial, WorkloadProxy } from './proxy.ts';
import { Reads } from './reads.ts';
import { Removal } from './removal.ts';
import { attributesOf } from './request.ts';
import type { AdmissionPlugin, Attributes, Authenticator, Authorizer, VirtualResource } from './seams.ts';
import { DEFAULT_SERVICE_CIDR, ServiceAddresses } from './service-addresses.ts';
import type { ClientPair } from './service-tls.ts';
import { Writes } from './writes.ts';

export interface ApiServerOptions {
  clock: Clock;
  /** The kubelet's side of logs, exec, attach and port-forward; may be set later. */
  nodes?: NodeApi;
  authenticate?: Authenticator;
  authorize?: Authorizer;
  admission?: AdmissionPlugin[];
  /** The way to pods, for `pods/proxy` and `services/proxy`. */
  dial?: Dial;
  /** What the API server shows to Services that serve APIs of their own. */
  frontProxy?: () => Promise<ClientPair>;
  /** A /16 that Services get their addresses from; 10.96.0.0/16 when absent. */
  serviceCidr?: string;
}

const ANONYMOUS: UserInfo = { username: 'system:anonymous', groups: ['system:unauthenticated'] };
/** Kinds that are still served, with what is said to those who use them. */
const OUTDATED: Record<string, string> = {
  endpoints: 'v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice',
  componentstatuses: 'v1 ComponentStatus is deprecated in v1.19+',
};
const CRDS = 'apiextensions.k8s.io/customresourcedefinitions';

/** The embedded Kubernetes API server, version 1.35: all of it behind one function, whichever way a request arrives. */
export class ApiServer implements ApiHandler {
  readonly store: Store;
  readonly kinds = new Kinds();
  readonly options: ApiServerOptions;
  nodes: NodeApi | undefined;
  readonly #virtual = new Map<string, VirtualResource>();
  readonly #reads: Reads;
  readonly #writes: Writes;
  readonly #removal: Removal;
  readonly #streams: PodStreams;
  readonly #proxy: WorkloadProxy;
  /** APIs that Services of the cluster serve. */
  readonly aggregation: Aggregation;

  constructor(options: ApiServerOptions) {
    this.options = options;
    this.nodes = options.nodes;
    this.store = new Store();
    const addresses = new ServiceAddresses(this.store, options.serviceCidr);
    this.#reads = new Reads(this.store, this.kinds, options.clock);
    const writing = {
      store: this.store,
      kinds: this.kinds,
      clock: options.clock,
      reads: this.#reads,
      addresses,
      admission: () => options.admission ?? [],
    };
    const commit = new Commit(writing);
    this.#writes = new Writes(writing, commit);
    this.#removal = new Removal(writing, commit);
    this.#streams = new PodStreams(this.store, () => this.nodes, options.clock);
    this.#proxy = new WorkloadProxy(this.store, () => options.dial);
    this.aggregation = new Aggregation(this.store, {
      clock: options.clock,
      dial: () => options.dial,
      frontProxy: async () => options.frontProxy?.(),
    });
    this.store.watch(CRDS, ({ type, object }) =>
      type === 'DELETED' ? this.kinds.undefine(object) : this.kinds.define(object),
    );
  }

  /** Answers requests for a resource that is not stored. Key: `group/version/resource[/subresource]`. */
  addVirtual(key: string, answer: VirtualResource): void {
    this.#virtual.set(key, answer);
  }

  async handle(request: ApiRequest): Promise<ApiResponse> {
    try {
      const attributes = attributesOf(request, await this.#authenticated(request));
      const answer = await this.#route(request, attributes);
      const outdated = this.#outdated(attributes);
      return outdated ? { ...answer, warnings: [outdated, ...(answer.warnings ?? [])] } : answer;
    } catch (error) {
      return answerFor(error);
    }
  }

  #outdated({ group, version, resource }: Attributes): string | undefined {
    if (group === '') return OUTDATED[resource];
    const kind = this.kinds.get(group, version, resource);
    if (!kind?.custom?.version.deprecated) return undefined;
    return kind.custom.version.deprecationWarning ?? `${group}/${version} ${kind.kind} is deprecated`;
  }

  async connect(request: ApiRequest, protocols: string[]): Promise<ChannelSocket> {
    const attributes = attributesOf(request, await this.#authenticated(request));
    // A stream is created, whichever method opened it.
    const verb = 'create';
    await this.#allowed({ ...attributes, verb });
    if (!attributes.isResource || attributes.resource !== 'pods' || !attributes.name)
      throw failure('NotFound', 'the server could not find the requested resource');
    return this.#streams.connect(attributes, request, protocols);
  }

  /** Everything stored, to come back to. */
  export(): string {
    return this.store.export();
  }

  /** Loads what `export` gave. Before anybody watches. */
  import(text: string): void {
    this.store.import(text);
    for (const definition of this.store.list(CRDS)) this.kinds.define(definition);
  }

  async #authenticated(request: ApiRequest): Promise<UserInfo> {
    return impersonated(request, await this.#user(request), this.options.authorize);
  }

  async #user(request: ApiRequest): Promise<UserInfo> {
    if (request.user) return request.user;
    const { authenticate } = this.options;
    if (!authenticate) return ANONYMOUS;
    const user = await authenticate(request);
    if (user) return user;
    // A token that nobody knows is refused; no token at all is anonymous.
    if (request.headers.authorization) throw failure('Unauthorized', 'Unauthorized');
    return ANONYMOUS;
  }

  async #allowed(attributes: Attributes): Promise<void> {
    const { authorize } = this.options;
    if (!authorize) return;
    const { allowed, reason } = await authorize(attributes);
    if (!allowed) throw forbidden(attributes, reason);
  }

  async #route(request: ApiRequest, attributes: Attributes): Promise<ApiResponse> {
    await this.#allowed(attributes);
    const passed = this.#aggregated(request, attributes);
    if (passed) return passed;
    if (!attributes.isResource) return this.#nonResource(request);
    const { group, version, resource, subresource } = attributes;
    const virtual = this.#virtual.get(`${group}/${version}/${resource}${subresource ? `/${subresource}` : ''}`);
    if (virtual) return virtual(request, attributes);
    const kind = this.kinds.get(group, version, resource);
    if (!kind && !this.kinds.isBuiltIn(group)) return NO_PAGE;
    if (!kind) throw this.#unknown();
    if (subresource !== 'log' && subresource !== 'proxy') checkAcceptable(request);
    if (kind.namespaced && attributes.name && !attributes.namespace) throw this.#unknown();
    if (!kind.namespaced && attributes.namespace && resource !== 'namespaces') throw this.#unknown();
    if (subresource) return this.#subresource(kind, request, attributes);
    switch (attributes.verb) {
      case 'get':
        return this.#reads.get(kind, attributes, request);
      case 'list':
        return this.#reads.list(kind, attributes, request);
      case 'watch':
        return this.#reads.watch(kind, attributes, request);
      case 'create':
        return this.#writes.create(kind, attributes, request);
      case 'update':
        return this.#writes.update(kind, attributes, request);
      case 'patch':
        return this.#writes.patch(kind, attributes, request);
      case 'delete':
        return this.#removal.delete(kind, attributes, request);
      case 'deletecollection':
        return this.#removal.deleteCollection(kind, attributes, request);
      default:
        throw failure('MethodNotAllowed', 'the server does not allow this method on the requested resource');
    }
  }

  /** What belongs to an API that a Service serves. */
  #aggregated(request: ApiRequest, { isResource, group, version, user }: Attributes): Promise<ApiResponse> | undefined {
    const [, ofPath = group, versionOfPath = version] =
      (!isResource && /^\/apis\/([^/]+)\/([^/]+)\/?$/.exec(request.path)) || [];
    const found = this.aggregation.find(ofPath, versionOfPath);
    return found ? this.aggregation.pass(found, request, user) : undefined;
  }

  async #subresource(kind: ResourceKind, request: ApiRequest, attributes: Attributes): Promise<ApiResponse> {
    const { subresource, resource, verb } = attributes;
    if (!kind.subresources.some((known) => known.name === subresource)) throw this.#unknown();
    if (resource === 'nodes' && subresource === 'proxy')
      throw failure(
        'ServiceUnavailable',
        'the node of this cluster has no HTTP server of its own to pass requests on to',
      );
    if (subresource === 'proxy' && (resource === 'pods' || resource === 'services'))
      return this.#proxy.pass(attributes, request);
    if (resource === 'pods' && subresource === 'log' && verb === 'get') return this.#streams.log(attributes, request);
    if (resource === 'pods' && subresource === 'binding' && verb === 'create')
      return this.#writes.bind(kind, attributes, request);
    if (resource === 'pods' && subresource === 'eviction' && verb === 'create')
      return this.#removal.evict(kind, attributes, request);
    if (resource === 'namespaces' && subresource === 'finalize' && verb === 'update')
      return this.#writes.update(kind, attributes, request);
    if (verb === 'get') return this.#reads.get(kind, attributes, request);
    if (verb === 'update') return this.#writes.update(kind, attributes, request);
    if (verb === 'patch') return this.#writes.patch(kind, attributes, request);
    throw failure('MethodNotAllowed', 'the server does not allow this method on the requested resource');
  }

  #nonResource(request: ApiRequest): ApiResponse {
    const found =
      discoveryFor(
        request,
        this.kinds,
        this.options.serviceCidr ?? DEFAULT_SERVICE_CIDR,
        this.aggregation.versions(),
      ) ?? openApiFor(request, this.kinds);
    if (found) return found;
    throw this.#unknown();
  }

  #unknown(): StatusError {
    return failure('NotFound', 'the server could not find the requested resource', {});
  }
}

/** What is said of a path that nobody serves, such as a custom resource that is not defined any more. */
const NO_PAGE: ApiResponse = {
  status: 404,
  headers: { 'x-content-type-options': 'nosniff' },
  body: { type: 'text', value: '404 page not found\n', contentType: 'text/plain; charset=utf-8' },
};

function forbidden(
  { user, verb, group, resource, subresource, namespace, name, path, isResource }: Attributes,
  reason: string | undefined,
): StatusError {
  const tail = reason ? `: ${reason}` : '';
  if (!isResource)
    return failure(
      'Forbidden',
      `forbidden: User ${JSON.stringify(user.username)} cannot ${verb} path ${JSON.stringify(path)}${tail}`,
      {},
    );
  const what = subresource ? `${resource}/${subresource}` : resource;
  const scope = namespace ? `in the namespace ${JSON.stringify(namespace)}` : 'at the cluster scope';
  const subject = `${group ? `${resource}.${group}` : resource}${name ? ` ${JSON.stringify(name)}` : ''}`;
  return failure(
    'Forbidden',
    `${subject} is forbidden: User ${JSON.stringify(user.username)} cannot ${verb} resource ${JSON.stringify(what)} in API group ${JSON.stringify(group)} ${scope}${tail}`,
    { ...(name ? { name } : {}), ...(group ? { group } : {}), kind: resource },
  );
}

function answerFor(error: unknown): ApiResponse {
  const status =
    error instanceof StatusError
      ? error.status
      : failure('InternalError', `Internal error occurred: ${error instanceof Error ? error.message : String(error)}`)
          .status;
  const retry = status.details?.retryAfterSeconds;
  return {
    status: status.code ?? 500,
    body: { type: 'object', value: status },
    ...(retry ? { headers: { 'retry-after': String(retry) } } : {}),
  };
}
