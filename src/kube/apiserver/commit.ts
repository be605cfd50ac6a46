import { rfc3339 } from '#base/rfc3339.ts';
import type { ApiRequest } from '#kube/api/http.ts';
import { trackUpdate } from '#kube/api/patch/apply.ts';
import { same } from '#kube/api/patch/field-set.ts';
import { alreadyExists, conflict, notFound } from '#kube/api/status.ts';
import type { KubeObject } from '#kube/api/types.ts';
import { pruneAndDefault, validateCustom, validateDefinition } from './custom.ts';
import { applyDefaults } from './defaults/defaults.ts';
import { type Draft, stamp, type WriteOptions, writerOf } from './draft.ts';
import { folded } from './folded.ts';
import { apiVersionOf, type CrdVersion, type ResourceKind } from './kinds.ts';
import type { AdmissionAttributes, AdmissionPlugin } from './seams.ts';
import { validateBuiltIn } from './validation/validation.ts';

const NAMESPACES = '/namespaces';
const TEMPLATE_GENERATION = 'deprecated.daemonset.template.generation';

/** A DaemonSet's annotation counts its templates (pkg/apis/apps/v1/conversion.go). */
function templateGeneration(object: KubeObject, old: KubeObject): void {
  const before = old.metadata.annotations?.[TEMPLATE_GENERATION];
  const count = Number(before ?? 0) + (same(object.spec?.template, old.spec?.template) ? 0 : 1);
  object.metadata.annotations = { ...object.metadata.annotations, [TEMPLATE_GENERATION]: String(count) };
}

/** The last steps of a write: defaults, admission, validation, ownership of fields, then the store. */
export class Commit {
  readonly #o: WriteOptions;

  constructor(options: WriteOptions) {
    this.#o = options;
  }

  async store(
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
    else validateBuiltIn(kind, object, old, attributes.subresource, draft.nameCauses);
    if (kind.storage === 'apiextensions.k8s.io/customresourcedefinitions') establish(object, clock.now());
    await this.admit(draft, object, old, operation);

    nextGeneration(kind, object, old, attributes.subresource);
    const before = old && reads.present(kind, old);
    if (old && before && unchanged(object, before)) return old;
    if (!applied) {
      const manager = draft.request.query.get('fieldManager') || managerOf(draft.request);
      object.metadata.managedFields = trackUpdate(before, object, schema, writerOf(draft, manager, stamp(clock)));
      if (object.metadata.managedFields.length === 0) delete object.metadata.managedFields;
    }
    const settled = admissionOf(draft, object, operation);
    for (const plugin of this.#o.admission()) plugin.settle?.(settled, object, old);
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
      this.remove(kind, object);
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
    const asked = admissionOf(draft, object, operation);
    const plugins = this.#o.admission().filter((each) => each.mutate && isConcerned(each, asked));
    const run = async (plugin: AdmissionPlugin) => {
      current = (await plugin.mutate!(asked, current, old, (text) => draft.warnings.push(text))) ?? current;
    };
    let again = false;
    for (const plugin of plugins) {
      const before = current;
      await run(plugin);
      if (plugin.isRemote && current !== before) again = true;
    }
    // What webhooks added is looked at once more by those that are built in (apiserver/pkg/admission, reinvocation).
    if (again) for (const plugin of plugins) if (!plugin.isRemote) await run(plugin);
    return current;
  }

  async admit(
    draft: Draft,
    object: KubeObject | undefined,
    old: KubeObject | undefined,
    operation: 'CREATE' | 'UPDATE' | 'DELETE',
  ): Promise<void> {
    if (draft.attributes.subresource === 'status') return;
    const asked = admissionOf(draft, object ?? old, operation);
    for (const plugin of this.#o.admission()) {
      if (!plugin.validate || !isConcerned(plugin, asked)) continue;
      await plugin.validate(asked, object, old, (text) => draft.warnings.push(text));
    }
  }

  remove(kind: ResourceKind, object: KubeObject): undefined {
    this.#o.store.remove(kind.storage, object.metadata.namespace ?? '', object.metadata.name!);
    if (kind.storage === '/services') this.#o.addresses.release(object);
    return undefined;
  }
}

const isConcerned = ({ concerns }: AdmissionPlugin, { resource }: AdmissionAttributes): boolean =>
  concerns === undefined || concerns.includes(resource);

function admissionOf(
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
function nextGeneration(
  kind: ResourceKind,
  object: KubeObject,
  old: KubeObject | undefined,
  subresource: string,
): void {
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
    if (kind.kind === 'DaemonSet')
      object.metadata.annotations = { ...object.metadata.annotations, [TEMPLATE_GENERATION]: '1' };
    return;
  }
  if (subresource === 'status') return;
  const asked = (one: KubeObject) =>
    Object.fromEntries(
      Object.entries(one).filter(([key]) => !['metadata', 'status', 'apiVersion', 'kind'].includes(key)),
    );
  // A Deployment's annotations are copied to what it makes, so they count as well.
  const noted = (one: KubeObject) => (kind.kind === 'Deployment' ? (one.metadata.annotations ?? {}) : {});
  if (kind.kind === 'DaemonSet') templateGeneration(object, old);
  const isSame = same(asked(object), asked(old)) && same(noted(object), noted(old));
  object.metadata.generation = (old.metadata.generation ?? 0) + (isSame ? 0 : 1);
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

/** Custom resources are kept in their storage version; conversion is None, but what that version does not know is lost. */
function inStorageVersion(kind: ResourceKind, object: KubeObject): KubeObject {
  const versions = (kind.custom?.definition.spec.versions ?? []) as CrdVersion[];
  const stored = versions.find((version) => version.storage);
  if (!stored || stored.name === kind.version) return object;
  const converted = { ...structuredClone(object), apiVersion: apiVersionOf(kind.group, stored.name) };
  pruneAndDefault(converted, stored.schema?.openAPIV3Schema, []);
  return converted;
}

/** A definition is served at once: its names are accepted unless they are taken, which nothing here contests. */
function establish(definition: KubeObject, nowMs: number): void {
  validateDefinition(definition);
  // Versions repeat each other, and the schemas of fields repeat within.
  definition.spec.versions = folded(definition.spec.versions);
  const at = rfc3339(nowMs);
  const { spec } = definition;
  spec.names.singular ??= spec.names.kind.toLowerCase();
  spec.names.listKind ??= `${spec.names.kind}List`;
  spec.conversion ??= { strategy: 'None' };
  if ((definition.status?.conditions ?? []).length > 0) return;
  const approval = definition.metadata.annotations?.['api-approved.kubernetes.io'];
  definition.status = {
    conditions: [
      ...(approval && /\.(k8s|kubernetes)\.io$/.test(spec.group)
        ? [
            {
              type: 'KubernetesAPIApprovalPolicyConformant',
              status: 'True',
              lastTransitionTime: at,
              reason: 'ApprovedAnnotation',
              message: `approved in ${approval}`,
            },
          ]
        : []),
      {
        type: 'NamesAccepted',
        status: 'True',
        lastTransitionTime: at,
        reason: 'NoConflicts',
        message: 'no conflicts found',
      },
      {
        type: 'Established',
        status: 'True',
        lastTransitionTime: at,
        reason: 'InitialNamesAccepted',
        message: 'the initial names have been accepted',
      },
    ],
    acceptedNames: spec.names,
    storedVersions: [spec.versions.find((version: { storage: boolean }) => version.storage).name],
  };
}

/** The manager of a write without fieldManager is the first word of the User-Agent. */
const managerOf = (request: ApiRequest): string => (request.headers['user-agent'] ?? '').split('/')[0] || 'unknown';
