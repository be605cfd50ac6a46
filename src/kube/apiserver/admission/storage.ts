import { compareQuantities } from '#kube/api/quantity.ts';
import { failure } from '#kube/api/status.ts';
import type { Store } from '#kube/store/store.ts';
import type { AdmissionPlugin } from '../seams.ts';

const FINALIZERS: Record<string, string> = {
  persistentvolumeclaims: 'kubernetes.io/pvc-protection',
  persistentvolumes: 'kubernetes.io/pv-protection',
};

/** Volumes and claims stay while they are used. Source: plugin/pkg/admission/storage/storageobjectinuseprotection. */
export const storageProtection: AdmissionPlugin = {
  name: 'StorageObjectInUseProtection',
  concerns: Object.keys(FINALIZERS),
  async mutate({ operation, group, resource, subresource }, object) {
    const finalizer = group === '' && !subresource ? FINALIZERS[resource] : undefined;
    if (operation !== 'CREATE' || !finalizer || !object) return object;
    const finalizers = object.metadata.finalizers ?? [];
    if (!finalizers.includes(finalizer)) object.metadata.finalizers = [...finalizers, finalizer];
    return object;
  },
};

const CLASSES = 'storage.k8s.io/storageclasses';
const IS_DEFAULT = 'storageclass.kubernetes.io/is-default-class';

/** A claim that names no class gets the default one; one that grows must be of a class that lets it. */
export function defaultStorageClass(store: Store): AdmissionPlugin {
  return {
    name: 'DefaultStorageClass',
    concerns: ['persistentvolumeclaims'],
    async mutate({ operation, group, resource, subresource }, claim) {
      if (operation !== 'CREATE' || group !== '' || resource !== 'persistentvolumeclaims' || subresource) return claim;
      if (!claim?.spec || claim.spec.storageClassName !== undefined) return claim;
      const chosen = store
        .list(CLASSES)
        .filter(({ metadata }) => metadata.annotations?.[IS_DEFAULT] === 'true')
        .sort((a, b) => (a.metadata.creationTimestamp! > b.metadata.creationTimestamp! ? -1 : 1))[0];
      if (chosen) claim.spec.storageClassName = chosen.metadata.name;
      return claim;
    },
    async validate({ operation, group, resource, subresource, name }, claim, old) {
      if (operation !== 'UPDATE' || group !== '' || resource !== 'persistentvolumeclaims' || subresource) return;
      const [now, before] = [claim?.spec?.resources?.requests?.storage, old?.spec?.resources?.requests?.storage];
      if (!now || !before || compareQuantities(now, before) <= 0) return;
      const found = store.get(CLASSES, '', claim?.spec?.storageClassName ?? '');
      if (found?.['allowVolumeExpansion'] === true) return;
      throw failure(
        'Forbidden',
        `persistentvolumeclaims ${JSON.stringify(name)} is forbidden: only dynamically provisioned pvc can be resized and the storageclass that provisions the pvc must support resize`,
        { name, kind: resource },
      );
    },
  };
}
