import { parse } from 'yaml';
import type { KubeObject } from '#kube/api/types.ts';
import { goYaml } from '#mesh/install/config.ts';
import { UsageError } from './flags.ts';
import { readText } from './read-text.ts';
import { Failure, type Invocation } from './verb.ts';

// biome-ignore lint/suspicious/noExplicitAny: manifests are plain JSON.
type Json = any;

/** What was done with one object: the object as it is now, or undefined to leave its text as it was; and what is to be said. */
export interface Outcome<Report> {
  object: KubeObject | undefined;
  report: Report;
}

/**
 * Reads manifests from a file, a folder or stdin, changes them one by one, and prints them with what is said about them
 * after it. Texts of objects that are not touched stay as they are.
 */
export async function transformManifests<Report>(
  invocation: Invocation,
  change: (object: KubeObject) => Promise<Outcome<Report>>,
  summary: (reports: Report[]) => string,
): Promise<number> {
  const { args, flags, out, err } = invocation;
  if (args.length < 1) throw new UsageError('please specify a kubernetes resource file');
  const format = flags.values.get('output') ?? 'yaml';
  const texts = await sources(invocation, args[0]!);
  const reports: Report[] = [];
  const errors: string[] = [];
  const printed: string[] = [];
  for (const text of texts.flatMap(documents)) {
    try {
      const result = await one(text, change, reports);
      if (format === 'yaml') printed.push(`${result}---\n`);
      else if (format === 'json') printed.push(`${JSON.stringify(parse(result, { version: '1.1' }))}\n`);
      else errors.push(`unsupported format ${format}`);
    } catch (error) {
      errors.push((error as Error).message);
    }
  }
  if (errors.length > 0) {
    await err(`Error transforming resources:\n${errors.join('\n')}`);
    return 1;
  }
  await out(printed.join(''));
  await err(`\n${summary(reports)}\n`);
  return 0;
}

async function one<Report>(
  text: string,
  change: (object: KubeObject) => Promise<Outcome<Report>>,
  reports: Report[],
): Promise<string> {
  const object = (parse(text, { version: '1.1' }) ?? {}) as KubeObject;
  const changed = async (each: KubeObject) => {
    const { object: result, report } = await change(withoutEmptyParts(each));
    reports.push(report);
    return result;
  };
  if (object.kind !== 'List') {
    const result = await changed(object);
    return result ? goYaml(result) : text;
  }
  const items: KubeObject[] = [];
  for (const item of (object as Json).items ?? []) items.push((await changed(item)) ?? item);
  return goYaml({ apiVersion: object.apiVersion, items, kind: object.kind, metadata: object.metadata ?? {} });
}

/** A file, stdin for `-`, or every file of a folder and the folders in it. */
async function sources(invocation: Invocation, path: string): Promise<string[]> {
  const { fs, cwd } = invocation.context;
  if (path === '-') return [await readText(invocation, path)];
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(path)) {
    if (!/^https:/i.test(path)) throw new UsageError('only HTTPS URLs are allowed');
    throw new Failure(`${path} cannot be fetched: the terminal has no way out`);
  }
  const whole = fs.resolvePath(cwd, path);
  const stat = await fs.stat(whole).catch(() => undefined);
  if (!stat) throw new UsageError(`stat ${path}: no such file or directory`);
  if (!stat.isDirectory) return [await readText(invocation, path)];
  const texts: string[] = [];
  for (const name of (await fs.readdir(whole)).sort()) texts.push(...(await sources(invocation, `${whole}/${name}`)));
  return texts;
}

/** The documents of a stream, cut at lines of three dashes, as their texts. */
function documents(text: string): string[] {
  const out: string[] = [''];
  for (const line of text.split(/(?<=\n)/)) {
    if (/^---\s*(#.*)?$/.test(line.trimEnd())) out.push('');
    else out[out.length - 1] += line;
  }
  return out.filter((each) => each !== '').map((each) => (each.endsWith('\n') ? each : `${each}\n`));
}

/** kubectl's dry run prints zero values, which typed objects do not have when they are written again. */
function withoutEmptyParts(object: KubeObject): KubeObject {
  return JSON.parse(
    JSON.stringify(object, (key, value) => {
      const hollow = value !== null && typeof value === 'object' && Object.keys(value).length === 0;
      if (hollow && ['status', 'strategy', 'resources', 'updateStrategy'].includes(key)) return undefined;
      return key === 'creationTimestamp' && value === null ? undefined : value;
    }),
  );
}

const WORKLOADS = ['Deployment', 'DaemonSet', 'StatefulSet', 'ReplicaSet', 'ReplicationController', 'Job'];

/** Metadata and spec of the pods that an object makes; undefined when it makes none. */
export function podTemplate(object: KubeObject): { metadata?: Json; spec: Json } | undefined {
  if (object.kind === 'Pod') return object as Json;
  const template =
    object.kind === 'CronJob'
      ? object.spec?.jobTemplate?.spec?.template
      : WORKLOADS.includes(object.kind)
        ? object.spec?.template
        : undefined;
  if (!template) return undefined;
  template.spec ??= {};
  return template;
}
