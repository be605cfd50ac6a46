import { fieldSchema, itemSchema, type Schema } from '#kube/api/schemas.ts';
import type { KubeObject } from '#kube/api/types.ts';
import type { ResourceKind } from './kinds.ts';

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Fields of a built-in kind that its schema does not know, worded as strict decoding words them. */
export function strictProblems(object: KubeObject, kind: ResourceKind): string[] {
  const schema = kind.schema();
  if (!schema) return [];
  if (!hasUnknown(object, schema)) return [];
  const problems: string[] = [];
  walk(object, schema, '', problems);
  return problems;
}

/** The quick look: most objects have nothing unknown in them. */
function hasUnknown(value: unknown, schema: Schema | undefined): boolean {
  if (!schema || typeof value !== 'object' || value === null) return false;
  if (Array.isArray(value)) {
    const items = itemSchema(schema);
    return value.some((item) => hasUnknown(item, items));
  }
  const fields = value as Record<string, unknown>;
  if (!schema.properties) {
    if (!isObject(schema.additionalProperties)) return false;
    return Object.keys(fields).some((name) => hasUnknown(fields[name], fieldSchema(schema, name)));
  }
  for (const name of Object.keys(fields)) {
    const inner = fieldSchema(schema, name);
    if (inner || schema.properties[name]) {
      if (hasUnknown(fields[name], inner)) return true;
    } else if (!schema['x-kubernetes-preserve-unknown-fields']) return true;
  }
  return false;
}

function walk(value: unknown, schema: Schema | undefined, path: string, problems: string[]): void {
  if (!schema) return;
  if (Array.isArray(value)) {
    const items = itemSchema(schema);
    for (const [i, item] of value.entries()) walk(item, items, `${path}[${i}]`, problems);
    return;
  }
  if (!isObject(value) || !schema.properties) {
    if (isObject(value) && isObject(schema.additionalProperties)) {
      for (const [name, item] of Object.entries(value))
        walk(item, fieldSchema(schema, name), `${path}.${name}`, problems);
    }
    return;
  }
  for (const [name, item] of Object.entries(value)) {
    const inner = fieldSchema(schema, name);
    if (inner || schema.properties[name]) walk(item, inner, `${path}.${name}`, problems);
    else if (!schema['x-kubernetes-preserve-unknown-fields']) {
      problems.push(`unknown field ${JSON.stringify(`${path}.${name}`.slice(1))}`);
      delete value[name];
    }
  }
}
