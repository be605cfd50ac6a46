import { failure } from './status.ts';
import type { KubeObject } from './types.ts';

export type LabelMatcher = (labels: Record<string, string> | undefined) => boolean;

const REQUIREMENT =
  /^\s*(?:(!)\s*([^\s=!,()]+)|([^\s=!,()<>]+)\s*(?:(==|=|!=)\s*([^\s,()]*)|(in|notin)\s*\(([^)]*)\))?)\s*$/;

/** Parses `app=web,tier!=x,env in (a,b),!legacy`. Throws BadRequest with the API server's words. */
export function parseLabelSelector(text: string): LabelMatcher {
  if (text.trim() === '') return () => true;
  const tests = splitOutsideParentheses(text).map((part): LabelMatcher => {
    const match = REQUIREMENT.exec(part);
    if (!match)
      throw failure('BadRequest', `unable to parse requirement: found '${part.trim()}', expected: identifier`);
    const [, , absent, key = '', operator, value = '', setOperator, list = ''] = match;
    for (const name of [absent, key]) if (name) checkKey(name);
    if (absent) return (labels) => labels?.[absent] === undefined;
    const values = setOperator ? list.split(',').map((item) => item.trim()) : operator ? [value] : [];
    for (const [i, one] of values.entries()) checkValue(key, one, i);
    if (operator === '!=') return (labels) => labels?.[key] !== value;
    if (operator) return (labels) => labels?.[key] === value;
    if (setOperator) {
      const among = new Set(values);
      const wanted = setOperator === 'in';
      return (labels) => {
        const has = labels?.[key];
        return wanted ? has !== undefined && among.has(has) : has === undefined || !among.has(has);
      };
    }
    return (labels) => labels?.[key] !== undefined;
  });
  return (labels) => tests.every((test) => test(labels));
}

const VALUE = /^(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?$/;
const NAME = /^([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]$/;

function checkValue(key: string, value: string, index: number): void {
  if (VALUE.test(value)) return;
  throw failure(
    'BadRequest',
    `unable to parse requirement: values[${index}][${key}]: Invalid value: ${JSON.stringify(value)}: a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')`,
  );
}

function checkKey(key: string): void {
  if (NAME.test(key.split('/').at(-1) ?? '')) return;
  throw failure(
    'BadRequest',
    `unable to parse requirement: key: Invalid value: ${JSON.stringify(key)}: name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')`,
  );
}

function splitOutsideParentheses(text: string): string[] {
  const parts: string[] = [];
  let depth = 0;
  let start = 0;
  for (let i = 0; i < text.length; i++) {
    if (text[i] === '(') depth++;
    else if (text[i] === ')') depth--;
    else if (text[i] === ',' && depth === 0) {
      parts.push(text.slice(start, i));
      start = i + 1;
    }
  }
  parts.push(text.slice(start));
  return parts;
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
  return (selector.matchExpressions ?? []).every(({ key, operator, values = [] }) => {
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
  });
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
    if (!allowed.includes(field)) throw failure('BadRequest', `field label not supported: ${field}`);
    return (object: KubeObject) => (fieldOf(object, field) === value) !== (operator === '!=');
  });
  return (object) => tests.every((test) => test(object));
}

function fieldOf(object: KubeObject, path: string): string {
  if (path === 'source') return object.source?.component ?? '';
  let value: unknown = object;
  for (const key of path.split('.')) value = (value as Record<string, unknown> | undefined)?.[key];
  return value === undefined || value === null ? '' : String(value);
}
