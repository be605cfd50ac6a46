import { parseAllDocuments } from 'yaml';
import type { KubeObject } from '#kube/api/types.ts';
import type { ApiResource } from '#kube/client/client.ts';
import { yamlProblem } from '../yaml-problem.ts';
import { CliError, ManyErrors } from './errors.ts';
import { compactJson } from './json.ts';
import type { Invocation } from './verb.ts';

/** An object read from a file, with what the server calls its kind. */
export interface Manifest {
  object: KubeObject;
  resource: ApiResource;
  /** Undefined for cluster-scoped kinds. */
  namespace?: string;
  /** The file, as it was named; `STDIN` for `-`. */
  source: string;
}

/**
 * Reads everything that -f, -R and -k name. Objects get the namespace they will live in. What cannot be read or has no
 * kind on the server comes back as an error beside the rest.
 */
export async function loadAll(k: Invocation): Promise<{ manifests: Manifest[]; errors: unknown[] }> {
  const found = await loadInOrder(k);
  return {
    manifests: found.flatMap((each) => ('manifest' in each ? [each.manifest] : [])),
    errors: found.flatMap((each) => ('error' in each ? [each.error] : [])),
  };
}

/** The same, in the order of the documents. */
export async function loadInOrder(k: Invocation): Promise<({ manifest: Manifest } | { error: unknown })[]> {
  const out: ({ manifest: Manifest } | { error: unknown })[] = [];
  for (const load of await sourcesOf(k)) {
    try {
      for (const { object, source } of await load()) {
        try {
          out.push({ manifest: await bind(k, object, source) });
        } catch (error) {
          out.push({ error });
        }
      }
    } catch (error) {
      out.push({ error });
    }
  }
  return out;
}

/** The same for commands that do nothing when a part cannot be read. */
export async function loadManifests(k: Invocation): Promise<Manifest[]> {
  const { manifests, errors } = await loadAll(k);
  if (errors.length === 1) throw errors[0];
  if (errors.length > 1) throw new ManyErrors(errors);
  return manifests;
}

type Load = () => Promise<{ object: KubeObject; source: string }[]>;

/** Gives an object its resource and its namespace. */
export async function bind(k: Invocation, object: KubeObject, source: string): Promise<Manifest> {
  const resource = await k.finder.ofKind(object.apiVersion, object.kind);
  const name = object.metadata?.name ?? '';
  if (!resource) {
    throw new CliError(
      `resource mapping not found for name: ${JSON.stringify(name)} namespace: ${JSON.stringify(object.metadata?.namespace ?? '')} from ${JSON.stringify(source)}: no matches for kind ${JSON.stringify(object.kind)} in version ${JSON.stringify(object.apiVersion)}\nensure CRDs are installed first`,
    );
  }
  if (!resource.namespaced) return { object, resource, source };
  const own = object.metadata?.namespace;
  if (own && k.namespaceGiven && own !== k.namespace) {
    throw new CliError(
      `the namespace from the provided object ${JSON.stringify(own)} does not match the namespace ${JSON.stringify(k.namespace)}. You must pass '--namespace=${own}' to perform this operation.`,
    );
  }
  const namespace = own || k.namespace;
  return { object: { ...object, metadata: { ...object.metadata, namespace } }, resource, namespace, source };
}

/** One reader a file; a path that does not exist is refused at once. */
async function sourcesOf(k: Invocation): Promise<Load[]> {
  const out: Load[] = [];
  const kustomization = k.flags.get('kustomize');
  if (kustomization) {
    const { buildNamed } = await import('./kustomize.ts');
    const objects = await buildNamed(k, kustomization);
    out.push(async () => objects.map((object) => ({ object, source: kustomization })));
  }
  const validates = VALIDATING.has(k.path[0]!) && !/^(false|ignore)$/.test(k.flags.get('validate') || 'strict');
  for (const name of k.flags.list('filename')) {
    for (const file of await expandPath(k, name)) {
      const source = file === '-' ? 'STDIN' : file;
      out.push(async () => {
        const text = file === '-' ? await readStdin(k) : await k.readFile(file);
        return parseManifests(text, source, validates).map((object) => ({ object, source }));
      });
    }
  }
  return out;
}

/** Commands that look at an object before they send it. */
const VALIDATING = new Set(['apply', 'create', 'replace']);

export async function readStdin(k: Invocation): Promise<string> {
  const parts: Uint8Array[] = [];
  for await (const chunk of k.context.stdin) parts.push(chunk);
  return Buffer.concat(parts).toString('utf8');
}

async function expandPath(k: Invocation, name: string): Promise<string[]> {
  if (name === '-') return [name];
  if (/^https?:\/\//.test(name)) {
    throw new CliError(`unable to read URL ${JSON.stringify(name)}: this terminal has no way out to other hosts`);
  }
  const { fs, cwd } = k.context;
  const path = fs.resolvePath(cwd, name);
  if (!(await fs.exists(path))) throw new CliError(`the path ${JSON.stringify(name)} does not exist`);
  if (!(await fs.stat(path)).isDirectory) return [name];
  const found = await walk(k, name, k.flags.bool('recursive'));
  if (found.length === 0) {
    throw new CliError(`error reading [${name}]: recognized file extensions are [.json .yaml .yml]`);
  }
  return found;
}

async function walk(k: Invocation, folder: string, deep: boolean): Promise<string[]> {
  const { fs, cwd } = k.context;
  const out: string[] = [];
  const base = folder.replace(/\/$/, '');
  for (const entry of (await fs.readdir(fs.resolvePath(cwd, folder))).sort()) {
    const path = base === '.' ? entry : `${base}/${entry}`;
    if ((await fs.stat(fs.resolvePath(cwd, path))).isDirectory) {
      if (deep) out.push(...(await walk(k, path, deep)));
    } else if (/\.(json|ya?ml)$/.test(entry)) out.push(path);
  }
  return out;
}

/** The objects of a YAML stream or JSON text; lists are taken apart. */
export function parseManifests(text: string, source: string, validates = false): KubeObject[] {
  const values = jsonStream(text);
  if (values) return values.flatMap((value) => flatten(value, source, validates));
  const documents = parseAllDocuments(text, {
    version: '1.1',
    uniqueKeys: false,
    customTags: (tags) =>
      tags.filter(
        (tag) =>
          typeof tag === 'string' || !(tag.tag.endsWith(':timestamp') || ('format' in tag && tag.format === 'TIME')),
      ),
  });
  const out: KubeObject[] = [];
  for (const document of 'empty' in documents ? [] : documents) {
    const problem = document.errors[0];
    if (problem) {
      throw new CliError(`error parsing ${source}: error converting YAML to JSON: yaml: ${yamlProblem(problem)}`);
    }
    const value: unknown = document.toJS();
    if (value === null || value === undefined) continue;
    out.push(...flatten(value, source, validates));
  }
  return out;
}

function flatten(value: unknown, source: string, validates: boolean): KubeObject[] {
  if (validates) refuseInvalid(value, source);
  const json = compactJson(value);
  if (typeof value !== 'object' || Array.isArray(value)) {
    throw new CliError(
      `error parsing ${source}: json: cannot unmarshal ${typeof value} into Go value of type map[string]interface {}`,
    );
  }
  const object = value as KubeObject;
  const undecodable = (what: string) =>
    new CliError(`unable to decode ${JSON.stringify(source)}: Object '${what}' is missing in '${json}'`);
  if (!object.kind) throw undecodable('Kind');
  if (!object.apiVersion) throw undecodable('apiVersion');
  if (object.kind.endsWith('List') && Array.isArray(object['items'])) {
    return (object['items'] as unknown[]).flatMap((item) => flatten(item, source, validates));
  }
  refuseUntextual(object, source);
  return [{ ...object, metadata: object.metadata ?? {} }];
}

/** JSON values one after the other; undefined when the text is something else. */
function jsonStream(text: string): unknown[] | undefined {
  if (!text.trimStart().startsWith('{')) return undefined;
  const parts: string[] = [];
  let [depth, start, quoted] = [0, 0, false];
  for (let at = 0; at < text.length; at++) {
    const char = text[at];
    if (quoted) {
      if (char === '\\') at++;
      else if (char === '"') quoted = false;
    } else if (char === '"') quoted = true;
    else if (char === '{') depth++;
    else if (char === '}' && --depth === 0) {
      parts.push(text.slice(start, at + 1));
      start = at + 1;
    }
  }
  if (text.slice(start).trim() !== '') return undefined;
  try {
    return parts.map((part) => JSON.parse(part) as unknown);
  } catch {
    return undefined;
  }
}

/** Labels and annotations are texts; what else they hold cannot be read. */
function refuseUntextual({ metadata }: KubeObject, source: string): void {
  for (const field of ['labels', 'annotations'] as const) {
    for (const value of Object.values(metadata?.[field] ?? {}) as unknown[]) {
      if (typeof value === 'string' || value === null) continue;
      const type = typeof value === 'boolean' ? 'bool' : Array.isArray(value) ? 'array' : typeof value;
      throw new CliError(
        `unable to decode ${JSON.stringify(source)}: json: cannot unmarshal ${type} into Go struct field ObjectMeta.metadata.${field} of type string`,
      );
    }
  }
}

function refuseInvalid(value: unknown, source: string): void {
  const refuse = (why: string) => {
    throw new CliError(
      `error validating ${JSON.stringify(source)}: error validating data: ${why}; if you choose to ignore these errors, turn validation off with --validate=false`,
    );
  };
  if (value === null || typeof value !== 'object' || Array.isArray(value)) refuse('invalid object to validate');
  const { apiVersion, kind } = value as Partial<KubeObject>;
  const missing = [...(apiVersion ? [] : ['apiVersion not set']), ...(kind ? [] : ['kind not set'])];
  if (missing.length > 0) refuse(missing.length === 1 ? missing[0]! : `[${missing.join(', ')}]`);
}
