import type { Schema } from '#kube/api/schemas.ts';
import { failure, invalid, type StatusCause } from '#kube/api/status.ts';
import type { KubeObject } from '#kube/api/types.ts';
import type { ResourceKind } from './kinds.ts';

type Fields = Record<string, unknown>;
const isObject = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** What a custom resource's structural schema does on every write: drops unknown fields and fills in defaults. */
export function pruneAndDefault(object: KubeObject, schema: Schema | undefined, unknown: string[]): void {
  if (!schema) return;
  prune(object, schema, '', unknown, true);
  fillIn(object, schema);
}

const ROOT_FIELDS = new Set(['apiVersion', 'kind', 'metadata']);

function prune(value: unknown, schema: Schema | undefined, path: string, unknown: string[], root = false): void {
  if (!schema || schema['x-kubernetes-preserve-unknown-fields']) {
    // Below a field that keeps unknown ones, what the schema does specify still holds.
    if (isObject(value) && schema?.properties) {
      for (const [name, inner] of Object.entries(schema.properties))
        if (name in value) prune(value[name], inner, `${path}.${name}`, unknown);
    }
    return;
  }
  if (Array.isArray(value)) {
    for (const [i, item] of value.entries()) prune(item, schema.items, `${path}[${i}]`, unknown);
    return;
  }
  if (!isObject(value)) return;
  for (const name of Object.keys(value)) {
    if ((root || schema['x-kubernetes-embedded-resource']) && ROOT_FIELDS.has(name)) continue;
    const inner = schema.properties?.[name];
    if (inner) prune(value[name], inner, `${path}.${name}`, unknown);
    else if (isObject(schema.additionalProperties))
      prune(value[name], schema.additionalProperties as Schema, `${path}.${name}`, unknown);
    else if (schema.additionalProperties !== true) {
      unknown.push(`${path}.${name}`.slice(1));
      delete value[name];
    }
  }
}

function fillIn(value: unknown, schema: Schema | undefined): void {
  if (!schema) return;
  if (Array.isArray(value)) {
    for (const item of value) fillIn(item, schema.items);
    return;
  }
  if (!isObject(value)) return;
  for (const [name, inner] of Object.entries(schema.properties ?? {})) {
    if (value[name] === null && !inner.nullable && inner.default !== undefined) delete value[name];
    if (!(name in value) && inner.default !== undefined) value[name] = structuredClone(inner.default);
    if (name in value) fillIn(value[name], inner);
  }
  if (isObject(schema.additionalProperties)) {
    for (const [name, item] of Object.entries(value))
      if (!(schema.properties && name in schema.properties)) fillIn(item, schema.additionalProperties as Schema);
  }
}

/** Checks an object against its kind's structural schema and throws Invalid with every cause. */
export async function validateCustom(
  kind: ResourceKind,
  object: KubeObject,
  old: KubeObject | undefined,
): Promise<void> {
  const schema = kind.schema();
  if (!schema) return;
  const causes: StatusCause[] = [];
  check(object, schema, '', causes);
  if (hasRules(schema)) {
    if (causes.some(({ reason }) => BLOCKS_RULES.has(reason ?? ''))) causes.push(RULES_UNCHECKED);
    else {
      const { checkRules } = await import('./custom-rules.ts');
      causes.push(...checkRules(object, old, schema));
    }
  }
  if (causes.length > 0) throw invalid(kind.group, kind.kind, object.metadata.name ?? '', causes);
}

/** Faults after which rules in CEL are not looked at, and what is said then (apiextensions-apiserver, hasBlockingErr). */
const BLOCKS_RULES = new Set([
  'FieldValueNotSupported',
  'FieldValueRequired',
  'FieldValueTooLong',
  'FieldValueTooMany',
  'FieldValueTypeInvalid',
]);
const RULES_UNCHECKED: StatusCause = {
  reason: 'FieldValueInvalid',
  message:
    'Invalid value: null: some validation rules were not checked because the object was invalid; correct the existing errors to complete validation',
  field: '<nil>',
};

const rulesKnown = new WeakMap<Schema, boolean>();
function hasRules(schema: Schema): boolean {
  const known = rulesKnown.get(schema);
  if (known !== undefined) return known;
  const found =
    (schema['x-kubernetes-validations']?.length ?? 0) > 0 ||
    Object.values(schema.properties ?? {}).some(hasRules) ||
    (schema.items ? hasRules(schema.items) : false) ||
    (isObject(schema.additionalProperties) ? hasRules(schema.additionalProperties as Schema) : false);
  rulesKnown.set(schema, found);
  return found;
}

/** As Go writes durations; whole days and weeks are taken too. */
const DURATION = /^[-+]?(?:0|(?:(?:\d+(?:\.\d*)?|\.\d+)\s*(?:ns|us|µs|ms|s|m|h|d|w))+)$/;

function check(value: unknown, schema: Schema, path: string, causes: StatusCause[]): void {
  const at = path.slice(1) || '<nil>';
  const wrong = (message: string, reason = 'FieldValueInvalid', field = at) => causes.push({ reason, message, field });
  if (value === null) {
    if (!schema.nullable)
      wrong(
        `Invalid value: "null": ${at} in body must be of type ${schema.type ?? 'object'}: "null"`,
        'FieldValueTypeInvalid',
      );
    return;
  }
  if (!fitsType(value, schema)) {
    wrong(
      `Invalid value: ${JSON.stringify(typeName(value))}: ${at} in body must be of type ${schema.type}: ${JSON.stringify(typeName(value))}`,
      'FieldValueTypeInvalid',
    );
    return;
  }
  alternatives(value, schema, path, at, causes);
  const shown = shownValue(value);
  if (schema.enum && !schema.enum.some((one) => one === value)) {
    wrong(
      `Unsupported value: ${shown}: supported values: ${schema.enum.map((one) => JSON.stringify(one)).join(', ')}`,
      'FieldValueNotSupported',
    );
  }
  if (typeof value === 'string') {
    if (schema.pattern && !new RegExp(schema.pattern).test(value))
      wrong(`Invalid value: ${shown}: ${at} in body should match '${schema.pattern}'`);
    if (schema.format === 'duration' && !DURATION.test(value))
      wrong(`Invalid value: ${shown}: ${at} in body must be of type duration: ${shown}`, 'FieldValueTypeInvalid');
    if (schema.maxLength !== undefined && [...value].length > schema.maxLength)
      wrong(`Too long: may not be more than ${schema.maxLength} bytes`, 'FieldValueTooLong');
    if (schema.minLength !== undefined && [...value].length < schema.minLength)
      wrong(`Invalid value: ${shown}: ${at} in body should be at least ${schema.minLength} chars long`);
  } else if (typeof value === 'number') {
    if (schema.maximum !== undefined && (schema.exclusiveMaximum ? value >= schema.maximum : value > schema.maximum)) {
      wrong(
        `Invalid value: ${shown}: ${at} in body should be less than ${schema.exclusiveMaximum ? '' : 'or equal to '}${schema.maximum}`,
      );
    }
    if (schema.minimum !== undefined && (schema.exclusiveMinimum ? value <= schema.minimum : value < schema.minimum)) {
      wrong(
        `Invalid value: ${shown}: ${at} in body should be greater than ${schema.exclusiveMinimum ? '' : 'or equal to '}${schema.minimum}`,
      );
    }
  } else if (Array.isArray(value)) {
    if (schema.maxItems !== undefined && value.length > schema.maxItems)
      wrong(`Too many: ${value.length}: must have at most ${schema.maxItems} items`, 'FieldValueTooMany');
    if (schema.minItems !== undefined && value.length < schema.minItems)
      wrong(`Invalid value: ${value.length}: ${at} in body should have at least ${schema.minItems} items`);
    duplicates(value, schema, at, causes);
    for (const [i, item] of value.entries()) if (schema.items) check(item, schema.items, `${path}[${i}]`, causes);
  } else if (isObject(value)) {
    for (const name of schema.required ?? [])
      if (!(name in value)) wrong('Required value', 'FieldValueRequired', `${path}.${name}`.slice(1));
    if (schema.maxProperties !== undefined && Object.keys(value).length > schema.maxProperties)
      wrong(
        `Too many: ${Object.keys(value).length}: must have at most ${schema.maxProperties} items`,
        'FieldValueTooMany',
      );
    if (schema.minProperties !== undefined && Object.keys(value).length < schema.minProperties)
      wrong(
        `Invalid value: ${Object.keys(value).length}: ${at} in body should have at least ${schema.minProperties} properties`,
      );
    for (const [name, item] of Object.entries(value)) {
      const inner =
        schema.properties?.[name] ??
        (isObject(schema.additionalProperties) ? (schema.additionalProperties as Schema) : undefined);
      if (inner && !(path === '' && ROOT_FIELDS.has(name))) check(item, inner, `${path}.${name}`, causes);
    }
  }
}

/** What is composed of other schemas. Such faults are told of no field; the alternative that fits best tells its own after them. */
function alternatives(value: unknown, schema: Schema, path: string, at: string, causes: StatusCause[]): void {
  const tried = (schemas: Schema[]) =>
    schemas.map((one) => {
      const found: StatusCause[] = [];
      check(value, one, path, found);
      return found;
    });
  const name = at === '<nil>' ? '' : at;
  const wrong = (message: string, best: StatusCause[] = []) =>
    causes.push(
      { reason: 'FieldValueInvalid', message: `Invalid value: "": ${JSON.stringify(name)} ${message}`, field: '<nil>' },
      ...best,
    );
  if (schema.anyOf && !schema['x-kubernetes-int-or-string']) {
    const found = tried(schema.anyOf);
    if (found.every(({ length }) => length > 0)) wrong('must validate at least one schema (anyOf)', found[0]);
  }
  if (schema.oneOf) {
    const found = tried(schema.oneOf);
    const valid = found.filter(({ length }) => length === 0).length;
    const rule = 'must validate one and only one schema (oneOf).';
    if (valid === 0) wrong(`${rule} Found none valid`, found[0]);
    else if (valid > 1) wrong(`${rule} Found ${valid} valid alternatives`);
  }
  if (schema.not && tried([schema.not])[0]!.length === 0) wrong('must not validate the schema (not)');
  for (const one of schema.allOf ?? []) check(value, one, path, causes);
}

function duplicates(value: unknown[], schema: Schema, at: string, causes: StatusCause[]): void {
  const listType = schema['x-kubernetes-list-type'];
  if (listType !== 'set' && listType !== 'map') return;
  const keys = schema['x-kubernetes-list-map-keys'] ?? [];
  const seen = new Set<string>();
  for (const [i, item] of value.entries()) {
    const id =
      listType === 'set'
        ? JSON.stringify(item)
        : JSON.stringify(
            Object.fromEntries(
              keys.map((key) => [key, (item as Fields)?.[key] ?? schema.items?.properties?.[key]?.default]),
            ),
          );
    if (seen.has(id))
      causes.push({
        reason: 'FieldValueDuplicate',
        message: `Duplicate value: ${listType === 'set' ? id : goMap(JSON.parse(id) as Fields)}`,
        field: `${at}[${i}]`,
      });
    seen.add(id);
  }
}

const goMap = (key: Fields): string => JSON.stringify(key);

function fitsType(value: unknown, schema: Schema): boolean {
  if (schema['x-kubernetes-int-or-string']) return typeof value === 'string' || Number.isInteger(value);
  switch (schema.type) {
    case 'string':
      return typeof value === 'string';
    case 'boolean':
      return typeof value === 'boolean';
    case 'integer':
      return Number.isInteger(value);
    case 'number':
      return typeof value === 'number';
    case 'array':
      return Array.isArray(value);
    case 'object':
      return isObject(value);
    default:
      return true;
  }
}

const typeName = (value: unknown): string =>
  Array.isArray(value) ? 'array' : Number.isInteger(value) ? 'integer' : value === null ? 'null' : typeof value;
const shownValue = (value: unknown): string =>
  typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean'
    ? JSON.stringify(value)
    : isObject(value)
      ? JSON.stringify(value)
      : `${JSON.stringify(value)}`;

/** Checks the parts of a CustomResourceDefinition that others rely on. */
export function validateDefinition(definition: KubeObject): void {
  const { spec, metadata } = definition;
  const want = `${spec?.names?.plural}.${spec?.group}`;
  if (metadata.name !== want) {
    throw invalid('apiextensions.k8s.io', 'CustomResourceDefinition', metadata.name ?? '', [
      {
        reason: 'FieldValueInvalid',
        message: `Invalid value: ${JSON.stringify(metadata.name)}: must be spec.names.plural+"."+spec.group`,
        field: 'metadata.name',
      },
    ]);
  }
  const without = (spec.versions ?? []).flatMap(({ schema }: { schema?: { openAPIV3Schema?: object } }, i: number) =>
    schema?.openAPIV3Schema ? [] : [`spec.versions[${i}].schema.openAPIV3Schema`],
  );
  if (without.length > 0) {
    throw invalid(
      'apiextensions.k8s.io',
      'CustomResourceDefinition',
      metadata.name,
      without.map((field: string) => ({ reason: 'FieldValueRequired', message: 'Required value', field })),
    );
  }
  const stored = (spec.versions ?? []).filter((version: { storage: boolean }) => version.storage);
  if (stored.length !== 1) {
    throw invalid('apiextensions.k8s.io', 'CustomResourceDefinition', metadata.name, [
      {
        reason: 'FieldValueInvalid',
        message: 'Invalid value: must have exactly one version marked as storage version',
        field: 'spec.versions',
      },
    ]);
  }
  if (JSON.stringify(definition).length > 1_500_000)
    throw failure('RequestEntityTooLarge', 'the definition is too large');
}
