import { Environment } from '@marcbachmann/cel-js';
import type { Schema } from '#kube/api/schemas.ts';
import type { StatusCause } from '#kube/api/status.ts';

type Fields = Record<string, unknown>;
type Program = (context: Fields) => unknown;
const isObject = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const KINDS: Record<string, string> = {
  FieldValueRequired: 'Required value',
  FieldValueForbidden: 'Forbidden',
  FieldValueDuplicate: 'Duplicate value',
};
const environment = new Environment({ unlistedVariablesAreDyn: true });
const programs = new Map<string, Program | undefined>();

/** A rule in CEL, compiled once; undefined when it uses a function that is not known here. */
function programOf(rule: string): Program | undefined {
  if (!programs.has(rule)) {
    try {
      programs.set(rule, environment.parse(rule) as unknown as Program);
    } catch {
      programs.set(rule, undefined);
    }
  }
  return programs.get(rule);
}

/**
 * The x-kubernetes-validations of a schema, evaluated over an object. A transition rule (one that names oldSelf) is
 * looked at on updates only. A rule that can't be evaluated here lets the object pass.
 */
export function checkRules(object: unknown, old: unknown, schema: Schema): StatusCause[] {
  const causes: StatusCause[] = [];
  walk(object, old, schema, '', causes);
  return causes;
}

function walk(value: unknown, old: unknown, schema: Schema, path: string, causes: StatusCause[]): void {
  if (value === undefined || value === null) return;
  for (const { rule, message, fieldPath, reason } of schema['x-kubernetes-validations'] ?? []) {
    const transition = /\boldSelf\b/.test(rule);
    if (transition && old === undefined) continue;
    let result: unknown;
    try {
      result = programOf(rule)?.({ self: celValue(value), ...(transition ? { oldSelf: celValue(old) } : {}) });
    } catch {
      continue;
    }
    if (result !== false) continue;
    causes.push({
      reason: reason ?? 'FieldValueInvalid',
      // The value itself is not shown (1.34 and later).
      message: `${(reason && KINDS[reason]) ?? 'Invalid value'}: ${message ?? `failed rule: ${rule.trim()}`}`,
      field: `${path}${fieldPath ?? ''}`.replace(/^\./, '') || '<nil>',
    });
  }
  if (Array.isArray(value)) {
    if (schema.items)
      for (const [i, item] of value.entries()) walk(item, undefined, schema.items, `${path}[${i}]`, causes);
    return;
  }
  if (!isObject(value)) return;
  for (const [name, inner] of Object.entries(schema.properties ?? {}))
    walk(value[name], isObject(old) ? old[name] : undefined, inner, `${path}.${name}`, causes);
}

/** Whole numbers are int in CEL, which this library spells as BigInt. */
function celValue(value: unknown): unknown {
  if (typeof value === 'number' && Number.isInteger(value)) return BigInt(value);
  if (Array.isArray(value)) return value.map(celValue);
  if (isObject(value)) return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, celValue(item)]));
  return value;
}
