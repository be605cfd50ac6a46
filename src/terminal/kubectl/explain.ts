import type { Schema } from '#kube/api/schemas.ts';
import type { ApiResource } from '#kube/client/client.ts';
import { CliError, isStatus, throwPlain } from './errors.ts';
import type { Invocation } from './verb.ts';

const WIDTH = 76;
const PREFIX = '#/components/schemas/';
type Schemas = Record<string, Schema>;

/** `kubectl explain TYPE[.FIELD...]`, from the OpenAPI v3 documents of the server. */
export async function explain(k: Invocation): Promise<void> {
  const { args, flags } = k;
  if (args.length === 0) {
    throw new CliError(
      'You must specify the type of resource to explain. Use "kubectl api-resources" for a complete list of supported resources.',
    );
  }
  if (args.length > 1) throw new CliError('We accept only this format: explain RESOURCE');
  const format = flags.get('output') || 'plaintext';
  if (format !== 'plaintext') throw new CliError(`unrecognized format: ${format}`);
  const { resource, fields } = await resourceOf(k, args[0]!);
  const schemas = await schemasOf(k, resource);
  const { group, version, kind } = resource;
  const own = Object.values(schemas).find((schema) =>
    schema['x-kubernetes-group-version-kind']?.some(
      (gvk) => gvk.group === group && gvk.version === version && gvk.kind === kind,
    ),
  );
  if (!own) throw new CliError(`GVR (${group}/${version}, Resource=${resource.resource}) not found in OpenAPI schema`);
  await k.out(`${group ? `GROUP:      ${group}\n` : ''}KIND:       ${kind}\nVERSION:    ${version}\n\n`);
  const page = new Page(schemas, flags.bool('recursive'));
  await k.out(page.text(own, fields));
}

/** The resource that the first parts of a path name; what is left are fields. */
async function resourceOf(k: Invocation, path: string): Promise<{ resource: ApiResource; fields: string[] }> {
  const parts = path.replace(/\.$/, '').split('.');
  const all = await k.finder.all();
  for (let length = parts.length; length > 1; length--) {
    const [name = '', ...group] = parts.slice(0, length);
    const isGroup = all.some((each) => each.group !== '' && each.group === group.join('.'));
    const found = isGroup ? await k.finder.tryFind(`${name}.${group.join('.')}`) : undefined;
    if (found) return { resource: inVersion(k, all, found), fields: parts.slice(length) };
  }
  const found = await k.finder.tryFind(parts[0]!);
  if (!found) throwPlain(`the server doesn't have a resource type ${JSON.stringify(parts[0])}`);
  return { resource: inVersion(k, all, found), fields: parts.slice(1) };
}

function inVersion(k: Invocation, all: ApiResource[], found: ApiResource): ApiResource {
  const wanted = k.flags.get('api-version');
  if (!wanted) return found;
  const same = all.find(
    (each) =>
      each.resource === found.resource && (each.group ? `${each.group}/${each.version}` : each.version) === wanted,
  );
  if (!same) {
    const gv = wanted.includes('/') ? wanted : `/${wanted}`;
    throw new CliError(`couldn't find resource for ${JSON.stringify(`${gv}, Resource=${found.resource}`)}`);
  }
  return same;
}

async function schemasOf(k: Invocation, { group, version }: ApiResource): Promise<Schemas> {
  const path = `/openapi/v3/${group ? `apis/${group}` : 'api'}/${version}`;
  try {
    const document = (await k.client.raw('GET', path)) as { components?: { schemas?: Schemas } };
    return document.components?.schemas ?? {};
  } catch (error) {
    if (isStatus(error, 'NotFound')) throw new CliError(`couldn't find OpenAPI schema of ${group}/${version}`);
    throw error;
  }
}

class Page {
  readonly #schemas: Schemas;
  readonly #recursive: boolean;

  constructor(schemas: Schemas, recursive: boolean) {
    this.#schemas = schemas;
    this.#recursive = recursive;
  }

  text(root: Schema, fields: string[]): string {
    let schema = root;
    for (const field of fields) {
      const next = this.#propertiesOf(schema)?.[field];
      if (!next) throw new CliError(`field ${JSON.stringify(field)} does not exist`);
      schema = next;
    }
    let out = '';
    if (fields.length > 0) {
      const choices = this.#enumOf(schema);
      out += `FIELD: ${fields.at(-1)} <${this.#typeOf(schema)}>\n`;
      out += choices.length > 0 ? `ENUM:\n${choices.map((each) => `    ${each}\n`).join('')}\n` : '\n\n';
    }
    out += `DESCRIPTION:\n${this.#description(schema)}`;
    const properties = this.#propertiesOf(schema);
    if (properties) out += `FIELDS:\n${this.#fields(schema, 2, [])}`;
    return `${out}\n`;
  }

  #fields(schema: Schema, indent: number, above: Schema[]): string {
    const holder = this.#holderOf(schema);
    const required = new Set(holder.required ?? []);
    const pad = ' '.repeat(indent);
    let out = '';
    for (const name of Object.keys(holder.properties ?? {}).sort()) {
      const field = holder.properties![name]!;
      const choices = this.#enumOf(field);
      out += `${pad}${name}\t<${this.#typeOf(field)}>${required.has(name) ? ' -required-' : ''}\n`;
      if (choices.length > 0)
        out += `${pad}enum: ${choices.slice(0, 4).join(', ')}${choices.length > 4 ? ', ....' : ''}\n`;
      if (!this.#recursive) {
        out += `${indented(wrap(field.description || '<no description>'), indent + 2)}\n\n`;
        continue;
      }
      const inner = this.#holderOf(field);
      if (inner.properties && !above.includes(inner)) out += this.#fields(field, indent + 2, [...above, inner]);
    }
    return out;
  }

  /** A reference to another schema, alone or wrapped in `allOf`. */
  #referenceOf(schema: Schema): string | undefined {
    return schema.$ref ?? (schema.allOf?.length === 1 ? schema.allOf[0]!.$ref : undefined);
  }

  #target(schema: Schema): Schema | undefined {
    const reference = this.#referenceOf(schema);
    return reference ? this.#schemas[reference.slice(PREFIX.length)] : undefined;
  }

  /** The schema that holds the fields: behind references, list items and map values. */
  #holderOf(schema: Schema): Schema {
    const target = this.#target(schema);
    if (target) return this.#holderOf(target);
    if (schema.items) return this.#holderOf(schema.items);
    const { additionalProperties } = schema;
    if (!schema.properties && typeof additionalProperties === 'object') return this.#holderOf(additionalProperties);
    return schema;
  }

  #propertiesOf(schema: Schema): Record<string, Schema> | undefined {
    const { properties } = this.#holderOf(schema);
    return properties && Object.keys(properties).length > 0 ? properties : undefined;
  }

  #enumOf(schema: Schema): string[] {
    return (schema.enum ?? []).map((each) => (each === '' ? '""' : String(each)));
  }

  #typeOf(schema: Schema): string {
    const reference = this.#referenceOf(schema);
    if (reference) {
      const type = this.#target(schema)?.type;
      return type && type !== 'object' ? type : reference.slice(reference.lastIndexOf('.') + 1);
    }
    if (schema.type === 'array') return `[]${schema.items ? this.#typeOf(schema.items) : 'Object'}`;
    if (typeof schema.additionalProperties === 'object' && !schema.properties) {
      return `map[string]${this.#typeOf(schema.additionalProperties)}`;
    }
    return schema.type === undefined || schema.type === 'object' ? 'Object' : schema.type;
  }

  /** What is said of a field, then of its type. */
  #descriptions(schema: Schema): string[] {
    const out = schema.description ? [schema.description] : [];
    const target = this.#target(schema) ?? (schema.items ? this.#target(schema.items) : undefined);
    if (target) return [...out, ...this.#descriptions(target)];
    return schema.items && !target ? [...out, ...this.#descriptions(schema.items)] : out;
  }

  #description(schema: Schema): string {
    const all = this.#descriptions(schema);
    if (all.length === 0) return '    <empty>\n';
    return `${all.map((each) => indented(wrap(each), 4)).join('\n')}\n    \n`;
  }
}

/** Breaks lines at spaces so that none is longer than the page, where words allow it. */
function wrap(text: string): string {
  return text
    .split('\n')
    .map((line) => {
      const lead = /^\s*/.exec(line)![0];
      const rows: string[] = [];
      let row = lead;
      for (const word of line.trim().split(/\s+/)) {
        if (row.trim() === '') row += word;
        else if (row.length + 1 + word.length <= WIDTH) row += ` ${word}`;
        else {
          rows.push(row);
          row = word;
        }
      }
      return [...rows, row.trim() === '' ? '' : row].join('\n');
    })
    .join('\n');
}

const indented = (text: string, by: number): string =>
  text
    .split('\n')
    .map((line) => `${' '.repeat(by)}${line}`)
    .join('\n');
