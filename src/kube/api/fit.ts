import { compareQuantities, sumOfQuantities } from './quantity.ts';
import { usageOf } from './quota.ts';
import { holds } from './selectors.ts';
import type { KubeObject } from './types.ts';

interface Taint {
  key: string;
  value?: string;
  effect: string;
}
interface Toleration {
  key?: string;
  operator?: string;
  value?: string;
  effect?: string;
}
interface Expression {
  key: string;
  operator: string;
  values?: string[];
}

/** Why a pod can't run on a node, in the scheduler's words; undefined when it can. */
export function unfit(pod: KubeObject, node: KubeObject): string | undefined {
  if (node.spec?.unschedulable && !tolerates(pod, { key: 'node.kubernetes.io/unschedulable', effect: 'NoSchedule' }))
    return 'node(s) were unschedulable';
  const taint = ((node.spec?.taints ?? []) as Taint[]).find(
    (candidate) => candidate.effect !== 'PreferNoSchedule' && !tolerates(pod, candidate),
  );
  if (taint) return `node(s) had untolerated taint(s)`;
  const labels = node.metadata.labels ?? {};
  for (const [key, value] of Object.entries(pod.spec?.nodeSelector ?? {}))
    if (labels[key] !== value) return "node(s) didn't match Pod's node affinity/selector";
  const terms = pod.spec?.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms as
    | { matchExpressions?: Expression[]; matchFields?: Expression[] }[]
    | undefined;
  const fields = { 'metadata.name': node.metadata.name ?? '' };
  const matches = ({ matchExpressions = [], matchFields = [] }: NonNullable<typeof terms>[number]) =>
    matchExpressions.length + matchFields.length > 0 &&
    matchExpressions.every((expression) => fits(expression, labels)) &&
    matchFields.every((expression) => fits(expression, fields));
  if (terms && !terms.some(matches)) return "node(s) didn't match Pod's node affinity/selector";
  return undefined;
}

const COUNTED = ['cpu', 'memory', 'ephemeral-storage'];

/** What a node lacks for a pod's requests beside those of the pods it has, as `Insufficient cpu`. */
export function shortages(pod: KubeObject, node: KubeObject, others: () => KubeObject[]): string[] {
  const wanted = usageOf('/pods', pod);
  const names = COUNTED.filter((name) => wanted[`requests.${name}`] !== undefined);
  if (names.length === 0) return [];
  const taken = others().map((other) => usageOf('/pods', other));
  return names
    .filter((name) => {
      const most: string | undefined = node.status?.allocatable?.[name];
      if (most === undefined) return false;
      const all = [wanted, ...taken].map((usage) => usage[`requests.${name}`] ?? '0');
      return compareQuantities(sumOfQuantities(all), most) > 0;
    })
    .map((name) => `Insufficient ${name}`);
}

function tolerates(pod: KubeObject, taint: Taint): boolean {
  return ((pod.spec?.tolerations ?? []) as Toleration[]).some(
    ({ key, operator = 'Equal', value = '', effect }) =>
      (!effect || effect === taint.effect) &&
      (!key ? operator === 'Exists' : key === taint.key) &&
      (operator === 'Exists' || value === (taint.value ?? '')),
  );
}

/** Terms of nodes know two operators more than selectors. */
function fits(expression: Expression, labels: Record<string, string>): boolean {
  const { key, operator, values = [] } = expression;
  if (operator === 'Gt') return Number(labels[key]) > Number(values[0]);
  if (operator === 'Lt') return Number(labels[key]) < Number(values[0]);
  return holds(expression, labels);
}
