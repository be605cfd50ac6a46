import type { Clock } from '#base/clock.ts';
import { nameSuffix, uuid } from '#base/ids.ts';
import { goPrint } from '#kube/api/go-json.ts';
import type { ApiRequest, ApiResponse } from '#kube/api/http.ts';
import { serverSideApply, trackUpdate, type Writer } from '#kube/api/patch/apply.ts';
import { same } from '#kube/api/patch/field-set.ts';
import { jsonPatch } from '#kube/api/patch/json.ts';
import { mergePatch } from '#kube/api/patch/merge.ts';
import { strategicMerge } from '#kube/api/patch/strategic.ts';
import { alreadyExists, conflict, failure, invalid, notFound, type StatusError } from '#kube/api/status.ts';
import type { KubeObject } from '#kube/api/types.ts';
import type { Store } from '#kube/store/store.ts';
import { readBody } from './body.ts';
import { pruneAndDefault, validateCustom, validateDefinition } from './custom.ts';
import { decodeProblem, type TypeProblem } from './decode.ts';
import { applyDefaults } from './defaults/defaults.ts';
import { apiVersionOf, type Kinds, type ResourceKind } from './kinds.ts';
import { checkName } from './names.ts';
import { type Reads, respond } from './reads.ts';
import { scaleOf, withScale } from './scale.ts';
import type { AdmissionAttributes, AdmissionPlugin, Attributes } from './seams.ts';
import type { ServiceAddresses } from './service-addresses.ts';
import { strictProblems } from './strict.ts';
import { validateBuiltIn } from './validation/validation.ts';

interface WriteOptions {
  store: Store;
  kinds: Kinds;
  clock: Clock;
  reads: Reads;
  addresses: ServiceAddresses;
  admission: () => AdmissionPlugin[];
}

interface Draft {
  kind: ResourceKind;
  attributes: Attributes;
  request: ApiRequest;
  dryRun: boolean;
  warnings: string[];
}

/** Conflicts of a patch with another writer are retried this often before they are the caller's. */
const PATCH_ATTEMPTS = 5;
const NAMESPACES = '/namespaces';

/** Everything that changes what is stored: admission, defaults, validation, ownership of fields, then the store. */
export class Writes {
  readonly #o: WriteOptions;

  constructor(options: WriteOptions) {
    this.#o = options;
  }

  async create(kind: ResourceKind, attributes: Attributes, request: ApiRequest): Promise<ApiResponse> {
    const draft = this.#draft(kind, attributes, request);
    const object = this.#received(draft);
    if (attributes.name && object.metadata.name === undefined) object.metadata.name = attributes.name;
    this.#place(draft, object);
    const generated = !object.metadata.name && !!object.metadata.generateName;
    if (generated) object.metadata.name = object.metadata.generateName!.slice(0, 58) + nameSuffix();
    checkName(kind.group, kind.resource, kind.kind, object.metadata.name ?? '', generated);
    this.#namespaceAccepts(kind, object);
    if (object.metadata.resourceVersion) {
      throw failure('BadRequest', 'resourceVersion should not be set on objects to be created');
    }
    const { metadata } = object;
    metadata.uid = uuid();
    metadata.creationTimestamp = this.#now();
    delete metadata.deletionTimestamp;
    delete metadata.deletionGracePeriodSeconds;
    delete metadata.managedFields;
    if (hasStatusSubresource(kind)) delete object.status;
    const stored = await this.#store(draft, object, undefined, 'CREATE');
    return {
      ...respond(request, kind, this.#o.reads.present(kind, stored), this.#o.clock, 201),
      ...withWarnings(draft),
    };
  }

  async update(kind: ResourceKind, attributes: Attributes, request: ApiRequest): Promise<ApiResponse> {
    const draft = this.#draft(kind, attributes, request);
    const received = this.#received(draft, attributes.subresource === 'scale');
    const { store, reads } = this.#o;
    const old = store.get(kind.storage, kind.namespaced ? attributes.namespace : '', attributes.name);
    if (!old) throw notFound(kind.group, kind.resource, attributes.name);
    if (received.metadata.name !== undefined && received.metadata.name !== attributes.name) {
      throw failure(
        'BadRequest',
        `the name of the object (${received.metadata.name}) does not match the name on the URL (${attributes.name})`,
      );
    }
    const object = attributes.subresource === 'scale' ? withScale(kind, reads.present(kind, old), received) : received;
    const stored = await this.#replace(draft, object, old);
    return this.#answer(draft, stored);
  }

  async patch(kind: ResourceKind, attributes: Attributes, request: ApiRequest): Promise<ApiResponse> {
    const draft = this.#draft(kind, attributes, request);
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
        throw invalid(kind.group, kind.kind, attributes.name, [
          {
            reason: 'FieldValueInvalid',
            message: `Invalid value: ${JSON.stringify(patched.metadata.name ?? '')}: field is immutable`,
            field: 'metadata.name',
          },
        ]);
      const object = attributes.subresource === 'scale' ? withScale(kind, present, patched) : patched;
      const pinned = (patch as KubeObject | undefined)?.metadata?.resourceVersion;
      if (!pinned) object.metadata.resourceVersion = old.metadata.resourceVersion!;
      this.#checkFields(draft, object);
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
        return await this.#apply(this.#draft(kind, attributes, request));
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
    this.#checkFields(draft, applied);
    const writer = this.#writer(draft, manager);
    const object = structuredClone(
      serverSideApply(live, applied, kind.schema(), writer, request.query.get('force') === 'true'),
    );
    if (old) {
      object.metadata.resourceVersion = old.metadata.resourceVersion!;
      return this.#answer(draft, await this.#replace(draft, object, old, true));
    }
    if (attributes.subresource) throw notFound(kind.group, kind.resource, attributes.name);
    this.#place(draft, object);
    checkName(kind.group, kind.resource, kind.kind, object.metadata.name!, false);
    this.#namespaceAccepts(kind, object);
    object.metadata.uid = uuid();
    object.metadata.creationTimestamp = this.#now();
    if (hasStatusSubresource(kind)) delete object.status;
    const stored = await this.#store(draft, object, undefined, 'CREATE', true);
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
        { type: 'PodScheduled', status: 'True', lastProbeTime: null, lastTransitionTime: this.#now() },
      ],
    };
    this.#o.store.put(kind.storage, object);
    return success(201);
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
    const draft = this.#draft(kind, attributes, request);
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
      await this.#deleteOne(this.#draft(kind, one, request), this.#o.reads.find(kind, one)).catch(
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
    await this.#admit(draft, undefined, object, 'DELETE');
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
    if (!stays) return this.#remove(kind, object);

    if (metadata.deletionTimestamp) {
      // A second deletion may shorten the grace, never lengthen it.
      const shorter = grace < (metadata.deletionGracePeriodSeconds ?? 0);
      if (!shorter && same([...finalizers], metadata.finalizers ?? [])) return object;
      if (shorter && grace === 0 && finalizers.size === 0) return this.#remove(kind, object);
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

  #remove(kind: ResourceKind, object: KubeObject): undefined {
    this.#o.store.remove(kind.storage, object.metadata.namespace ?? '', object.metadata.name!);
    if (kind.storage === '/services') this.#o.addresses.release(object);
    return undefined;
  }

  #draft(kind: ResourceKind, attributes: Attributes, request: ApiRequest): Draft {
    const dryRun = request.query.get('dryRun');
    if (dryRun && dryRun !== 'All')
      throw failure('BadRequest', `dryRun: Unsupported value: ${JSON.stringify(dryRun)}: supported values: "All"`);
    return { kind, attributes, request, dryRun: dryRun === 'All', warnings: [] };
  }

  /** The object that a request carries, as a private copy, checked against its address. */
  #received(draft: Draft, isScale = false): KubeObject {
    const { kind, request } = draft;
    const object = structuredClone(readBody(request)) as KubeObject;
    checkShape(object);
    const apiVersion = apiVersionOf(kind.group, kind.version);
    if (!isScale) {
      object.apiVersion ||= apiVersion;
      object.kind ||= kind.kind;
      if (object.kind !== kind.kind || object.apiVersion !== apiVersion) {
        if (!(kind.storage === '/events' && object.kind === 'Event')) {
          throw failure(
            'BadRequest',
            `${object.kind} in version ${JSON.stringify(object.apiVersion)} cannot be handled as a ${kind.kind}: no kind ${JSON.stringify(object.kind)} is registered for version ${JSON.stringify(apiVersion)} in scheme "k8s.io/kubernetes/pkg/api/legacyscheme/scheme.go:30"`,
          );
        }
        object.apiVersion = apiVersion;
      }
      this.#checkFields(draft, object);
    }
    return object;
  }

  /** Unknown and duplicate fields: an error, a warning or nothing, as `fieldValidation` asks. */
  #checkFields({ kind, request, warnings }: Draft, object: KubeObject): void {
    const mode = request.query.get('fieldValidation') ?? 'Warn';
    if (kind.custom) {
      const unknown: string[] = [];
      pruneAndDefault(object, kind.schema(), unknown);
      report(
        unknown.map((path) => `unknown field ${JSON.stringify(path)}`),
        mode,
        warnings,
      );
      return;
    }
    const decoded = request.method === 'POST' || request.method === 'PUT';
    const as = `${kind.kind} in version ${JSON.stringify(kind.version)} cannot be handled as a ${kind.kind}`;
    const wrong = decodeProblem(object, kind.schema());
    if (wrong) throw decoded ? failure('BadRequest', `${as}: ${wrong.json}`) : wrongPatch(request, object, as, wrong);
    if (mode === 'Ignore') return;
    report(strictProblems(object, kind), mode, warnings, decoded ? as : undefined);
  }

  #place({ kind, attributes }: Draft, object: KubeObject): void {
    if (!kind.namespaced) {
      delete object.metadata.namespace;
      return;
    }
    if (object.metadata.namespace && object.metadata.namespace !== attributes.namespace) {
      throw failure(
        'BadRequest',
        `the namespace of the provided object does not match the namespace sent on the request`,
      );
    }
    object.metadata.namespace = attributes.namespace;
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
    if (!applied) keep(metadata, old.metadata, 'managedFields');
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
    return this.#store(draft, object, old, 'UPDATE', applied);
  }

  async #store(
    draft: Draft,
    incoming: KubeObject,
    old: KubeObject | undefined,
    operation: 'CREATE' | 'UPDATE',
    applied = false,
  ): Promise<KubeObject> {
    const { kind, attributes, dryRun } = draft;
    const { store, clock, reads, addresses } = this.#o;
    const schema = kind.schema();
    if (kind.custom) pruneAndDefault(incoming, schema, []);
    else applyDefaults(kind, incoming, old);
    let object = attributes.subresource === 'status' ? incoming : await this.#admitted(draft, incoming, old, operation);
    if (kind.custom) pruneAndDefault(object, schema, []);
    else applyDefaults(kind, object, old);
    if (kind.storage === '/services' && !attributes.subresource) addresses.allocate(object, old, dryRun);
    if (kind.custom) await validateCustom(kind, object, old);
    else validateBuiltIn(kind, object, old, attributes.subresource);
    if (kind.storage === 'apiextensions.k8s.io/customresourcedefinitions') establish(object, clock.now());
    await this.#admit(draft, object, old, operation);

    this.#generation(kind, object, old, attributes.subresource);
    const before = old && reads.present(kind, old);
    if (old && before && unchanged(object, before)) return old;
    if (!applied) {
      const manager = draft.request.query.get('fieldManager') || managerOf(draft.request);
      object.metadata.managedFields = trackUpdate(before, object, schema, this.#writer(draft, manager));
      if (object.metadata.managedFields.length === 0) delete object.metadata.managedFields;
    }
    // Time passed while admission was asked: whoever wrote meanwhile wins.
    const current = store.get(kind.storage, object.metadata.namespace ?? '', object.metadata.name!);
    if (operation === 'CREATE' && current) throw alreadyExists(kind.group, kind.resource, object.metadata.name!);
    if (old && current !== old) {
      if (!current) throw notFound(kind.group, kind.resource, object.metadata.name!);
      throw conflict(
        kind.group,
        kind.resource,
        object.metadata.name!,
        'the object has been modified; please apply your changes to the latest version and try again',
      );
    }
    if (dryRun) {
      if (old) object.metadata.resourceVersion = old.metadata.resourceVersion!;
      else delete object.metadata.resourceVersion;
      return object;
    }
    object = inStorageVersion(kind, object);
    const emptied =
      object.metadata.deletionTimestamp &&
      !object.metadata.finalizers?.length &&
      (object.metadata.deletionGracePeriodSeconds ?? 0) === 0;
    if (emptied && !(kind.storage === NAMESPACES && (object.spec?.finalizers ?? []).length > 0)) {
      this.#remove(kind, object);
      return object;
    }
    return store.put(kind.storage, object);
  }

  async #admitted(
    draft: Draft,
    object: KubeObject,
    old: KubeObject | undefined,
    operation: 'CREATE' | 'UPDATE',
  ): Promise<KubeObject> {
    let current = object;
    for (const plugin of this.#o.admission()) {
      current =
        (await plugin.mutate?.(this.#admissionOf(draft, object, operation), current, old, (text) =>
          draft.warnings.push(text),
        )) ?? current;
    }
    return current;
  }

  async #admit(
    draft: Draft,
    object: KubeObject | undefined,
    old: KubeObject | undefined,
    operation: 'CREATE' | 'UPDATE' | 'DELETE',
  ): Promise<void> {
    if (draft.attributes.subresource === 'status') return;
    for (const plugin of this.#o.admission()) {
      await plugin.validate?.(this.#admissionOf(draft, object ?? old, operation), object, old, (text) =>
        draft.warnings.push(text),
      );
    }
  }

  #admissionOf(
    { kind, attributes, dryRun }: Draft,
    object: KubeObject | undefined,
    operation: AdmissionAttributes['operation'],
  ): AdmissionAttributes {
    return {
      operation,
      group: kind.group,
      version: kind.version,
      resource: kind.resource,
      subresource: attributes.subresource,
      kind: kind.kind,
      namespace: object?.metadata.namespace ?? attributes.namespace,
      name: object?.metadata.name ?? attributes.name,
      user: attributes.user,
      dryRun,
    };
  }

  /** Generation grows when what is asked for changes; kinds without a status of their own have none. */
  #generation(kind: ResourceKind, object: KubeObject, old: KubeObject | undefined, subresource: string): void {
    if (
      !kind.subresources.some((known) => known.name === 'status') &&
      !['ReplicaSet', 'EndpointSlice', 'ValidatingWebhookConfiguration', 'MutatingWebhookConfiguration'].includes(
        kind.kind,
      ) &&
      !kind.custom
    )
      return;
    if (
      ['Namespace', 'Node', 'Service', 'PersistentVolume', 'PersistentVolumeClaim', 'ResourceQuota'].includes(kind.kind)
    )
      return;
    if (!old) {
      object.metadata.generation = 1;
      return;
    }
    if (subresource === 'status') return;
    const asked = (one: KubeObject) =>
      Object.fromEntries(
        Object.entries(one).filter(([key]) => !['metadata', 'status', 'apiVersion', 'kind'].includes(key)),
      );
    object.metadata.generation = (old.metadata.generation ?? 0) + (same(asked(object), asked(old)) ? 0 : 1);
  }

  #writer({ kind, attributes }: Draft, manager: string): Writer {
    const { subresource } = attributes;
    return {
      manager,
      apiVersion: apiVersionOf(kind.group, kind.version),
      time: this.#now(),
      ...(subresource ? { subresource } : {}),
    };
  }

  #answer(draft: Draft, stored: KubeObject): ApiResponse {
    const { kind, request, attributes } = draft;
    const present = this.#o.reads.present(kind, stored);
    const value = attributes.subresource === 'scale' ? scaleOf(kind, present) : present;
    return { ...respond(request, kind, value, this.#o.clock), ...withWarnings(draft) };
  }

  #now(): string {
    return new Date(this.#o.clock.now()).toISOString().replace(/\.\d+Z$/, 'Z');
  }
}

function patchWith(type: string, base: KubeObject, patch: unknown, kind: ResourceKind): unknown {
  switch (type) {
    case 'application/json-patch+json':
      return jsonPatch(base, patch);
    case 'application/merge-patch+json':
      return structuredClone(mergePatch(base, patch));
    case 'application/strategic-merge-patch+json':
      if (kind.custom) break;
      return structuredClone(strategicMerge(base, patch, kind.schema()));
  }
  const supported = kind.custom
    ? 'application/json-patch+json, application/merge-patch+json, application/apply-patch+yaml'
    : 'application/json-patch+json, application/merge-patch+json, application/strategic-merge-patch+json, application/apply-patch+yaml, application/apply-patch+cbor';
  throw failure(
    'UnsupportedMediaType',
    `the body of the request was in an unknown format - accepted media types include: ${supported}`,
  );
}

/** `as` names the kind that a request's object was to be, as decoders say it; absent for patches and custom kinds. */
function report(problems: string[], mode: string, warnings: string[], as?: string): void {
  if (problems.length === 0 || mode === 'Ignore') return;
  if (mode === 'Strict')
    throw failure('BadRequest', `${as ? `${as}: ` : ''}strict decoding error: ${problems.join(', ')}`);
  warnings.push(...problems);
}

/** What is said of a patch whose result is not of its kind any more (apiserver/pkg/endpoints/handlers/patch.go). */
function wrongPatch(request: ApiRequest, object: KubeObject, as: string, wrong: TypeProblem): StatusError {
  const strategic = (request.headers['content-type'] ?? '').startsWith('application/strategic');
  const patch = readBody(request);
  const [value, why] = strategic ? [goPrint(patch), wrong.converter] : [JSON.stringify(object), `${as}: ${wrong.json}`];
  const message = `Invalid value: ${JSON.stringify(value)}: ${why}`;
  return failure('Invalid', ` "" is invalid: patch: ${message}`, {
    causes: [{ reason: 'FieldValueInvalid', message, field: 'patch' }],
  });
}

function checkShape(object: KubeObject): void {
  if (typeof object !== 'object' || object === null || Array.isArray(object))
    throw failure('BadRequest', 'the object provided is not an object');
  object.metadata ??= {};
  if (typeof object.metadata !== 'object' || Array.isArray(object.metadata)) {
    throw failure(
      'BadRequest',
      `${object.kind ?? 'object'} in version ${JSON.stringify(object.apiVersion ?? '')} cannot be handled as a ${object.kind ?? 'object'}: json: cannot unmarshal into Go struct field .metadata of type v1.ObjectMeta`,
    );
  }
  for (const field of ['name', 'namespace', 'generateName', 'resourceVersion', 'uid'] as const) {
    const value: unknown = object.metadata[field];
    if (value === null) delete object.metadata[field];
    else if (value !== undefined && typeof value !== 'string') {
      throw failure(
        'BadRequest',
        `json: cannot unmarshal ${typeof value} into Go struct field ObjectMeta.metadata.${field} of type string`,
      );
    }
  }
  for (const field of ['labels', 'annotations'] as const) {
    const map: unknown = object.metadata[field];
    if (map === null) delete object.metadata[field];
    if (typeof map !== 'object' || map === null) continue;
    for (const value of Object.values(map)) {
      if (typeof value !== 'string') {
        throw failure(
          'BadRequest',
          `${object.kind ?? 'object'} in version ${JSON.stringify((object.apiVersion ?? '').split('/').at(-1))} cannot be handled as a ${object.kind}: json: cannot unmarshal ${typeof value === 'boolean' ? 'bool' : typeof value} into Go struct field ObjectMeta.metadata.${field} of type string`,
        );
      }
    }
  }
}

const hasStatusSubresource = (kind: ResourceKind): boolean =>
  kind.subresources.some((known) => known.name === 'status') &&
  kind.storage !== 'apiextensions.k8s.io/customresourcedefinitions';

function keep<K extends keyof KubeObject['metadata']>(
  metadata: KubeObject['metadata'],
  old: KubeObject['metadata'],
  key: K,
): void {
  if (old[key] === undefined) delete metadata[key];
  else metadata[key] = old[key];
}

const isFinished = (pod: KubeObject): boolean => ['Succeeded', 'Failed'].includes(pod.status?.phase);

function numberOr(text: string | null): number | undefined {
  const value = text === null || text === '' ? undefined : Number(text);
  return value !== undefined && Number.isInteger(value) && value >= 0 ? value : undefined;
}

/** Compares everything but resourceVersion and managedFields times. */
function unchanged(object: KubeObject, old: KubeObject): boolean {
  const plain = ({ metadata, ...rest }: KubeObject) => {
    const { resourceVersion: _, managedFields: __, ...meta } = metadata;
    return { ...rest, metadata: meta };
  };
  return (
    same(plain(object), plain(old)) &&
    (object.metadata.managedFields === undefined || same(object.metadata.managedFields, old.metadata.managedFields))
  );
}

/** Custom resources are kept in their storage version; conversion is None, so only apiVersion differs. */
function inStorageVersion(kind: ResourceKind, object: KubeObject): KubeObject {
  const stored = kind.custom?.definition.spec.versions.find((version: { storage: boolean }) => version.storage)?.name;
  return stored && stored !== kind.version ? { ...object, apiVersion: apiVersionOf(kind.group, stored) } : object;
}

/** A definition is served at once: its names are accepted unless they are taken, which nothing here contests. */
function establish(definition: KubeObject, nowMs: number): void {
  validateDefinition(definition);
  const at = new Date(nowMs).toISOString().replace(/\.\d+Z$/, 'Z');
  const { spec } = definition;
  spec.names.singular ??= spec.names.kind.toLowerCase();
  spec.names.listKind ??= `${spec.names.kind}List`;
  spec.conversion ??= { strategy: 'None' };
  if ((definition.status?.conditions ?? []).length > 0) return;
  definition.status = {
    conditions: [
      {
        type: 'NamesAccepted',
        status: 'True',
        lastTransitionTime: at,
        reason: 'NoConflicts',
        message: 'no conflicts found',
        observedGeneration: 1,
      },
      {
        type: 'Established',
        status: 'True',
        lastTransitionTime: at,
        reason: 'InitialNamesAccepted',
        message: 'the initial names have been accepted',
        observedGeneration: 1,
      },
    ],
    acceptedNames: spec.names,
    storedVersions: [spec.versions.find((version: { storage: boolean }) => version.storage).name],
  };
}

/** The manager of a write without fieldManager is the first word of the User-Agent. */
const managerOf = (request: ApiRequest): string => (request.headers['user-agent'] ?? '').split('/')[0] || 'unknown';

const withWarnings = ({ warnings }: Draft): { warnings?: string[] } => (warnings.length > 0 ? { warnings } : {});

const success = (code: number): ApiResponse => ({
  status: code,
  body: { type: 'object', value: { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', code } },
});
