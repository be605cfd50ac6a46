import { invalid, type StatusCause } from '#kube/api/status.ts';
import type { KubeObject } from '#kube/api/types.ts';
import type { ResourceKind } from '../kinds.ts';
import { accessRules } from './access.ts';
import { type Causes, labelCauses, qualifiedNameProblems } from './causes.ts';
import { configRules } from './config.ts';
import { policyRules } from './policy.ts';
import { quotaRules } from './quota.ts';
import type { Rule } from './rule.ts';
import { serviceCauses } from './service.ts';
import { workloadRules } from './workloads.ts';

/** Refuses what upstream refuses in the kinds that courses use, all causes at once. Source: pkg/apis/<group>/validation. */
export function validateBuiltIn(
  kind: ResourceKind,
  object: KubeObject,
  old: KubeObject | undefined,
  subresource: string,
  nameCauses: StatusCause[] = [],
): void {
  if (subresource === 'status') return;
  const causes: StatusCause[] = [...nameCauses];
  const add: Causes = {
    required: (field, detail = '') =>
      causes.push({ reason: 'FieldValueRequired', message: `Required value${detail && `: ${detail}`}`, field }),
    invalid: (field, value, why) =>
      causes.push({ reason: 'FieldValueInvalid', message: `Invalid value: ${shown(value)}: ${why}`, field }),
    forbidden: (field, why) => causes.push({ reason: 'FieldValueForbidden', message: `Forbidden: ${why}`, field }),
    unsupported: (field, value, supported) =>
      causes.push({
        reason: 'FieldValueNotSupported',
        message: `Unsupported value: ${JSON.stringify(value)}: supported values: ${supported.map((one) => JSON.stringify(one)).join(', ')}`,
        field,
      }),
    duplicate: (field, value) =>
      causes.push({ reason: 'FieldValueDuplicate', message: `Duplicate value: ${shown(value)}`, field }),
    notFound: (field, value) =>
      causes.push({ reason: 'FieldValueNotFound', message: `Not found: ${shown(value)}`, field }),
    tooLong: (field, mostBytes) =>
      causes.push({ reason: 'FieldValueTooLong', message: `Too long: may not be more than ${mostBytes} bytes`, field }),
  };
  metadata(object, add);
  RULES[kind.storage]?.(object, old, add);
  if (causes.length > 0) throw invalid(kind.group, kind.kind, object.metadata.name ?? '', causes);
}

const shown = (value: unknown): string =>
  typeof value === 'object' && value !== null
    ? JSON.stringify(value)
    : typeof value === 'string'
      ? JSON.stringify(value)
      : String(value);

const RULES: Record<string, Rule> = {
  '/services': serviceCauses,
  ...workloadRules,
  ...configRules,
  ...accessRules,
  ...policyRules,
  ...quotaRules,
};

function metadata({ metadata: meta }: KubeObject, add: Causes): void {
  labelCauses(meta.labels, 'metadata.labels', add);
  for (const key of Object.keys(meta.annotations ?? {})) {
    for (const problem of qualifiedNameProblems(key.toLowerCase())) add.invalid('metadata.annotations', key, problem);
  }
}
