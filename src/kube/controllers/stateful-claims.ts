import { ownedBy } from '#kube/api/owner.ts';
import type { KubeObject } from '#kube/api/types.ts';
import { type ControllerContext, ignoreGone, MANAGER } from './context.ts';

export const COMPONENT = 'statefulset-controller';

const retention = (set: KubeObject): { whenDeleted?: string; whenScaled?: string } =>
  set.spec.persistentVolumeClaimRetentionPolicy ?? {};

/** The claim of a pod's place in a StatefulSet: made when it is not there, and no longer of the pod that left that place. */
export async function ensureClaim(
  context: ControllerContext,
  set: KubeObject,
  podName: string,
  name: string,
  template: KubeObject,
): Promise<void> {
  const target = context.target('persistentvolumeclaims', set.metadata.namespace);
  const owners = retention(set).whenDeleted === 'Delete' ? { ownerReferences: [ownedBy(set)] } : {};
  const claim: KubeObject = {
    ...template,
    apiVersion: 'v1',
    kind: 'PersistentVolumeClaim',
    metadata: {
      ...template.metadata,
      name,
      namespace: set.metadata.namespace!,
      labels: { ...template.metadata.labels, ...set.spec.selector.matchLabels },
      ...owners,
    },
  };
  try {
    const { status: _, ...made } = claim;
    await context.client.create(target, made, { fieldManager: MANAGER });
    const words = `Create Claim ${name} Pod ${podName} in StatefulSet ${set.metadata.name} success`;
    context.event(set, 'Normal', 'SuccessfulCreate', words, COMPONENT);
  } catch (error) {
    if ((error as { reason?: string }).reason !== 'AlreadyExists') throw error;
    const found = await context.client.get(target, name);
    if (found.metadata.ownerReferences?.some(({ kind }) => kind === 'Pod'))
      await context.client
        .update(
          target,
          { ...found, metadata: { ...found.metadata, ownerReferences: owners.ownerReferences ?? [] } },
          { fieldManager: MANAGER },
        )
        .catch(ignoreGone);
  }
}

/** Where claims of a smaller set are deleted, they become the leaving pod's, and go when it is gone. */
export async function claimsGoWith(context: ControllerContext, set: KubeObject, pod: KubeObject): Promise<void> {
  if (retention(set).whenScaled !== 'Delete') return;
  const target = context.target('persistentvolumeclaims', set.metadata.namespace);
  for (const { metadata } of (set.spec.volumeClaimTemplates ?? []) as KubeObject[]) {
    const { controller: _, ...owner } = ownedBy({ ...pod, apiVersion: 'v1', kind: 'Pod' });
    const ownerReferences = [{ ...owner, controller: true }];
    await context.client
      .patch(
        target,
        `${metadata.name}-${pod.metadata.name}`,
        'merge',
        { metadata: { ownerReferences } },
        { fieldManager: MANAGER },
      )
      .then(() => undefined, ignoreGone);
  }
}
