import { goPrint, goSyntax } from '#kube/api/go-json.ts';
import type { KubeObject } from '#kube/api/types.ts';
import { splitApiVersion } from '#kube/client/paths.ts';
import { CliError } from './errors.ts';
import { renderGoTemplate, TemplateError } from './go-template.ts';
import { compactJson, prettyJson } from './json.ts';
import { JsonPath } from './jsonpath.ts';
import { JsonPathError } from './jsonpath-syntax.ts';
import { toKyaml } from './kyaml.ts';
import type { Invocation } from './verb.ts';
import { toYaml } from './yaml.ts';

/** Formats of commands that print what they changed. */
export const OBJECT_FORMATS =
  'go-template,go-template-file,json,jsonpath,jsonpath-as-json,jsonpath-file,kyaml,name,template,templatefile,yaml'.split(
    ',',
  );
/** Formats of `get`. */
export const GET_FORMATS = [...OBJECT_FORMATS, 'custom-columns', 'custom-columns-file', 'wide'].sort();

/** What -o asks for: a format and, for templates, the text after `=`. */
export interface Output {
  format: string;
  argument: string;
}

export function readOutput(k: Invocation, allowed: string[]): Output {
  const value = k.flags.get('output');
  const equals = value.indexOf('=');
  const format = equals < 0 ? value : value.slice(0, equals);
  let argument = equals < 0 ? '' : value.slice(equals + 1);
  if (argument === '' && k.flags.has('template')) {
    argument = k.flags.get('template');
    if (format === '') return { format: 'go-template', argument };
  }
  if (format !== '' && !allowed.includes(format)) {
    throw new CliError(
      `unable to match a printer suitable for the output format ${JSON.stringify(value)}, allowed formats are: ${allowed.join(',')}`,
    );
  }
  if (/template|jsonpath/.test(format) && argument === '')
    throw new CliError('template format specified but no template given');
  return { format, argument };
}

/** `deployment.apps/web`. */
export function nameOf(object: Pick<KubeObject, 'apiVersion' | 'kind' | 'metadata'>): string {
  const { group } = splitApiVersion(object.apiVersion);
  const kind = object.kind.toLowerCase();
  return `${group ? `${kind}.${group}` : kind}/${object.metadata?.name ?? ''}`;
}

/** `StatefulSet.apps`, `ConfigMap`. */
export function groupKind({ apiVersion, kind }: Pick<KubeObject, 'apiVersion' | 'kind'>): string {
  const { group } = splitApiVersion(apiVersion);
  return group ? `${kind}.${group}` : kind;
}

export function withoutManagedFields(object: KubeObject): KubeObject {
  if (!object.metadata?.managedFields) return object;
  const { managedFields: _, ...metadata } = object.metadata;
  return { ...object, metadata };
}

/**
 * The text of an object in a format that is not a table. `keepOrder` writes JSON fields in the order they have, as
 * objects are written that kubectl makes itself.
 */
export async function formatObject(
  k: Invocation,
  { format, argument }: Output,
  object: KubeObject,
  keepOrder = false,
): Promise<string> {
  const missingOk = k.flags.get('allow-missing-template-keys') !== 'false';
  const shown = k.flags.bool('show-managed-fields') ? object : strip(object);
  switch (format) {
    case 'yaml':
      return `${isFirst(k) ? '' : '---\n'}${toYaml(shown)}`;
    case 'json':
      return `${prettyJson(shown, keepOrder)}\n`;
    case 'kyaml':
      return toKyaml(shown, keepOrder);
    case 'name':
      return object.kind === 'List'
        ? (object['items'] as KubeObject[]).map((each) => `${nameOf(each)}\n`).join('')
        : `${nameOf(object)}\n`;
    case 'jsonpath':
      return printPath(argument, shown, missingOk, object);
    case 'jsonpath-file':
      return printPath(await k.readFile(argument), shown, missingOk, object);
    case 'jsonpath-as-json': {
      const values = guardPath(argument, object, () =>
        new JsonPath(argument, { allowMissing: missingOk }).find(shown).flat(),
      );
      return `${prettyJson(values)}\n`;
    }
    case 'go-template':
    case 'template':
      return printTemplate(k, argument, object);
    default:
      return printTemplate(k, await k.readFile(argument), object);
  }
}

const printed = new WeakSet<Invocation>();

/** Whether nothing was printed as YAML before; documents after the first begin with three dashes. */
function isFirst(k: Invocation): boolean {
  if (printed.has(k)) return false;
  printed.add(k);
  return true;
}

const strip = (object: KubeObject): KubeObject =>
  Array.isArray(object['items'])
    ? { ...object, items: (object['items'] as KubeObject[]).map(withoutManagedFields) }
    : withoutManagedFields(object);

const printPath = (template: string, object: KubeObject, missingOk: boolean, whole: KubeObject): string =>
  guardPath(template, whole, () => new JsonPath(template, { allowMissing: missingOk }).print(object));

function guardPath<T>(template: string, object: KubeObject, run: () => T): T {
  try {
    return run();
  } catch (error) {
    if (!(error instanceof JsonPathError)) throw error;
    if (/is not found|out of bounds|is not array/.test(error.message)) {
      throw new CliError(
        `error executing jsonpath ${JSON.stringify(template)}: Error executing template: ${error.message}. Printing more information for debugging the template:\n\ttemplate was:\n\t\t${template}\n\tobject given to jsonpath engine was:\n\t\t${goSyntax(object)}\n\n`,
      );
    }
    throw new CliError(`error parsing jsonpath ${template}, ${error.message}`);
  }
}

async function printTemplate(k: Invocation, template: string, object: KubeObject): Promise<string> {
  try {
    return renderGoTemplate(template, object);
  } catch (error) {
    if (!(error instanceof TemplateError)) throw error;
    if (error.isParsing) throw new CliError(`error parsing template ${template}, ${error.message}`);
    const { message } = error;
    await k.out(
      `Error executing template: ${message}. Printing more information for debugging the template:\n\ttemplate was:\n\t\t${template}\n\traw data was:\n\t\t${compactJson(object)}\n\tobject given to template engine was:\n\t\t${goPrint(object)}\n\n`,
    );
    throw new CliError(`error executing template ${JSON.stringify(template)}: ${message}`);
  }
}
