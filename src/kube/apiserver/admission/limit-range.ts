import { compareQuantities, quantityValue, sumOfQuantities } from '#kube/api/quantity.ts';
import type { Amounts } from '#kube/api/quota.ts';
import { failure } from '#kube/api/status.ts';
import type { KubeObject } from '#kube/api/types.ts';
import type { Store } from '#kube/store/store.ts';
import type { AdmissionPlugin } from '../seams.ts';

const RANGES = '/limitranges';
const NOTE = 'kubernetes.io/limit-ranger';

interface Limit {
  type: string;
  max?: Amounts;
  min?: Amounts;
  default?: Amounts;
  defaultRequest?: Amounts;
  maxLimitRequestRatio?: Amounts;
}
interface Container {
  name: string;
  resources?: { limits?: Amounts; requests?: Amounts };
}

/** Gives containers what a LimitRange of their namespace says, and refuses what is outside. Source: plugin/pkg/admission/limitranger. */
export function limitRangeAdmission(store: Store): AdmissionPlugin {
  const limitsOf = (namespace: string): Limit[] =>
    store.count(RANGES) === 0
      ? []
      : store.list(RANGES, namespace).flatMap(({ spec }) => (spec?.limits ?? []) as Limit[]);
  return {
    name: 'LimitRanger',
    concerns: ['pods', 'persistentvolumeclaims'],
    async mutate({ operation, group, resource, subresource, namespace }, object) {
      if (operation !== 'CREATE' || group !== '' || resource !== 'pods' || subresource || !object?.spec) return object;
      for (const limit of limitsOf(namespace)) if (limit.type === 'Container') fill(object, limit);
      return object;
    },
    async validate({ operation, group, resource, subresource, namespace }, object) {
      if (group !== '' || subresource || !object || operation === 'DELETE') return;
      if (!(resource === 'pods' && operation === 'CREATE') && resource !== 'persistentvolumeclaims') return;
      const problems = limitsOf(namespace).flatMap((limit) =>
        resource === 'pods' ? podProblems(object, limit) : claimProblems(object, limit),
      );
      if (problems.length === 0) return;
      const why = problems.length === 1 ? problems[0]! : `[${problems.join(', ')}]`;
      const name = object.metadata.name!;
      throw failure('Forbidden', `${resource} ${JSON.stringify(name)} is forbidden: ${why}`, { name, kind: resource });
    },
  };
}

function fill(pod: KubeObject, limit: Limit): void {
  const told: string[] = [];
  for (const kind of ['containers', 'initContainers'] as const) {
    for (const container of (pod.spec[kind] ?? []) as Container[]) {
      const word = kind === 'containers' ? 'container' : 'init container';
      container.resources ??= {};
      const { resources } = container;
      const given = (side: 'requests' | 'limits', amounts: Amounts | undefined) => {
        const added = Object.entries(amounts ?? {}).filter(([name]) => resources[side]?.[name] === undefined);
        if (added.length === 0) return;
        resources[side] = { ...resources[side], ...Object.fromEntries(added) };
        const names = added.map(([name]) => name).sort();
        told.push(`${names.join(', ')} ${side.slice(0, -1)} for ${word} ${container.name}`);
      };
      given('requests', limit.defaultRequest);
      given('limits', limit.default);
    }
  }
  if (told.length === 0) return;
  pod.metadata.annotations = { ...pod.metadata.annotations, [NOTE]: `LimitRanger plugin set: ${told.join('; ')}` };
}

function podProblems({ spec }: KubeObject, limit: Limit): string[] {
  const containers: Container[] = spec.containers ?? [];
  const first: Container[] = spec.initContainers ?? [];
  if (limit.type === 'Container')
    return [...containers, ...first].flatMap(({ resources }) => outside(resources ?? {}, limit));
  if (limit.type !== 'Pod') return [];
  const together = (side: 'limits' | 'requests'): Amounts => {
    const names = new Set(containers.flatMap(({ resources }) => Object.keys(resources?.[side] ?? {})));
    // What one container leaves open is open for the pod.
    return Object.fromEntries(
      [...names]
        .filter(
          (name) => side === 'requests' || containers.every((each) => each.resources?.[side]?.[name] !== undefined),
        )
        .map((name) => [name, sumOfQuantities(containers.map((each) => each.resources?.[side]?.[name] ?? '0'))]),
    );
  };
  return outside({ limits: together('limits'), requests: together('requests') }, limit);
}

function outside({ limits = {}, requests = {} }: NonNullable<Container['resources']>, limit: Limit): string[] {
  const { type } = limit;
  const problems: string[] = [];
  for (const [name, least] of sorted(limit.min)) {
    const [request, most] = [requests[name], limits[name]];
    const about = `minimum ${name} usage per ${type} is ${least}`;
    if (request === undefined) problems.push(`${about}.  No request is specified`);
    else if (compareQuantities(request, least) < 0) problems.push(`${about}, but request is ${request}`);
    else if (most !== undefined && compareQuantities(most, least) < 0) problems.push(`${about}, but limit is ${most}`);
  }
  for (const [name, most] of sorted(limit.max)) {
    const [request, own] = [requests[name], limits[name]];
    const about = `maximum ${name} usage per ${type} is ${most}`;
    if (own === undefined) problems.push(`${about}.  No limit is specified`);
    else if (compareQuantities(own, most) > 0) problems.push(`${about}, but limit is ${own}`);
    else if (request !== undefined && compareQuantities(request, most) > 0)
      problems.push(`${about}, but request is ${request}`);
  }
  for (const [name, ratio] of sorted(limit.maxLimitRequestRatio)) {
    const [request, own] = [quantityValue(requests[name] ?? '0') ?? 0, quantityValue(limits[name] ?? '0') ?? 0];
    const about = `${name} max limit to request ratio per ${type} is ${ratio}`;
    if (request === 0) problems.push(`${about}, but no request is specified or request is 0`);
    else if (own === 0) problems.push(`${about}, but no limit is specified or limit is 0`);
    else if (own / request > (quantityValue(ratio) ?? 0))
      problems.push(`${about}, but provided ratio is ${(own / request).toFixed(6)}`);
  }
  return problems;
}

function claimProblems({ spec }: KubeObject, limit: Limit): string[] {
  if (limit.type !== 'PersistentVolumeClaim') return [];
  const request: string | undefined = spec?.resources?.requests?.storage;
  const problems: string[] = [];
  const [least, most] = [limit.min?.['storage'], limit.max?.['storage']];
  if (least !== undefined && request !== undefined && compareQuantities(request, least) < 0)
    problems.push(`minimum storage usage per PersistentVolumeClaim is ${least}, but request is ${request}`);
  if (most !== undefined && request !== undefined && compareQuantities(request, most) > 0)
    problems.push(`maximum storage usage per PersistentVolumeClaim is ${most}, but request is ${request}`);
  return problems;
}

const sorted = (amounts: Amounts | undefined): [string, string][] =>
  Object.entries(amounts ?? {}).sort(([a], [b]) => (a < b ? -1 : 1));
