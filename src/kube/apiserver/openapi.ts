import { wordsFor } from '#kube/api/descriptions.ts';
import type { ApiRequest, ApiResponse } from '#kube/api/http.ts';
import { allSchemas, type Schema } from '#kube/api/schemas.ts';
import { type Kinds, type ResourceKind, SERVER_VERSION } from './kinds.ts';

const json = (value: unknown): ApiResponse => ({ status: 200, body: { type: 'object', value } });
const pathOf = (group: string, version: string): string => (group ? `apis/${group}/${version}` : `api/${version}`);

/** `/openapi/v3`, its documents, and a `/openapi/v2` that holds no more than its head. Undefined for other paths. */
export function openApiFor(request: ApiRequest, kinds: Kinds): ApiResponse | undefined {
  const { path } = request;
  if (path === '/openapi/v2') {
    return request.headers.accept?.includes(V2_PROTOBUF)
      ? { status: 200, body: { type: 'stream', contentType: V2_PROTOBUF.replace('@', '.'), chunks: once(emptyV2()) } }
      : json({ swagger: '2.0', info: info(), paths: {}, definitions: {} });
  }
  if (path === '/openapi/v3' || path === '/openapi/v3/') {
    const paths: Record<string, { serverRelativeURL: string }> = {};
    for (const kind of kinds.all()) {
      const key = pathOf(kind.group, kind.version);
      paths[key] = { serverRelativeURL: `/openapi/v3/${key}?hash=${kinds.revision.toString(16)}` };
    }
    return json({ paths });
  }
  const match = /^\/openapi\/v3\/(?:api|apis\/([^/]+))\/([^/]+)$/.exec(path);
  if (!match) return undefined;
  const [, group = '', version = ''] = match;
  const served = kinds.all().filter((kind) => kind.group === group && kind.version === version);
  return served.length > 0 ? json(documentOf(served)) : undefined;
}

const V2_PROTOBUF = 'application/com.github.proto-openapi.spec.v2@v1.0+protobuf';

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

/** A version 2 document without paths, as clients ask for it: swagger is field 1, info field 2 with title 1, version 2. */
function emptyV2(): Uint8Array {
  const field = (number: number, value: Uint8Array | string) => {
    const bytes = Buffer.from(value);
    return Buffer.concat([Buffer.from([(number << 3) | 2, bytes.length]), bytes]);
  };
  const { title, version } = info();
  return Buffer.concat([field(1, '2.0'), field(2, Buffer.concat([field(1, title), field(2, version)]))]);
}

const info = () => ({ title: 'Kubernetes', version: SERVER_VERSION.gitVersion });

function documentOf(kinds: ResourceKind[]): unknown {
  const schemas: Record<string, Schema> = {};
  const paths: Record<string, unknown> = {};
  for (const kind of kinds) {
    const schema = kind.schema();
    if (schema) {
      if (kind.custom) {
        schemas[customName(kind)] = withKind(kind, schema);
        collect({ $ref: META }, schemas);
      } else collect(schema, schemas);
    }
    const gvk = { group: kind.group, version: kind.version, kind: kind.kind };
    const base = `/${pathOf(kind.group, kind.version)}${kind.namespaced ? '/namespaces/{namespace}' : ''}/${kind.resource}`;
    const query = ['dryRun', 'fieldManager', 'fieldValidation'].map((name) => ({
      name,
      in: 'query',
      schema: { type: 'string', uniqueItems: true },
    }));
    paths[base] = { get: operation(gvk, 'list', []), post: operation(gvk, 'post', query) };
    paths[`${base}/{name}`] = {
      get: operation(gvk, 'get', []),
      put: operation(gvk, 'put', query),
      patch: operation(gvk, 'patch', [
        ...query,
        { name: 'force', in: 'query', schema: { type: 'boolean', uniqueItems: true } },
      ]),
      delete: operation(gvk, 'delete', query),
    };
  }
  const words = wordsFor();
  const told = Object.fromEntries(
    Object.entries(schemas).map(([name, schema]) => [name, withWords(schema, words[name])]),
  );
  return { openapi: '3.0.0', info: info(), paths, components: { schemas: told } };
}

/** What all kinds have. */
const COMMON = {
  apiVersion: 'The group and version of the API that this form of the object belongs to.',
  kind: 'What the object is.',
  metadata: 'Its name, labels and what else every object has.',
};

/** A schema with the words that there are for it; those that it has itself, as a custom kind's may, stay. */
function withWords(schema: Schema, words: Record<string, string> | undefined): Schema {
  const all: Record<string, string> = { ...(schema['x-kubernetes-group-version-kind'] ? COMMON : {}), ...words };
  return Object.entries(all).reduce(
    (so, [path, text]) => described(so, path === '' ? [] : path.split('.'), text),
    schema,
  );
}

/** The schema with a description at a path of fields; a list's field is that of its items. */
function described(schema: Schema, [field, ...rest]: string[], text: string): Schema {
  if (field === undefined) return schema.description === undefined ? { ...schema, description: text } : schema;
  if (schema.items && !schema.properties) return { ...schema, items: described(schema.items, [field, ...rest], text) };
  const inner = schema.properties?.[field];
  if (!inner) return schema;
  return { ...schema, properties: { ...schema.properties, [field]: described(inner, rest, text) } };
}

const operation = (gvk: object, action: string, parameters: unknown[]) => ({
  'x-kubernetes-action': action,
  'x-kubernetes-group-version-kind': gvk,
  parameters,
  responses: { 200: { description: 'OK' } },
});

const META = '#/components/schemas/io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta';

const customName = (kind: ResourceKind): string =>
  `${kind.group.split('.').reverse().join('.')}.${kind.version}.${kind.kind}`;

function withKind(kind: ResourceKind, schema: Schema): Schema {
  return {
    ...schema,
    type: 'object',
    properties: {
      apiVersion: { type: 'string' },
      kind: { type: 'string' },
      metadata: { allOf: [{ $ref: META }] },
      ...withoutMeta(schema.properties),
    },
    'x-kubernetes-group-version-kind': [{ group: kind.group, version: kind.version, kind: kind.kind }],
  };
}

function withoutMeta(properties: Record<string, Schema> | undefined): Record<string, Schema> {
  const { apiVersion: _, kind: __, metadata: ___, ...rest } = properties ?? {};
  return rest;
}

/** A schema and everything that it refers to, by name. */
function collect(schema: Schema, into: Record<string, Schema>): void {
  const names = Object.entries(allSchemas());
  const own = names.find(([, candidate]) => candidate === schema)?.[0];
  if (own) {
    if (into[own]) return;
    into[own] = schema;
  }
  for (const ref of refsIn(schema)) {
    const target = allSchemas()[ref];
    if (target && !into[ref]) collect(target, into);
  }
}

function refsIn(value: unknown): string[] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) =>
    key === '$ref' ? [String(inner).slice('#/components/schemas/'.length)] : refsIn(inner),
  );
}
