import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ResourceSchema, ResourceSchemas } from '#workbench/editor/resource-schemas.ts';

/** The part of a JSON schema that the editor looks at, as it stands in a CustomResourceDefinition. */
interface OpenApi {
  type?: string;
  properties?: Record<string, OpenApi>;
  items?: OpenApi;
  enum?: unknown[];
  required?: string[];
  additionalProperties?: OpenApi | boolean;
  'x-kubernetes-preserve-unknown-fields'?: boolean;
  'x-kubernetes-int-or-string'?: boolean;
}

interface Definition {
  spec: {
    group: string;
    names: { kind: string };
    versions: { name: string; served: boolean; schema?: { openAPIV3Schema: OpenApi } }[];
  };
}

const METADATA: ResourceSchema = {
  type: 'object',
  required: ['name'],
  properties: {
    name: { type: 'string' },
    namespace: { type: 'string' },
    labels: { type: 'object', values: { type: 'string' } },
    annotations: { type: 'object', values: { type: 'string' } },
  },
  open: true,
};

/** What the mesh's own kinds may hold, for the editor: fields, types and allowed values, by `apiVersion kind`. */
export async function GET(): Promise<Response> {
  const schemas: ResourceSchemas = {};
  for (const name of ['linkerd', 'gateway-api']) {
    const file = join(process.cwd(), 'src', 'mesh', 'crds', 'data', `${name}.json`);
    for (const { spec } of JSON.parse(await readFile(file, 'utf8')) as Definition[]) {
      for (const version of spec.versions) {
        if (!version.served || !version.schema) continue;
        const schema = lean(version.schema.openAPIV3Schema);
        const { status: _status, ...properties } = schema.properties ?? {};
        schemas[`${spec.group}/${version.name} ${spec.names.kind}`] = {
          ...schema,
          properties: { apiVersion: { type: 'string' }, kind: { type: 'string' }, ...properties, metadata: METADATA },
        };
      }
    }
  }
  return Response.json(schemas);
}

function lean(schema: OpenApi): ResourceSchema {
  const { type, properties, items, required, additionalProperties } = schema;
  const open =
    schema['x-kubernetes-preserve-unknown-fields'] ||
    schema['x-kubernetes-int-or-string'] ||
    additionalProperties === true ||
    (type === undefined && properties === undefined);
  return {
    ...(type && !schema['x-kubernetes-int-or-string'] ? { type } : {}),
    ...(properties
      ? { properties: Object.fromEntries(Object.entries(properties).map(([key, value]) => [key, lean(value)])) }
      : {}),
    ...(items ? { items: lean(items) } : {}),
    ...(required ? { required } : {}),
    ...(schema.enum ? { enum: schema.enum.map(String) } : {}),
    ...(typeof additionalProperties === 'object' ? { values: lean(additionalProperties) } : {}),
    ...(open ? { open: true } : {}),
  };
}
