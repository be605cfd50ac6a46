import type { ApiRequest, ApiResponse } from '#kube/api/http.ts';
import { same } from '#kube/api/patch/field-set.ts';
import { conflict, failure } from '#kube/api/status.ts';
import type { KubeObject } from '#kube/api/types.ts';
import { readBody } from './body.ts';
import type { Commit } from './commit.ts';
import { type Draft, draftOf, success, type WriteOptions, withWarnings } from './draft.ts';
import type { ResourceKind } from './kinds.ts';
import { respond } from './reads.ts';
import type { Attributes } from './seams.ts';

const NAMESPACES = '/namespaces';

/** Everything that takes objects away: deletion with its policies, finalizers and grace, and eviction. */
export class Removal {
  readonly #o: WriteOptions;
  readonly #commit: Commit;

  constructor(options: WriteOptions, commit: Commit) {
    this.#o = options;
    this.#commit = commit;
  }

  /** Deletes a pod unless a PodDisruptionBudget says that it must stay. */
  async evict(kind: ResourceKind, attributes: Attributes, request: ApiRequest): Promise<ApiResponse> {
    const { matchesSelector } = await import('#kube/api/selectors.ts');
    const pod = this.#o.reads.find(kind, attributes);
    for (const budget of this.#o.store.list('policy/poddisruptionbudgets', attributes.namespace)) {
      if (!matchesSelector(budget.spec?.selector, pod.metadata.labels)) continue;
      if ((budget.status?.disruptionsAllowed ?? 0) > 0) continue;
      throw failure('TooManyRequests', `Cannot evict pod as it would violate the pod's disruption budget.`, {
        causes: [
          {
            reason: 'DisruptionBudget',
            message: `The disruption budget ${budget.metadata.name} needs ${budget.status?.desiredHealthy ?? 0} healthy pods and has ${budget.status?.currentHealthy ?? 0} currently`,
          },
        ],
      });
    }
    const options = (readBody(request) as KubeObject | undefined)?.deleteOptions;
    await this.delete(
      kind,
      { ...attributes, verb: 'delete', subresource: '' },
      { ...request, method: 'DELETE', body: options },
    );
    return success(201);
  }

  async delete(kind: ResourceKind, attributes: Attributes, request: ApiRequest): Promise<ApiResponse> {
    const draft = draftOf(kind, attributes, request);
    const object = this.#o.reads.find(kind, attributes);
    const left = await this.#deleteOne(draft, object);
    if (left) return this.#answer(draft, left);
    return {
      status: 200,
      body: {
        type: 'object',
        value: {
          kind: 'Status',
          apiVersion: 'v1',
          metadata: {},
          status: 'Success',
          details: {
            name: attributes.name,
            ...(kind.group ? { group: kind.group } : {}),
            kind: kind.resource,
            uid: object.metadata.uid,
          },
        },
      },
    };
  }

  async deleteCollection(kind: ResourceKind, attributes: Attributes, request: ApiRequest): Promise<ApiResponse> {
    const listed = this.#o.reads.list(kind, attributes, { ...request, headers: {} });
    const { items } = (listed.body as { value: { items: KubeObject[] } }).value;
    for (const item of items) {
      const one = { ...attributes, namespace: item.metadata.namespace ?? '', name: item.metadata.name! };
      await this.#deleteOne(draftOf(kind, one, request), this.#o.reads.find(kind, one)).catch(
        (error: { reason?: string }) => {
          if (error.reason !== 'NotFound') throw error;
        },
      );
    }
    return listed;
  }

  /** Returns the object when it stays for now (finalizers, a pod's grace), undefined when it is gone. */
  async #deleteOne(draft: Draft, object: KubeObject): Promise<KubeObject | undefined> {
    const { kind, request, dryRun } = draft;
    const options = (readBody(request) ?? {}) as {
      gracePeriodSeconds?: number;
      propagationPolicy?: string;
      orphanDependents?: boolean;
      preconditions?: { uid?: string; resourceVersion?: string };
    };
    const { metadata } = object;
    const uid = options.preconditions?.uid;
    if (uid && uid !== metadata.uid)
      throw conflict(
        kind.group,
        kind.resource,
        metadata.name!,
        `Precondition failed: UID in precondition: ${uid}, UID in object meta: ${metadata.uid}`,
      );
    const version = options.preconditions?.resourceVersion;
    if (version && version !== metadata.resourceVersion)
      throw conflict(
        kind.group,
        kind.resource,
        metadata.name!,
        `Precondition failed: ResourceVersion in precondition: ${version}, ResourceVersion in object meta: ${metadata.resourceVersion}`,
      );
    await this.#commit.admit(draft, undefined, object, 'DELETE');
    if (dryRun) return undefined;

    const finalizers = new Set(metadata.finalizers ?? []);
    const policy =
      options.propagationPolicy ?? (options.orphanDependents ? 'Orphan' : request.query.get('propagationPolicy'));
    if (policy === 'Foreground') finalizers.add('foregroundDeletion');
    if (policy === 'Orphan') finalizers.add('orphan');
    const graceful = kind.storage === '/pods' && object.spec?.nodeName && !isFinished(object);
    const asked = options.gracePeriodSeconds ?? numberOr(request.query.get('gracePeriodSeconds'));
    const grace = graceful ? (asked ?? object.spec.terminationGracePeriodSeconds ?? 30) : 0;
    const isNamespace = kind.storage === NAMESPACES;
    const stays = finalizers.size > 0 || grace > 0 || (isNamespace && (object.spec?.finalizers ?? []).length > 0);
    if (!stays) return this.#commit.remove(kind, object);

    if (metadata.deletionTimestamp) {
      // A second deletion may shorten the grace, never lengthen it.
      const shorter = grace < (metadata.deletionGracePeriodSeconds ?? 0);
      if (!shorter && same([...finalizers], metadata.finalizers ?? [])) return object;
      if (shorter && grace === 0 && finalizers.size === 0) return this.#commit.remove(kind, object);
    }
    const marked = structuredClone(object);
    const now = this.#o.clock.now();
    marked.metadata.deletionTimestamp = new Date(Math.floor(now / 1000) * 1000 + grace * 1000)
      .toISOString()
      .replace('.000Z', 'Z');
    marked.metadata.deletionGracePeriodSeconds = grace;
    marked.metadata.generation = (metadata.generation ?? 0) + (metadata.deletionTimestamp ? 0 : 1);
    if (finalizers.size > 0) marked.metadata.finalizers = [...finalizers];
    if (isNamespace) marked.status = { ...marked.status, phase: 'Terminating' };
    return this.#o.store.put(kind.storage, marked);
  }

  #answer(draft: Draft, stored: KubeObject): ApiResponse {
    const { kind, request } = draft;
    return { ...respond(request, kind, this.#o.reads.present(kind, stored), this.#o.clock), ...withWarnings(draft) };
  }
}

const isFinished = (pod: KubeObject): boolean => ['Succeeded', 'Failed'].includes(pod.status?.phase);

function numberOr(text: string | null): number | undefined {
  const value = text === null || text === '' ? undefined : Number(text);
  return value !== undefined && Number.isInteger(value) && value >= 0 ? value : undefined;
}
