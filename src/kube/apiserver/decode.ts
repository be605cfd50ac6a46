import { canonicalQuantity } from '#kube/api/quantity.ts';
import { allSchemas, fieldSchema, itemSchema, type Schema } from '#kube/api/schemas.ts';
import type { KubeObject } from '#kube/api/types.ts';

const QUANTITY = '#/components/schemas/io.k8s.apimachinery.pkg.api.resource.Quantity';
type Fields = Record<string, unknown>;
const isObject = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** A value of a type that its field does not have. */
export interface TypeProblem {
  /** As Go's JSON decoder words it. */
  json: string;
  /** As the converter of patches words it. */
  converter: string;
}

/**
 * The first value of the wrong type in an object of a built-in kind. Quantities are brought to their canonical form on
 * the way, as decoding does upstream.
 */
export function decodeProblem(object: KubeObject, schema: Schema | undefined): TypeProblem | undefined {
  return schema && walk(object as unknown as Fields, schema, nameOf(schema), []);
}

const names = new Map<Schema['properties'], string>();

/** The Go type behind a schema: `DeploymentSpec`. */
function nameOf(schema: Schema): string {
  if (names.size === 0) {
    for (const [name, each] of Object.entries(allSchemas())) {
      if (each.properties) names.set(each.properties, name.slice(name.lastIndexOf('.') + 1));
    }
  }
  return names.get(schema.properties) ?? '';
}

const isQuantity = (schema: Schema | undefined): boolean =>
  schema?.$ref === QUANTITY || (schema?.allOf?.length === 1 && schema.allOf[0]!.$ref === QUANTITY);

function walk(holder: Fields, schema: Schema, struct: string, path: string[]): TypeProblem | undefined {
  for (const [name, value] of Object.entries(holder)) {
    if (value === null || value === undefined || (path.length === 0 && name === 'metadata')) continue;
    const raw = schema.properties?.[name] ?? additional(schema);
    const inner = fieldSchema(schema, name);
    if (!raw || !inner) continue;
    if (isPlain(value, inner) && !raw.$ref && !raw.allOf) continue;
    if (isQuantity(raw)) {
      const canonical = typeof value === 'object' ? undefined : canonicalQuantity(String(value));
      if (canonical === undefined) {
        const json = "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'";
        return { json, converter: json };
      }
      holder[name] = canonical;
      continue;
    }
    const place = schema.properties ? [...path, ...embedded(struct, name), name] : path;
    const found = check(value, inner, schema.properties ? struct : `${struct}`, place);
    if (found) return found;
  }
  return undefined;
}

/** Go types that other types consist of without a field of their own; decoders name them on the way. */
const EMBEDDED: Record<string, { type: string; has: (field: string) => boolean }> = {
  Volume: { type: 'VolumeSource', has: (field) => field !== 'name' },
  Probe: { type: 'ProbeHandler', has: (field) => ['exec', 'httpGet', 'tcpSocket', 'grpc'].includes(field) },
  EphemeralContainer: { type: 'EphemeralContainerCommon', has: (field) => field !== 'targetContainerName' },
  ...Object.fromEntries(
    ['ConfigMapEnvSource', 'ConfigMapKeySelector', 'ConfigMapProjection', 'ConfigMapVolumeSource'].flatMap((name) =>
      [name, name.replace('ConfigMap', 'Secret')].map((type) => [
        type,
        { type: 'LocalObjectReference', has: (field: string) => field === 'name' },
      ]),
    ),
  ),
};

const embedded = (struct: string, field: string): string[] => {
  const within = EMBEDDED[struct];
  return within?.has(field) ? [within.type] : [];
};

const additional = (schema: Schema): Schema | undefined =>
  typeof schema.additionalProperties === 'object' ? schema.additionalProperties : undefined;

function check(value: unknown, schema: Schema, struct: string, path: string[]): TypeProblem | undefined {
  if (
    value === null ||
    schema['x-kubernetes-preserve-unknown-fields'] ||
    schema.oneOf ||
    schema.format === 'int-or-string'
  )
    return undefined;
  const kind = kindOf(value);
  const wrong = (shown = kind): TypeProblem => ({
    json: `json: cannot unmarshal ${shown} into Go struct field ${struct}.${path.join('.')} of type ${goType(schema)}`,
    converter: `unrecognized type: ${goType(schema)}`,
  });
  switch (schema.type) {
    case 'string':
      if (kind !== 'string') return wrong();
      if (schema.format === 'byte' && !isBase64(value as string)) {
        const at = (value as string).search(/[^A-Za-z0-9+/]/);
        const json = `illegal base64 data at input byte ${at < 0 ? (value as string).length - ((value as string).length % 4) : at}`;
        return { json, converter: json };
      }
      return undefined;
    case 'integer':
      if (kind !== 'number') return wrong();
      return Number.isInteger(value) ? undefined : wrong(`number ${String(value)}`);
    case 'number':
      return kind === 'number' ? undefined : wrong();
    case 'boolean':
      return kind === 'bool' ? undefined : wrong();
    case 'array': {
      if (!Array.isArray(value)) return wrong();
      const items = itemSchema(schema);
      if (!items) return undefined;
      const inner = items.properties ? nameOf(items) : struct;
      for (const item of value) {
        const found = check(item, items, inner, path);
        if (found) return found;
      }
      return undefined;
    }
    default:
      if (!schema.properties && !schema.additionalProperties) return undefined;
      if (!isObject(value)) return wrong();
      return walk(value, schema, schema.properties ? nameOf(schema) : struct, path);
  }
}

/** A value of its field's type that no format is asked of: most are. */
function isPlain(value: unknown, schema: Schema): boolean {
  if (typeof value === 'string') return schema.type === 'string' && schema.format === undefined;
  return typeof value === 'boolean' && schema.type === 'boolean';
}

function kindOf(value: unknown): string {
  if (Array.isArray(value)) return 'array';
  if (typeof value === 'boolean') return 'bool';
  return typeof value;
}

const isBase64 = (text: string): boolean => {
  const plain = text.replace(/[\r\n]/g, '');
  return plain.length % 4 === 0 && /^[A-Za-z0-9+/]*={0,2}$/.test(plain);
};

function goType(schema: Schema): string {
  switch (schema.type) {
    case 'string':
      return 'string';
    case 'integer':
      return schema.format === 'int32' ? 'int32' : 'int64';
    case 'number':
      return 'float64';
    case 'boolean':
      return 'bool';
    case 'array': {
      const items = itemSchema(schema);
      return `[]${items ? goType(items) : 'interface {}'}`;
    }
    default: {
      const name = nameOf(schema);
      if (name) return `v1.${name}`;
      const values = additional(schema);
      return `map[string]${values ? goType(values) : 'interface {}'}`;
    }
  }
}
