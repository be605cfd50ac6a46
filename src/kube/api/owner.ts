import type { KubeObject, OwnerReference } from './types.ts';

/** What says that an object belongs to a controller, and goes with it. */
export const ownedBy = (owner: KubeObject): OwnerReference => ({
  apiVersion: owner.apiVersion,
  kind: owner.kind,
  name: owner.metadata.name!,
  uid: owner.metadata.uid!,
  controller: true,
  blockOwnerDeletion: true,
});
