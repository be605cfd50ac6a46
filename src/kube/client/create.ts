import { isAbort } from '#base/errors.ts';
import type { ApiRequest } from '#kube/api/http.ts';
import { failure } from '#kube/api/status.ts';
import type { KubeList, KubeObject, WatchEvent } from '#kube/api/types.ts';
import type {
  ApiResource,
  DeleteOptions,
  KubeClient,
  ListOptions,
  LogOptions,
  PatchType,
  Target,
  Transport,
  WatchOptions,
  WriteOptions,
} from './client.ts';
import { discoverResources } from './discovery.ts';
import { pathOf, splitApiVersion } from './paths.ts';
import { portForward } from './port-forward.ts';
import { remoteCommand } from './remote-command.ts';
import { expectObject, refuseFailure, textOf } from './response.ts';

export const PATCH_CONTENT_TYPES: Record<PatchType, string> = {
  json: 'application/json-patch+json',
  merge: 'application/merge-patch+json',
  strategic: 'application/strategic-merge-patch+json',
  apply: 'application/apply-patch+yaml',
};

type Method = ApiRequest['method'];
interface Parts {
  query?: URLSearchParams;
  body?: unknown;
  contentType?: string;
  signal?: AbortSignal | undefined;
}

/** A client over any transport. Cheap to make; discovery is fetched once and again when a kind is missed. */
export function createKubeClient(transport: Transport): KubeClient {
  let resources: Promise<ApiResource[]> | undefined;
  const send = async (method: Method, path: string, parts: Parts = {}) =>
    refuseFailure(
      await transport.request({
        method,
        path,
        query: parts.query ?? new URLSearchParams(),
        headers: parts.contentType ? { 'content-type': parts.contentType } : {},
        ...(parts.body === undefined ? {} : { body: parts.body }),
        ...(parts.signal ? { signal: parts.signal } : {}),
      }),
    );
  const object = async (method: Method, path: string, parts?: Parts) =>
    (await expectObject(await send(method, path, parts))) as KubeObject;

  const discover = (options: { fresh?: boolean } = {}): Promise<ApiResource[]> => {
    if (options.fresh) resources = undefined;
    resources ??= discoverResources(transport).catch((error: unknown) => {
      resources = undefined;
      throw error;
    });
    return resources;
  };
  const resourceOf = async (apiVersion: string, kind: string): Promise<ApiResource> => {
    const { group, version } = splitApiVersion(apiVersion);
    const find = async () =>
      (await discover()).find((each) => each.group === group && each.version === version && each.kind === kind);
    let found = await find();
    if (!found) {
      await discover({ fresh: true });
      found = await find();
    }
    if (!found) throw failure('NotFound', `no matches for kind "${kind}" in version "${apiVersion}"`);
    return found;
  };

  return {
    transport,
    get: (target, name, options = {}) =>
      object('GET', pathOf(target, name, options.subresource), { signal: options.signal }),
    list: async (target, options = {}) =>
      (await object('GET', pathOf(target), {
        query: listQuery(options),
        signal: options.signal,
      })) as unknown as KubeList,
    watch: (target, options = {}) => watch(transport, target, options),
    create: (target, body, options = {}) =>
      object('POST', pathOf(target, options.subresource ? body.metadata.name : undefined, options.subresource), {
        body,
        query: writeQuery(options),
      }),
    update: (target, body, options = {}) =>
      object('PUT', pathOf(target, body.metadata.name, options.subresource), { body, query: writeQuery(options) }),
    patch: (target, name, type, patch, options = {}) =>
      object('PATCH', pathOf(target, name, options.subresource), {
        body: patch,
        contentType: PATCH_CONTENT_TYPES[type],
        query: writeQuery(options),
      }),
    delete: (target, name, options = {}) => object('DELETE', pathOf(target, name), { body: deleteBody(options) }),
    deleteCollection: async (target, options = {}) => {
      await send('DELETE', pathOf(target), { body: deleteBody(options), query: listQuery(options) });
    },
    logs: (namespace, pod, options = {}) => logs(transport, namespace, pod, options),
    exec: (options) => remoteCommand(transport, 'exec', options),
    attach: (options) => remoteCommand(transport, 'attach', options),
    portForward: (namespace, pod, port, signal) => portForward(transport, namespace, pod, port, signal),
    discover,
    apply: async (body, { fieldManager, force }) => {
      const { group, version, resource, namespaced } = await resourceOf(body.apiVersion, body.kind);
      const name = body.metadata.name;
      if (name === undefined) throw failure('BadRequest', 'metadata.name is required');
      const namespace = namespaced ? { namespace: body.metadata.namespace ?? 'default' } : {};
      return object('PATCH', pathOf({ group, version, resource, ...namespace }, name), {
        body,
        contentType: PATCH_CONTENT_TYPES.apply,
        query: writeQuery({ fieldManager, ...(force === undefined ? {} : { force }) }),
      });
    },
    raw: async (method, path, body) => {
      // Paths without a question in them are most often plain, and reading them as addresses takes time.
      const url = /^[\w/-]*$/.test(path) ? undefined : new URL(path, 'http://cluster');
      const parts = url ? { query: url.searchParams, body } : { body };
      const response = await send(method, url?.pathname ?? path, parts);
      return response.body.type === 'object' ? response.body.value : textOf(response);
    },
  };
}

function listQuery(options: ListOptions & Partial<WatchOptions>): URLSearchParams {
  const query = new URLSearchParams();
  if (options.labelSelector) query.set('labelSelector', options.labelSelector);
  if (options.fieldSelector) query.set('fieldSelector', options.fieldSelector);
  if (options.limit) query.set('limit', String(options.limit));
  if (options.continue) query.set('continue', options.continue);
  if (options.resourceVersion !== undefined) query.set('resourceVersion', options.resourceVersion);
  if (options.allowBookmarks) query.set('allowWatchBookmarks', 'true');
  if (options.sendInitialEvents) {
    query.set('sendInitialEvents', 'true');
    query.set('resourceVersionMatch', 'NotOlderThan');
  }
  if (options.timeoutSeconds) query.set('timeoutSeconds', String(options.timeoutSeconds));
  return query;
}

function writeQuery(options: WriteOptions): URLSearchParams {
  const query = new URLSearchParams();
  if (options.dryRun) query.set('dryRun', 'All');
  if (options.fieldManager) query.set('fieldManager', options.fieldManager);
  if (options.force !== undefined) query.set('force', String(options.force));
  if (options.fieldValidation) query.set('fieldValidation', options.fieldValidation);
  return query;
}

function deleteBody(options: DeleteOptions): Record<string, unknown> {
  return {
    kind: 'DeleteOptions',
    apiVersion: 'v1',
    ...(options.propagationPolicy ? { propagationPolicy: options.propagationPolicy } : {}),
    ...(options.gracePeriodSeconds === undefined ? {} : { gracePeriodSeconds: options.gracePeriodSeconds }),
    ...(options.preconditions ? { preconditions: options.preconditions } : {}),
    ...(options.dryRun ? { dryRun: ['All'] } : {}),
  };
}

async function* watch(transport: Transport, target: Target, options: WatchOptions): AsyncGenerator<WatchEvent> {
  const query = listQuery(options);
  query.set('watch', 'true');
  // Leaving the loop ends the request, not only the reading of it.
  const left = new AbortController();
  const signal = options.signal ? AbortSignal.any([options.signal, left.signal]) : left.signal;
  try {
    const response = await refuseFailure(
      await transport.request({ method: 'GET', path: pathOf(target), query, headers: {}, signal }),
    );
    if (response.body.type !== 'events') throw failure('InternalError', 'the server did not answer with a watch');
    yield* response.body.events as AsyncIterable<WatchEvent>;
  } catch (error) {
    if (!options.signal?.aborted && !isAbort(error)) throw error;
  } finally {
    left.abort();
  }
}

async function* logs(
  transport: Transport,
  namespace: string,
  pod: string,
  options: LogOptions,
): AsyncGenerator<Uint8Array> {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(options)) {
    if (name !== 'signal' && value !== undefined && value !== false) query.set(name, String(value));
  }
  const left = new AbortController();
  const signal = options.signal ? AbortSignal.any([options.signal, left.signal]) : left.signal;
  const path = pathOf({ group: '', version: 'v1', resource: 'pods', namespace }, pod, 'log');
  try {
    const response = await refuseFailure(await transport.request({ method: 'GET', path, query, headers: {}, signal }));
    if (response.body.type === 'stream') yield* response.body.chunks;
    else {
      const text = await textOf(response);
      if (text !== '') yield new TextEncoder().encode(text);
    }
  } catch (error) {
    if (!options.signal?.aborted && !isAbort(error)) throw error;
  } finally {
    left.abort();
  }
}
