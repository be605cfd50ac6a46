import type { Clock } from '#base/clock.ts';
import type { ApiRequest, ApiResponse } from '#kube/api/http.ts';
import { parseFieldSelector, parseLabelSelector } from '#kube/api/selectors.ts';
import { failure, notFound } from '#kube/api/status.ts';
import type { KubeList, KubeObject } from '#kube/api/types.ts';
import type { Change, Store } from '#kube/store/store.ts';
import { wantsMetadata, wantsTable } from './accept.ts';
import { pruneAndDefault } from './custom.ts';
import { apiVersionOf, type Kinds, type ResourceKind } from './kinds.ts';
import {
  checkListOptions,
  continueToken,
  readContinue,
  revisionOf,
  tooLarge,
  tooOldToContinue,
} from './list-options.ts';
import { scaleOf } from './scale.ts';
import type { Attributes } from './seams.ts';
import { asTable } from './table/table.ts';

/** A bookmark tells a quiet watch how far it has come. */
const BOOKMARK_EVERY_MS = 60_000;

/** Get, list and watch. Objects are handed out by reference; a version other than the stored one only changes apiVersion. */
export class Reads {
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #conversions = new WeakMap<KubeObject, Map<string, KubeObject>>();

  constructor(store: Store, _kinds: Kinds, clock: Clock) {
    this.#store = store;
    this.#clock = clock;
  }

  /** The stored object as a version serves it. */
  present(kind: ResourceKind, object: KubeObject): KubeObject {
    const apiVersion = apiVersionOf(kind.group, kind.version);
    if (kind.custom && !kind.custom.version.storage) return this.#converted(kind, object, apiVersion);
    return object.apiVersion === apiVersion && object.kind === kind.kind
      ? object
      : { ...object, apiVersion, kind: kind.kind };
  }

  /** A custom object in the version asked for: what that version does not know is not shown. */
  #converted(kind: ResourceKind, object: KubeObject, apiVersion: string): KubeObject {
    const known = this.#conversions.get(object) ?? new Map<string, KubeObject>();
    this.#conversions.set(object, known);
    let converted = known.get(apiVersion);
    if (!converted) {
      converted = { ...structuredClone(object), apiVersion, kind: kind.kind };
      pruneAndDefault(converted, kind.custom?.version.schema?.openAPIV3Schema, []);
      known.set(apiVersion, converted);
    }
    return converted;
  }

  find(kind: ResourceKind, { namespace, name }: Pick<Attributes, 'namespace' | 'name'>): KubeObject {
    const found = this.#store.get(kind.storage, kind.namespaced ? namespace : '', name);
    if (!found) throw notFound(kind.group, kind.resource, name);
    return found;
  }

  get(kind: ResourceKind, attributes: Attributes, request: ApiRequest): ApiResponse {
    const object = this.present(kind, this.find(kind, attributes));
    if (attributes.subresource === 'scale') return respond(request, kind, scaleOf(kind, object), this.#clock);
    return respond(request, kind, object, this.#clock);
  }

  list(kind: ResourceKind, attributes: Attributes, request: ApiRequest): ApiResponse {
    const { query } = request;
    checkListOptions(query, false);
    const matches = matcher(kind, attributes, query);
    const from = readContinue(query.get('continue'));
    const asked = from ? undefined : revisionOf(query.get('resourceVersion') ?? '');
    if (asked !== undefined && asked > this.#store.revision) throw tooLarge(asked, this.#store.revision);
    const isExact = query.get('resourceVersionMatch') === 'Exact';
    const limit = Number(query.get('limit') ?? 0);
    const revision = from && from.revision >= 0 ? from.revision : isExact ? asked! : this.#store.revision;
    const namespace = kind.namespaced && attributes.namespace ? attributes.namespace : undefined;
    const all = this.#listAt(kind.storage, namespace, revision);
    if (!all) {
      if (from) throw tooOldToContinue(from.key);
      throw failure('Expired', 'The resourceVersion for the provided list is too old.');
    }
    const items: KubeObject[] = [];
    let more = 0;
    for (const object of all) {
      if ((from && keyOf(object) <= from.key) || !matches(object)) continue;
      if (limit > 0 && items.length === limit) {
        more++;
        continue;
      }
      items.push(this.present(kind, object));
    }
    const last = items.at(-1);
    const selected = query.has('labelSelector') || query.has('fieldSelector');
    const list: KubeList = {
      kind: `${kind.kind}List`,
      apiVersion: apiVersionOf(kind.group, kind.version),
      metadata: {
        resourceVersion: String(revision),
        ...(more > 0 && last ? { continue: continueToken({ key: keyOf(last), revision }) } : {}),
        ...(more > 0 && !selected ? { remainingItemCount: more } : {}),
      },
      items,
    };
    const answer = respond(request, kind, list, this.#clock);
    if (answer.body.type === 'object' && answer.body.value === list) answer.body.stored = true;
    return answer;
  }

  /** The objects of a kind as they were at a revision, or undefined when that is no longer known. */
  #listAt(storage: string, namespace: string | undefined, revision: number): KubeObject[] | undefined {
    if (revision === this.#store.revision) return this.#store.list(storage, namespace);
    const changes = this.#store.since(storage, revision);
    if (!changes) return undefined;
    const objects = new Map(this.#store.list(storage, namespace).map((object) => [keyOf(object), object]));
    for (const { object, old } of changes.reverse()) {
      if (namespace !== undefined && object.metadata.namespace !== namespace) continue;
      if (old) objects.set(keyOf(object), old);
      else objects.delete(keyOf(object));
    }
    return [...objects].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, object]) => object);
  }

  watch(kind: ResourceKind, attributes: Attributes, request: ApiRequest): ApiResponse {
    const { query } = request;
    checkListOptions(query, true);
    const matches = matcher(kind, attributes, query);
    const sendInitial = query.get('sendInitialEvents');
    const asked = revisionOf(query.get('resourceVersion') ?? '');
    // What there is comes first where that was asked for, however old the named revision is.
    const from = sendInitial === 'true' ? undefined : asked;
    const timeoutMs = Number(query.get('timeoutSeconds') ?? 0) * 1000 || 0;
    const events = this.#events(kind, {
      matches,
      from,
      initial: from === undefined && sendInitial !== 'false',
      initialBookmark: sendInitial === 'true',
      bookmarks: query.get('allowWatchBookmarks') === 'true',
      timeoutMs,
      signal: request.signal,
      shape: (object, first) => {
        if (wantsTable(request)) return asTable(kind, object, request, this.#clock, first);
        return wantsMetadata(request) ? metadataOnly(object) : object;
      },
    });
    return { status: 200, body: { type: 'events', events } };
  }

  async *#events(
    kind: ResourceKind,
    o: {
      matches: (object: KubeObject) => boolean;
      from: number | undefined;
      initial: boolean;
      initialBookmark: boolean;
      bookmarks: boolean;
      timeoutMs: number;
      signal: AbortSignal | undefined;
      shape: (object: KubeObject, first: boolean) => unknown;
    },
  ): AsyncGenerator<{ type: string; object: unknown }> {
    const queue: Change[] = [];
    let wake: (() => void) | undefined;
    let ended = o.signal?.aborted ?? false;
    const stop = this.#store.watch(kind.storage, (change) => {
      queue.push(change);
      wake?.();
    });
    const end = () => {
      ended = true;
      wake?.();
    };
    o.signal?.addEventListener('abort', end, { once: true });
    const timer = o.timeoutMs > 0 ? this.#clock.setTimeout(end, o.timeoutMs) : undefined;
    let bookmarkDue = false;
    const bookmarks = o.bookmarks
      ? this.#clock.setInterval(
          () => {
            bookmarkDue = true;
            wake?.();
          },
          BOOKMARK_EVERY_MS,
          { lazy: true },
        )
      : undefined;
    let first = true;
    const event = (type: string, object: KubeObject) => {
      const shaped = o.shape(this.present(kind, object), first);
      first = false;
      return { type, object: shaped };
    };
    const bookmark = (annotations?: Record<string, string>) => {
      const metadata = {
        resourceVersion: String(this.#store.revision),
        creationTimestamp: null,
        ...(annotations ? { annotations } : {}),
      };
      const object = { kind: kind.kind, apiVersion: apiVersionOf(kind.group, kind.version), metadata };
      return { type: 'BOOKMARK', object: o.shape(object as unknown as KubeObject, first) };
    };
    try {
      if (o.from !== undefined && o.from > this.#store.revision) {
        yield { type: 'ERROR', object: tooLarge(o.from, this.#store.revision).status };
        return;
      }
      if (o.from !== undefined) {
        const missed = this.#store.since(kind.storage, o.from);
        if (!missed) {
          const { status } = failure('Expired', `too old resource version: ${o.from} (${this.#store.revision})`);
          yield { type: 'ERROR', object: status };
          return;
        }
        // Changes announced since the watch began are among the missed ones already.
        queue.length = 0;
        queue.push(...missed);
      } else if (o.initial) {
        const objects = this.#store.list(kind.storage).filter(o.matches);
        queue.length = 0;
        for (const object of objects) yield event('ADDED', object);
        if (o.initialBookmark) yield bookmark({ 'k8s.io/initial-events-end': 'true' });
      }
      while (!ended) {
        const change = queue.shift();
        if (change) {
          const type = seenAs(change, o.matches);
          if (type)
            yield event(
              type,
              type === 'DELETED' && change.type !== 'DELETED'
                ? {
                    ...change.old!,
                    metadata: { ...change.old!.metadata, resourceVersion: change.object.metadata.resourceVersion! },
                  }
                : change.object,
            );
          continue;
        }
        if (bookmarkDue) {
          bookmarkDue = false;
          yield bookmark();
          continue;
        }
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
        wake = undefined;
      }
    } finally {
      stop();
      timer?.cancel();
      bookmarks?.cancel();
      o.signal?.removeEventListener('abort', end);
    }
  }
}

const keyOf = ({ metadata }: KubeObject): string => `${metadata.namespace ?? ''}/${metadata.name}`;

/** An object that begins or ceases to match a selector is added or deleted, as far as that watch can tell. */
function seenAs({ type, object, old }: Change, matches: (object: KubeObject) => boolean): string | undefined {
  const now = type !== 'DELETED' && matches(object);
  const before = old !== undefined && matches(old);
  if (type === 'DELETED') return before ? 'DELETED' : undefined;
  if (now) return before ? 'MODIFIED' : 'ADDED';
  return before ? 'DELETED' : undefined;
}

function matcher(
  kind: ResourceKind,
  { namespace, name }: Attributes,
  query: URLSearchParams,
): (object: KubeObject) => boolean {
  const labels = parseLabelSelector(query.get('labelSelector') ?? '');
  const fields = parseFieldSelector(query.get('fieldSelector') ?? '', kind.group, kind.resource);
  return (object) =>
    (!kind.namespaced || !namespace || object.metadata.namespace === namespace) &&
    (!name || object.metadata.name === name) &&
    labels(object.metadata.labels) &&
    fields(object);
}

/** An answer in the form that the Accept header asks for. */
export function respond(
  request: ApiRequest,
  kind: ResourceKind,
  value: KubeObject | KubeList,
  clock: Clock,
  status = 200,
): ApiResponse {
  if (wantsTable(request))
    return { status, body: { type: 'object', value: asTable(kind, value, request, clock, true) } };
  if (wantsMetadata(request)) return { status, body: { type: 'object', value: metadataOnly(value) } };
  return { status, body: { type: 'object', value } };
}

function metadataOnly(value: KubeObject | KubeList): unknown {
  const one = (object: KubeObject) => ({
    kind: 'PartialObjectMetadata',
    apiVersion: 'meta.k8s.io/v1',
    metadata: object.metadata,
  });
  const items = (value as KubeList).items;
  return items
    ? {
        kind: 'PartialObjectMetadataList',
        apiVersion: 'meta.k8s.io/v1',
        metadata: value.metadata,
        items: items.map(one),
      }
    : one(value as KubeObject);
}
