import { stringify } from 'yaml';
import type { KubeObject } from '#kube/api/types.ts';
import { toYaml } from '#mesh/install/render.ts';
import type { Invocation } from '../verb.ts';
import { refuse, textOf } from './shared-flags.ts';

/** Prints manifests one after another: YAML documents, or JSON a line each. */
export async function printDocuments(
  invocation: Invocation,
  objects: KubeObject[],
  rules: 'between' | 'after' = 'between',
): Promise<number> {
  const format = textOf(invocation, 'output', 'yaml');
  if (format === 'json') for (const object of objects) await invocation.out(`${JSON.stringify(sorted(object))}\n`);
  else if (format === 'yaml') {
    // Charts have a rule between two documents, what is to be deleted one after each.
    const text = toYaml(objects).slice(RULE.length);
    await invocation.out(rules === 'after' ? `${text}${RULE}` : text);
  } else refuse(`unsupported format ${format}`);
  return 0;
}

const RULE = '---\n';

/** The same with the keys of every map in alphabetical order, as Go turns YAML into JSON. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([key, each]) => [key, sorted(each)]));
}

/** One object with its keys in alphabetical order, as Go's YAML writes typed objects. */
export const sortedYaml = (object: unknown): string =>
  stringify(object, {
    lineWidth: 0,
    indentSeq: false,
    aliasDuplicateObjects: false,
    sortMapEntries: true,
    version: '1.1',
  });
