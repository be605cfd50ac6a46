import { type FieldSet, union } from '#kube/api/patch/field-set.ts';
import type { KubeObject, ManagedFieldsEntry } from '#kube/api/types.ts';
import type { Target } from '#kube/client/client.ts';
import { LAST_APPLIED } from './apply.ts';
import { dryRunOf, writeOptions } from './changed.ts';
import { CliError, isStatus } from './errors.ts';
import type { Manifest } from './manifests.ts';
import { targetOf } from './targets.ts';
import type { Invocation } from './verb.ts';

const MANAGER = 'kubectl';
const OLD_MANAGER = 'kubectl-client-side-apply';
const MEMORY_MANAGER = 'kubectl-last-applied';

const CONFLICT_ADVICE = `Please review the fields above--they currently have other managers. Here
are the ways you can resolve this warning:
* If you intend to manage all of these fields, please re-run the apply
  command with the \`--force-conflicts\` flag.
* If you do not intend to manage all of the fields, please edit your
  manifest to remove references to the fields that should keep their
  current managers.
* You may co-own fields by updating your manifest to match the existing
  value; in this case, you'll become the manager if the other manager(s)
  stop managing the field (remove it from their configuration).
See https://kubernetes.io/docs/reference/using-api/server-side-apply/#conflicts`;

/**
 * `apply --server-side`. An object that was applied from here before keeps its memory of that, and its fields
 * go over from the old manager to the new one (kubectl/pkg/cmd/apply, csaupgrade).
 */
export async function applyOnServer(k: Invocation, manifest: Manifest): Promise<KubeObject> {
  const { object, resource, namespace } = manifest;
  const { name } = object.metadata;
  if (!name) throw new CliError('cannot use generate name with apply');
  const target = targetOf(resource, namespace);
  const fieldManager = k.flags.has('field-manager') ? k.flags.get('field-manager') : MANAGER;
  const options = { ...writeOptions(k, MANAGER), fieldManager };
  const apply = () =>
    k.client
      .patch(target, name, 'apply', object, { ...options, force: k.flags.bool('force-conflicts') })
      .catch((error: unknown) => {
        if (!isStatus(error, 'Conflict')) throw error;
        throw new CliError(`${error.message}\n${CONFLICT_ADVICE}`);
      });
  const result = await apply();
  if (fieldManager !== MANAGER || result.metadata.annotations?.[LAST_APPLIED] === undefined) return result;
  const remembered = await remember(k, target, result).catch(async (error: Error) => {
    await k.err(
      `Warning: failed to migrate ${LAST_APPLIED} for Server-Side Apply. This is non-fatal and will be retried next time you apply. Error: ${error.message}\n`,
    );
  });
  if (!remembered) return result;
  if (!(await handOver(k, target, remembered))) return remembered;
  return dryRunOf(k) === 'none' ? apply() : remembered;
}

/** Makes the annotation that is there the property of a manager of its own, so that it outlives the old one. */
async function remember(k: Invocation, target: Target, live: KubeObject): Promise<KubeObject> {
  const { apiVersion, kind, metadata } = live;
  const { name, namespace, annotations = {} } = metadata;
  const body: KubeObject = {
    apiVersion,
    kind,
    metadata: {
      annotations: { [LAST_APPLIED]: annotations[LAST_APPLIED]! },
      name: name!,
      ...(namespace === undefined ? {} : { namespace }),
    },
  };
  return k.client.patch(target, name!, 'apply', body, { ...writeOptions(k, MANAGER), fieldManager: MEMORY_MANAGER });
}

/** Gives the fields of the old manager to the new one; false when there were none. */
async function handOver(k: Invocation, target: Target, { metadata }: KubeObject): Promise<boolean> {
  const entries = metadata.managedFields ?? [];
  const isOld = (each: ManagedFieldsEntry) =>
    each.manager === OLD_MANAGER && each.operation === 'Update' && !each.subresource;
  const old = entries.filter(isOld);
  if (old.length === 0) return false;
  const value = entries
    .filter((each) => !isOld(each))
    .map((each) =>
      each.manager === MANAGER && each.operation === 'Apply'
        ? {
            ...each,
            fieldsV1: old.reduce((fields, one) => union(fields, one.fieldsV1 as FieldSet), each.fieldsV1 as FieldSet),
          }
        : each,
    );
  const patch = [
    { op: 'replace', path: '/metadata/managedFields', value },
    { op: 'replace', path: '/metadata/resourceVersion', value: metadata.resourceVersion },
  ];
  await k.client.patch(target, metadata.name!, 'json', patch, { ...writeOptions(k, MANAGER), fieldManager: MANAGER });
  return true;
}
