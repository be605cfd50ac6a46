import { failure } from '#kube/api/status.ts';
import type { KubeObject } from '#kube/api/types.ts';
import type { Store } from '#kube/store/store.ts';
import type { AdmissionPlugin } from '../seams.ts';

const CLASSES = 'scheduling.k8s.io/priorityclasses';
/** The highest value that a class of a user's own may have. */
export const HIGHEST_PRIORITY = 1_000_000_000;
/** Classes that every cluster has. Source: pkg/apis/scheduling. */
export const SYSTEM_PRIORITIES: Record<string, number> = {
  'system-cluster-critical': 2_000_000_000,
  'system-node-critical': 2_000_001_000,
};

/** A pod's priority is its class's, or the default class's. Source: plugin/pkg/admission/priority. */
export function priorityAdmission(store: Store): AdmissionPlugin {
  return {
    name: 'Priority',
    concerns: ['pods'],
    async mutate({ operation, resource, group, subresource }, pod) {
      if (operation !== 'CREATE' || group !== '' || resource !== 'pods' || subresource || !pod?.spec) return pod;
      const { spec } = pod;
      const found = classOf(store, pod);
      const value: number = found?.['value'] ?? 0;
      if (typeof spec.priority === 'number' && spec.priority !== value) throw ownPriority(pod, value);
      spec.priority = value;
      if (found) spec.priorityClassName = found.metadata.name;
      spec.preemptionPolicy ??= found?.['preemptionPolicy'] ?? 'PreemptLowerPriority';
      return pod;
    },
  };
}

function ownPriority({ metadata, spec }: KubeObject, value: number) {
  const name = metadata.generateName ?? metadata.name!;
  return failure(
    'Forbidden',
    `pods ${JSON.stringify(name)} is forbidden: the integer value of priority (${spec.priority}) must not be provided in pod spec; priority admission controller computed ${value} from the given PriorityClass name`,
    { name: metadata.name!, kind: 'pods' },
  );
}

function classOf(store: Store, { metadata, spec }: KubeObject): KubeObject | undefined {
  const name: string | undefined = spec.priorityClassName;
  if (!name) return store.list(CLASSES).find((each) => each['globalDefault'] === true);
  const found = store.get(CLASSES, '', name);
  if (found) return found;
  const pod = metadata.generateName ?? metadata.name!;
  throw failure('Forbidden', `pods ${JSON.stringify(pod)} is forbidden: no PriorityClass with name ${name} was found`, {
    name: metadata.name!,
    kind: 'pods',
  });
}
