import type { KubeObject } from '#kube/api/types.ts';
import type { Subject } from './kinds.ts';
import { annotationLines, header, mapLines, type Writer } from './write.ts';

// biome-ignore lint/suspicious/noExplicitAny: specifications are read field by field.
type Fields = any;

const MODES: Record<string, string> = {
  ReadWriteOnce: 'RWO',
  ReadOnlyMany: 'ROX',
  ReadWriteMany: 'RWX',
  ReadWriteOncePod: 'RWOP',
};
const modes = (list: string[] | undefined): string => (list ?? []).map((mode) => MODES[mode] ?? mode).join(',');
const phaseOf = ({ metadata, status }: KubeObject, fallback = ''): string =>
  metadata.deletionTimestamp ? `Terminating (lasts ${metadata.deletionTimestamp})` : (status?.phase ?? fallback);

export async function describeClaim({ w, object, k }: Subject): Promise<void> {
  const { metadata, spec = {}, status = {} } = object;
  header(w, object);
  w.line(0, `StorageClass:\t${spec.storageClassName ?? ''}`);
  w.line(0, `Status:\t${phaseOf(object)}`);
  w.line(0, `Volume:\t${spec.volumeName ?? ''}`);
  mapLines(w, 0, 'Labels', metadata.labels);
  annotationLines(w, 0, metadata.annotations);
  w.line(0, `Finalizers:\t[${(metadata.finalizers ?? []).join(' ')}]`);
  const isBound = Boolean(spec.volumeName);
  w.line(0, `Capacity:\t${isBound ? (status.capacity?.storage ?? '') : ''}`);
  w.line(0, `Access Modes:\t${isBound ? modes(status.accessModes ?? spec.accessModes) : ''}`);
  if (spec.volumeMode) w.line(0, `VolumeMode:\t${spec.volumeMode}`);
  const target = { group: '', version: 'v1', resource: 'pods', namespace: metadata.namespace! };
  const users = (await k.client.list(target)).items.filter((pod) =>
    (pod['spec'].volumes ?? []).some((volume: Fields) => volume.persistentVolumeClaim?.claimName === metadata.name),
  );
  w.line(0, `Used By:\t${users.map((pod) => pod.metadata.name).join('\n\t') || '<none>'}`);
}

export function describeVolume(w: Writer, object: KubeObject): void {
  const { metadata, spec = {}, status = {} } = object;
  w.line(0, `Name:\t${metadata.name}`);
  mapLines(w, 0, 'Labels', metadata.labels);
  annotationLines(w, 0, metadata.annotations);
  w.line(0, `Finalizers:\t[${(metadata.finalizers ?? []).join(' ')}]`);
  w.line(0, `StorageClass:\t${spec.storageClassName ?? ''}`);
  w.line(0, `Status:\t${phaseOf(object)}`);
  w.line(0, `Claim:\t${spec.claimRef ? `${spec.claimRef.namespace}/${spec.claimRef.name}` : ''}`);
  w.line(0, `Reclaim Policy:\t${spec.persistentVolumeReclaimPolicy ?? ''}`);
  w.line(0, `Access Modes:\t${modes(spec.accessModes)}`);
  if (spec.volumeMode) w.line(0, `VolumeMode:\t${spec.volumeMode}`);
  w.line(0, `Capacity:\t${spec.capacity?.storage ?? ''}`);
  w.line(0, 'Node Affinity:\t<none>');
  w.line(0, `Message:\t${status.message ?? ''}`);
  w.line(0, 'Source:');
  if (!spec.hostPath) return;
  w.line(2, 'Type:\tHostPath (bare host directory volume)');
  w.line(2, `Path:\t${spec.hostPath.path}`);
  w.line(2, `HostPathType:\t${spec.hostPath.type ?? '<none>'}`);
}

/** `a=b,c=d`, as these kinds show annotations and parameters. */
const pairs = (map: Record<string, string> | undefined): string =>
  Object.entries(map ?? {})
    .map(([key, value]) => `${key}=${value}`)
    .sort()
    .join(',') || '<none>';

export function describeStorageClass(w: Writer, object: KubeObject): void {
  const { metadata } = object;
  const isDefault = metadata.annotations?.['storageclass.kubernetes.io/is-default-class'] === 'true';
  w.line(0, `Name:\t${metadata.name}`);
  w.line(0, `IsDefaultClass:\t${isDefault ? 'Yes' : 'No'}`);
  w.line(0, `Annotations:\t${pairs(metadata.annotations)}`);
  w.line(0, `Provisioner:\t${object['provisioner']}`);
  w.line(0, `Parameters:\t${pairs(object['parameters'])}`);
  const grows = object['allowVolumeExpansion'];
  w.line(0, `AllowVolumeExpansion:\t${grows === undefined ? '<unset>' : grows ? 'True' : 'False'}`);
  const options: string[] = object['mountOptions'] ?? [];
  if (options.length === 0) w.line(0, 'MountOptions:\t<none>');
  else {
    w.line(0, 'MountOptions:');
    for (const option of options) w.line(1, option);
  }
  if (object['reclaimPolicy']) w.line(0, `ReclaimPolicy:\t${object['reclaimPolicy']}`);
  if (object['volumeBindingMode']) w.line(0, `VolumeBindingMode:\t${object['volumeBindingMode']}`);
}

export function describePriorityClass(w: Writer, object: KubeObject): void {
  w.line(0, `Name:\t${object.metadata.name}`);
  w.line(0, `Value:\t${object['value'] ?? 0}`);
  w.line(0, `GlobalDefault:\t${object['globalDefault'] ?? false}`);
  w.line(0, `PreemptionPolicy:\t${object['preemptionPolicy'] ?? ''}`);
  w.line(0, `Description:\t${object['description'] ?? ''}`);
  w.line(0, `Annotations:\t${pairs(object.metadata.annotations)}`);
}

export function describeQuota(w: Writer, object: KubeObject): void {
  header(w, object);
  w.line(0, 'Resource\tUsed\tHard');
  w.line(0, '--------\t----\t----');
  const { hard = {}, used = {} } = object['status'] ?? {};
  for (const name of Object.keys(hard).sort()) w.line(0, `${name}\t${used[name] ?? '0'}\t${hard[name]}`);
}

const LIMIT_RULE = '----\t--------\t---\t---\t---------------\t-------------\t-----------------------';
const LIMIT_HEAD = 'Type\tResource\tMin\tMax\tDefault Request\tDefault Limit\tMax Limit/Request Ratio';

export function describeLimitRange(w: Writer, object: KubeObject): void {
  header(w, object);
  limitLines(w, '', object);
}

/** The table of a LimitRange; every line begins with `lead`. */
export function limitLines(w: Writer, lead: string, object: KubeObject): void {
  w.line(0, `${lead}${LIMIT_HEAD}`);
  w.line(0, `${lead}${LIMIT_RULE}`);
  for (const limit of (object['spec']?.limits ?? []) as Fields[]) {
    const {
      type,
      min = {},
      max = {},
      defaultRequest = {},
      default: fallback = {},
      maxLimitRequestRatio: ratio = {},
    } = limit;
    const names = new Set([min, max, defaultRequest, fallback, ratio].flatMap((each) => Object.keys(each)));
    for (const name of names) {
      const cells = [min, max, defaultRequest, fallback, ratio].map((each) => each[name] ?? '-');
      w.line(0, `${lead}${[type, name, ...cells].join('\t')}`);
    }
  }
}
