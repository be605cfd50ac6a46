import type { KubeObject } from '#kube/api/types.ts';
import { ageSince } from './age.ts';
import type { Cells } from './cells.ts';
import { none } from './core.ts';

const containersOf = (object: KubeObject, field: 'name' | 'image'): string =>
  (object.spec?.template?.spec?.containers ?? [])
    .map((container: Record<string, string>) => container[field])
    .join(',');

/** A LabelSelector in one line, as `metav1.FormatLabelSelector` writes it. */
export function selectorText(selector: KubeObject['spec']): string {
  const labels = Object.entries(selector?.matchLabels ?? {})
    .map(([key, value]) => `${key}=${value}`)
    .sort();
  const expressions = (selector?.matchExpressions ?? []).map(
    ({ key, operator, values = [] }: { key: string; operator: string; values?: string[] }) => {
      switch (operator) {
        case 'In':
          return `${key} in (${[...values].sort().join(',')})`;
        case 'NotIn':
          return `${key} notin (${[...values].sort().join(',')})`;
        case 'DoesNotExist':
          return `!${key}`;
        default:
          return key;
      }
    },
  );
  return none([...labels, ...expressions].join(','));
}

const age = (object: KubeObject, now: number): string => ageSince(object.metadata.creationTimestamp, now);

/** Rows of the apps group. */
export const workloadCells: Record<string, Cells> = {
  'apps/deployments': (object, now) => {
    const { spec = {}, status = {}, metadata } = object;
    return [
      metadata.name,
      `${status.readyReplicas ?? 0}/${spec.replicas ?? 0}`,
      status.updatedReplicas ?? 0,
      status.availableReplicas ?? 0,
      age(object, now),
      containersOf(object, 'name'),
      containersOf(object, 'image'),
      selectorText(spec.selector),
    ];
  },
  'apps/replicasets': (object, now) => {
    const { spec = {}, status = {}, metadata } = object;
    return [
      metadata.name,
      spec.replicas ?? 0,
      status.replicas ?? 0,
      status.readyReplicas ?? 0,
      age(object, now),
      containersOf(object, 'name'),
      containersOf(object, 'image'),
      selectorText(spec.selector),
    ];
  },
  'apps/statefulsets': (object, now) => {
    const { spec = {}, status = {}, metadata } = object;
    return [
      metadata.name,
      `${status.readyReplicas ?? 0}/${spec.replicas ?? 0}`,
      age(object, now),
      containersOf(object, 'name'),
      containersOf(object, 'image'),
    ];
  },
  'apps/daemonsets': (object, now) => {
    const { spec = {}, status = {}, metadata } = object;
    const nodeSelector = Object.entries(spec.template?.spec?.nodeSelector ?? {})
      .map(([key, value]) => `${key}=${value}`)
      .join(',');
    return [
      metadata.name,
      status.desiredNumberScheduled ?? 0,
      status.currentNumberScheduled ?? 0,
      status.numberReady ?? 0,
      status.updatedNumberScheduled ?? 0,
      status.numberAvailable ?? 0,
      none(nodeSelector),
      age(object, now),
      containersOf(object, 'name'),
      containersOf(object, 'image'),
      selectorText(spec.selector),
    ];
  },
  'apps/controllerrevisions': (object, now) => {
    const owner = object.metadata.ownerReferences?.find((reference) => reference.controller);
    const group = owner?.apiVersion.includes('/') ? `.${owner.apiVersion.split('/')[0]}` : '';
    return [
      object.metadata.name,
      owner ? `${owner.kind.toLowerCase()}${group}/${owner.name}` : '<none>',
      object.revision ?? 0,
      age(object, now),
    ];
  },
};
