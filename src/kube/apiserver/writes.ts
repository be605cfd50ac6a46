import { nameSuffix, uuid } from '#base/ids.ts';
import type { ApiRequest, ApiResponse } from '#kube/api/http.ts';
import { serverSideApply } from '#kube/api/patch/apply.ts';
import { conflict, failure, notFound } from '#kube/api/status.ts';
import type { KubeObject } from '#kube/api/types.ts';
import { readBody } from './body.ts';
import type { Commit } from './commit.ts';
import {
  type Draft,
  draftOf,
  hasStatusSubresource,
  stamp,
  success,
  type WriteOptions,
  withWarnings,
  writerOf,
} from './draft.ts';
import type { ResourceKind } from './kinds.ts';
import { nameCauses } from './names.ts';
import { patchWith } from './patched.ts';
import { respond } from './reads.ts';
import { checkFields, checkShape, place, received } from './received.ts';
import { scaleOf, withScale } from './scale.ts';
import type { Attributes } from './seams.ts';

/** Conflicts of a patch with another writer are retried this often before they are the caller's. */
const PATCH_ATTEMPTS = 5;
const NAMESPACES = '/namespaces';

/** Everything that changes what is stored: admission, defaults, validation, ownership of fields, then the store. */
export class Writes {
  readonly #o: WriteOptions;
  readonly #commit: Commit;

  constructor(options: WriteOptions, commit: Commit) {
    this.#o = options;
    this.#commit = commit;
  }

  async create(kind: ResourceKind, attributes: Attributes, request: ApiRequest): Promise<ApiResponse> {
    const draft = draftOf(kind, attributes, request);
    const object = received(draft);
    if (attributes.name && object.metadata.name === undefined) object.metadata.name = attributes.name;
    place(draft, object);
    const generated = !object.metadata.name && !!object.metadata.generateName;
    if (generated) object.metadata.name = object.metadata.generateName!.slice(0, 58) + nameSuffix();
    draft.nameCauses = nameCauses(kind, object.metadata.name ?? '', generated);
    this.#namespaceAccepts(kind, object);
    if (object.metadata.resourceVersion) {
      throw failure('BadRequest', 'resourceVersion should not be set on objects to be created');
    }
    const { metadata } = object;
    metadata.uid = uuid();
    metadata.creationTimestamp = stamp(this.#o.clock);
    delete metadata.deletionTimestamp;
    delete metadata.deletionGracePeriodSeconds;
    delete metadata.managedFields;
    if (hasStatusSubresource(kind)) delete object.status;
    const stored = await this.#commit.store(draft, object, undefined, 'CREATE');
    return {
      ...respond(request, kind, this.#o.reads.present(kind, stored), this.#o.clock, 201),
      ...withWarnings(draft),
    };
  }

  async update(kind: ResourceKind, attributes: Attributes, request: ApiRequest): Promise<ApiResponse> {
    const draft = draftOf(kind, attributes, request);
    const given = received(draft, attributes.subresource === 'scale');
    const { store, reads } = this.#o;
    const old = store.get(kind.storage, kind.namespaced ? attributes.namespace : '', attributes.name);
    if (!old) throw notFound(kind.group, kind.resource, attributes.name);
    if (given.metadata.name !== undefined && given.metadata.name !== attributes.name) {
      throw failure(
        'BadRequest',
        `the name of the object (${given.metadata.name}) does not match the name on the URL (${attributes.name})`,
      );
    }
    const object = attributes.subresource === 'scale' ? withScale(kind, reads.present(kind, old), given) : given;
    const stored = await this.#replace(draft, object, old);
    return this.#answer(draft, stored);
  }

  async patch(kind: ResourceKind, attributes: Attributes, request: ApiRequest): Promise<ApiResponse> {
    const draft = draftOf(kind, attributes, request);
    const type = (request.headers['content-type'] ?? '').split(';')[0]!.trim();
    if (type === 'application/apply-patch+yaml' || type === 'application/apply-patch+cbor')
      return this.#applyAgain(kind, attributes, request);
    const patch = readBody(request);
    const { store, reads } = this.#o;
    for (let attempt = 1; ; attempt++) {
      const old = store.get(kind.storage, kind.namespaced ? attributes.namespace : '', attributes.name);
      if (!old) throw notFound(kind.group, kind.resource, attributes.name);
      const present = reads.present(kind, old);
      const base = attributes.subresource === 'scale' ? scaleOf(kind, present) : present;
      const patched = patchWith(type, base, patch, kind) as KubeObject;
      checkShape(patched);
      if (patched.kind !== base.kind || patched.apiVersion !== base.apiVersion)
        throw failure(
          'BadRequest',
          `${patched.kind} in version ${JSON.stringify(patched.apiVersion ?? '')} cannot be handled as a ${base.kind}`,
        );
      if (patched.metadata.name !== attributes.name)
        throw failure(
          'BadRequest',
          `the name of the object (${patched.metadata.name ?? ''}) does not match the name on the URL (${attributes.name})`,
        );
      const object = attributes.subresource === 'scale' ? withScale(kind, present, patched) : patched;
      const pinned = (patch as KubeObject | undefined)?.metadata?.resourceVersion;
      if (!pinned) object.metadata.resourceVersion = old.metadata.resourceVersion!;
      checkFields(draft, object);
      try {
        return this.#answer(draft, await this.#replace(draft, object, old));
      } catch (error) {
        if (pinned || attempt >= PATCH_ATTEMPTS || (error as { reason?: string }).reason !== 'Conflict') throw error;
      }
    }
  }

  /** Applies to what is stored by then, when another writer came between. */
  async #applyAgain(kind: ResourceKind, attributes: Attributes, request: ApiRequest): Promise<ApiResponse> {
    const pinned = (readBody(request) as KubeObject | undefined)?.metadata?.resourceVersion;
    for (let attempt = 1; ; attempt++) {
      const before = this.#version(kind, attributes);
      try {
        return await this.#apply(draftOf(kind, attributes, request));
      } catch (error) {
        const isConflict = (error as { reason?: string }).reason === 'Conflict';
        // A conflict between field managers stays one however often it is tried.
        if (pinned || attempt >= PATCH_ATTEMPTS || !isConflict || before === this.#version(kind, attributes))
          throw error;
      }
    }
  }

  #version(kind: ResourceKind, { namespace, name }: Attributes): string | undefined {
    return this.#o.store.get(kind.storage, kind.namespaced ? namespace : '', name)?.metadata.resourceVersion;
  }

  async #apply(draft: Draft): Promise<ApiResponse> {
    const { kind, attributes, request } = draft;
    const { store, reads } = this.#o;
    const manager = request.query.get('fieldManager');
    if (!manager)
      throw failure(
        'BadRequest',
        'PatchOptions.meta.k8s.io "" is invalid: fieldManager: Required value: is required for apply patch',
      );
    const applied = structuredClone(readBody(request)) as KubeObject;
    checkShape(applied);
    applied.metadata.name ??= attributes.name;
    if (applied.metadata.managedFields) throw failure('BadRequest', 'metadata.managedFields must be nil');
    const old = store.get(kind.storage, kind.namespaced ? attributes.namespace : '', attributes.name);
    const live = old && reads.present(kind, old);
    checkFields(draft, applied);
    const writer = writerOf(draft, manager, stamp(this.#o.clock));
    const object = structuredClone(
      serverSideApply(live, applied, kind.schema(), writer, request.query.get('force') === 'true'),
    );
    if (old) {
      object.metadata.resourceVersion = old.metadata.resourceVersion!;
      return this.#answer(draft, await this.#replace(draft, object, old, true));
    }
    if (attributes.subresource) throw notFound(kind.group, kind.resource, attributes.name);
    place(draft, object);
    draft.nameCauses = nameCauses(kind, object.metadata.name!, false);
    this.#namespaceAccepts(kind, object);
    object.metadata.uid = uuid();
    object.metadata.creationTimestamp = stamp(this.#o.clock);
    if (hasStatusSubresource(kind)) delete object.status;
    const stored = await this.#commit.store(draft, object, undefined, 'CREATE', true);
    return { ...respond(request, kind, reads.present(kind, stored), this.#o.clock, 201), ...withWarnings(draft) };
  }

  /** Binds a pod to a node. */
  async bind(kind: ResourceKind, attributes: Attributes, request: ApiRequest): Promise<ApiResponse> {
    const body = readBody(request) as KubeObject;
    const old = this.#o.reads.find(kind, attributes);
    if (old.spec.nodeName)
      throw conflict(
        '',
        'pods/binding',
        attributes.name,
        `pod ${attributes.name} is already assigned to node ${JSON.stringify(old.spec.nodeName)}`,
      );
    const object = structuredClone(old);
    object.spec.nodeName = body.target?.name;
    const conditions = (object.status?.conditions ?? []).filter(
      (condition: { type: string }) => condition.type !== 'PodScheduled',
    );
    object.status = {
      ...object.status,
      conditions: [
        ...conditions,
        { type: 'PodScheduled', status: 'True', lastProbeTime: null, lastTransitionTime: stamp(this.#o.clock) },
      ],
    };
    this.#o.store.put(kind.storage, object);
    return success(201);
  }

  #namespaceAccepts(kind: ResourceKind, object: KubeObject): void {
    if (!kind.namespaced) return;
    const name = object.metadata.namespace!;
    const namespace = this.#o.store.get(NAMESPACES, '', name);
    if (!namespace) throw notFound('', 'namespaces', name);
    if (namespace.metadata.deletionTimestamp) {
      throw failure(
        'Forbidden',
        `${kind.group ? `${kind.resource}.${kind.group}` : kind.resource} ${JSON.stringify(object.metadata.name)} is forbidden: unable to create new content in namespace ${name} because it is being terminated`,
        {
          name: object.metadata.name!,
          ...(kind.group ? { group: kind.group } : {}),
          kind: kind.resource,
          causes: [
            {
              reason: 'NamespaceTerminating',
              message: `namespace ${name} is being terminated`,
              field: 'metadata.namespace',
            },
          ],
        },
      );
    }
  }

  /** Puts `object` in the place of `old`: what a write may not change is kept, and a stale version is refused. */
  async #replace(draft: Draft, object: KubeObject, old: KubeObject, applied = false): Promise<KubeObject> {
    const { kind, attributes } = draft;
    const { metadata } = object;
    if (metadata.resourceVersion && metadata.resourceVersion !== old.metadata.resourceVersion) {
      throw conflict(
        kind.group,
        kind.resource,
        attributes.name,
        'the object has been modified; please apply your changes to the latest version and try again',
      );
    }
    if (metadata.uid && metadata.uid !== old.metadata.uid) {
      throw conflict(
        kind.group,
        kind.resource,
        attributes.name,
        `Precondition failed: UID in precondition: ${metadata.uid}, UID in object meta: ${old.metadata.uid}`,
      );
    }
    if (old.metadata.namespace) metadata.namespace = old.metadata.namespace;
    metadata.name = old.metadata.name!;
    metadata.uid = old.metadata.uid!;
    metadata.creationTimestamp = old.metadata.creationTimestamp!;
    keep(metadata, old.metadata, 'deletionTimestamp');
    keep(metadata, old.metadata, 'deletionGracePeriodSeconds');
    keep(metadata, old.metadata, 'generation');
    // Whoever sends them rewrites who owns what, as kubectl does before its first server-side apply.
    if (!applied && !metadata.managedFields?.length) keep(metadata, old.metadata, 'managedFields');
    if (attributes.subresource === 'status') {
      // A status write changes status and, of the metadata, what controllers keep there.
      for (const key of Object.keys(object))
        if (!['apiVersion', 'kind', 'metadata', 'status'].includes(key)) delete object[key];
      for (const [key, value] of Object.entries(old))
        if (!['apiVersion', 'kind', 'metadata', 'status'].includes(key)) object[key] = value;
      if (kind.custom)
        object.metadata = {
          ...old.metadata,
          ...(metadata.managedFields ? { managedFields: metadata.managedFields } : {}),
        };
    } else if (hasStatusSubresource(kind)) {
      if (old.status === undefined) delete object.status;
      else object.status = old.status;
    }
    return this.#commit.store(draft, object, old, 'UPDATE', applied);
  }

  #answer(draft: Draft, stored: KubeObject): ApiResponse {
    const { kind, request, attributes } = draft;
    const present = this.#o.reads.present(kind, stored);
    const value = attributes.subresource === 'scale' ? scaleOf(kind, present) : present;
    return { ...respond(request, kind, value, this.#o.clock), ...withWarnings(draft) };
  }
}

function keep<K extends keyof KubeObject['metadata']>(
  metadata: KubeObject['metadata'],
  old: KubeObject['metadata'],
  key: K,
): void {
  if (old[key] === undefined) delete metadata[key];
  else metadata[key] = old[key];
}
