import type { AdmissionPlugin } from '../seams.ts';

const FINALIZERS: Record<string, string> = {
  persistentvolumeclaims: 'kubernetes.io/pvc-protection',
  persistentvolumes: 'kubernetes.io/pv-protection',
};

/** Volumes and claims stay while they are used. Source: plugin/pkg/admission/storage/storageobjectinuseprotection. */
export const storageProtection: AdmissionPlugin = {
  name: 'StorageObjectInUseProtection',
  async mutate({ operation, group, resource, subresource }, object) {
    const finalizer = group === '' && !subresource ? FINALIZERS[resource] : undefined;
    if (operation !== 'CREATE' || !finalizer || !object) return object;
    const finalizers = object.metadata.finalizers ?? [];
    if (!finalizers.includes(finalizer)) object.metadata.finalizers = [...finalizers, finalizer];
    return object;
  },
};
