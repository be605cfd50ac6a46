import { parseRequirements, type Requirement } from './selector-syntax.ts';
import { failure } from './status.ts';
import type { KubeObject } from './types.ts';

export type LabelMatcher = (labels: Record<string, string> | undefined) => boolean;

/** Parses `app=web,tier!=x,env in (a,b),!legacy`. Throws BadRequest with the API server's words. */
export function parseLabelSelector(text: string): LabelMatcher {
  if (text.trim() === '') return () => true;
  const tests = parseRequirements(text).map(matcherOf);
  return (labels) => tests.every((test) => test(labels));
}

function matcherOf({ key, operator, values }: Requirement): LabelMatcher {
  const among = new Set(values);
  const bound = Number(values[0]);
  const number = (labels: Record<string, string> | undefined): number =>
    /^-?\d+$/.test(labels?.[key] ?? '') ? Number(labels?.[key]) : Number.NaN;
  switch (operator) {
    case 'exists':
      return (labels) => labels?.[key] !== undefined;
    case '!':
      return (labels) => labels?.[key] === undefined;
    case '=':
    case '==':
    case 'in':
      return (labels) => labels?.[key] !== undefined && among.has(labels[key]);
    case 'gt':
      return (labels) => number(labels) > bound;
    case 'lt':
      return (labels) => number(labels) < bound;
    default:
      return (labels) => labels?.[key] === undefined || !among.has(labels[key]);
  }
}

interface SelectorObject {
  matchLabels?: Record<string, string>;
  matchExpressions?: { key: string; operator: string; values?: string[] }[];
}

/** A LabelSelector object. Null selects nothing, an empty one everything (apimachinery/meta/v1 LabelSelectorAsSelector). */
export function matchesSelector(
  selector: SelectorObject | null | undefined,
  labels: Record<string, string> | undefined,
): boolean {
  if (!selector) return false;
  for (const [key, value] of Object.entries(selector.matchLabels ?? {})) if (labels?.[key] !== value) return false;
  return (selector.matchExpressions ?? []).every((expression) => holds(expression, labels));
}

/** Whether one of `matchExpressions` holds. */
export function holds(
  { key, operator, values = [] }: { key: string; operator: string; values?: string[] },
  labels: Record<string, string> | undefined,
): boolean {
  const has = labels?.[key];
  switch (operator) {
    case 'In':
      return has !== undefined && values.includes(has);
    case 'NotIn':
      return has === undefined || !values.includes(has);
    case 'Exists':
      return has !== undefined;
    case 'DoesNotExist':
      return has === undefined;
    default:
      return false;
  }
}

/** Fields that a kind can be selected by beside metadata.name and metadata.namespace. */
const FIELDS: Record<string, string[]> = {
  '/pods': [
    'spec.nodeName',
    'spec.restartPolicy',
    'spec.schedulerName',
    'spec.serviceAccountName',
    'spec.hostNetwork',
    'status.phase',
    'status.podIP',
    'status.nominatedNodeName',
  ],
  '/events': [
    'involvedObject.kind',
    'involvedObject.namespace',
    'involvedObject.name',
    'involvedObject.uid',
    'involvedObject.apiVersion',
    'involvedObject.resourceVersion',
    'involvedObject.fieldPath',
    'reason',
    'reportingComponent',
    'source',
    'type',
  ],
  '/secrets': ['type'],
  '/namespaces': ['status.phase'],
  '/nodes': ['spec.unschedulable'],
  '/services': ['spec.clusterIP', 'spec.type'],
  'apps/replicasets': ['status.replicas'],
  'apps/statefulsets': ['status.successful'],
  'batch/jobs': ['status.successful'],
};

/** Parses `metadata.name=web,status.phase!=Running` for a kind. Throws BadRequest for a field it can't be selected by. */
export function parseFieldSelector(text: string, group: string, resource: string): (object: KubeObject) => boolean {
  if (text.trim() === '') return () => true;
  const allowed = [
    'metadata.name',
    'metadata.namespace',
    ...(FIELDS[`${group === 'events.k8s.io' ? '' : group}/${resource}`] ?? []),
  ];
  const tests = text.split(',').map((part) => {
    const match = /^\s*([^=!]+?)\s*(==|=|!=)\s*(.*?)\s*$/.exec(part);
    if (!match) throw failure('BadRequest', `invalid selector: '${text}'; can't understand '${part}'`);
    const [, field = '', operator, value] = match;
    if (!allowed.includes(field)) throw failure('BadRequest', unknownField(field, group, resource));
    return (object: KubeObject) => (fieldOf(object, field) === value) !== (operator === '!=');
  });
  return (object) => tests.every((test) => test(object));
}

/** Kinds with fields of their own word it otherwise than those with the two of every kind. */
const unknownField = (field: string, group: string, resource: string): string =>
  FIELDS[`${group}/${resource}`] || (group.includes('.') && !group.endsWith('.k8s.io'))
    ? `field label not supported: ${field}`
    : `${JSON.stringify(field)} is not a known field selector: only "metadata.name", "metadata.namespace"`;

function fieldOf(object: KubeObject, path: string): string {
  if (path === 'source') return object.source?.component ?? '';
  let value: unknown = object;
  for (const key of path.split('.')) value = (value as Record<string, unknown> | undefined)?.[key];
  return value === undefined || value === null ? '' : String(value);
}
