import schemasData from './data/schemas.json' with { type: 'json' };

/** The parts of an OpenAPI v3 schema that merging, validation and explaining look at. */
export interface Schema {
  type?: string;
  format?: string;
  description?: string;
  properties?: Record<string, Schema>;
  additionalProperties?: Schema | boolean;
  items?: Schema;
  required?: string[];
  default?: unknown;
  enum?: unknown[];
  allOf?: Schema[];
  anyOf?: Schema[];
  oneOf?: Schema[];
  not?: Schema;
  $ref?: string;
  nullable?: boolean;
  pattern?: string;
  minimum?: number;
  maximum?: number;
  exclusiveMinimum?: boolean;
  exclusiveMaximum?: boolean;
  minLength?: number;
  maxLength?: number;
  minItems?: number;
  maxItems?: number;
  minProperties?: number;
  maxProperties?: number;
  uniqueItems?: boolean;
  'x-kubernetes-patch-strategy'?: string;
  'x-kubernetes-patch-merge-key'?: string;
  'x-kubernetes-list-type'?: 'atomic' | 'set' | 'map';
  'x-kubernetes-list-map-keys'?: string[];
  'x-kubernetes-map-type'?: 'atomic' | 'granular';
  'x-kubernetes-preserve-unknown-fields'?: boolean;
  'x-kubernetes-int-or-string'?: boolean;
  'x-kubernetes-embedded-resource'?: boolean;
  'x-kubernetes-validations'?: {
    rule: string;
    message?: string;
    messageExpression?: string;
    reason?: string;
    fieldPath?: string;
  }[];
  'x-kubernetes-group-version-kind'?: { group: string; version: string; kind: string }[];
}

const SCHEMAS = schemasData as unknown as Record<string, Schema>;
const PREFIX = '#/components/schemas/';
let byKind: Map<string, Schema> | undefined;

/** The schema of a built-in kind; undefined for others. */
export function builtInSchema(group: string, version: string, kind: string): Schema | undefined {
  if (!byKind) {
    byKind = new Map();
    for (const schema of Object.values(SCHEMAS)) {
      for (const gvk of schema['x-kubernetes-group-version-kind'] ?? []) {
        const key = `${gvk.group}/${gvk.version}/${gvk.kind}`;
        // DeleteOptions and WatchEvent name every group; the kind's own schema has exactly one.
        if (schema['x-kubernetes-group-version-kind']!.length === 1 || !byKind.has(key)) byKind.set(key, schema);
      }
    }
  }
  return byKind.get(`${group}/${version}/${kind}`);
}

/** All schemas of built-in kinds by their name, for the OpenAPI documents. */
export const allSchemas = (): Record<string, Schema> => SCHEMAS;

const followed = new WeakMap<Schema, Schema>();

/** A schema with its references followed; what stands beside a reference (defaults, patch keys) is kept. */
export function resolved(schema: Schema | undefined): Schema | undefined {
  if (!schema) return undefined;
  const known = followed.get(schema);
  if (known) return known;
  const made = follow(schema);
  if (made) followed.set(schema, made);
  return made;
}

function follow(schema: Schema): Schema | undefined {
  const ref = schema.$ref ?? (schema.allOf?.length === 1 ? schema.allOf[0]!.$ref : undefined);
  if (!ref) return schema;
  const target = resolved(SCHEMAS[ref.slice(PREFIX.length)]);
  return target && { ...target, ...schema, allOf: undefined as never, $ref: undefined as never };
}

/** The schema of a field of an object. */
export function fieldSchema(schema: Schema | undefined, field: string): Schema | undefined {
  const found =
    schema?.properties?.[field] ??
    (typeof schema?.additionalProperties === 'object' ? schema.additionalProperties : undefined);
  return resolved(found);
}

export const itemSchema = (schema: Schema | undefined): Schema | undefined => resolved(schema?.items);
