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
  if (format === 'json') for (const object of objects) await invocation.out(`${JSON.stringify(object)}\n`);
  else if (format === 'yaml') {
    // Charts have a rule between two documents, what is to be deleted one after each.
    const text = toYaml(objects).slice(RULE.length);
    await invocation.out(rules === 'after' ? `${text}${RULE}` : text);
  } else refuse(`unsupported format ${format}`);
  return 0;
}

const RULE = '---\n';

/** One object with its keys in alphabetical order, as Go's YAML writes typed objects. */
export const sortedYaml = (object: unknown): string =>
  stringify(object, { lineWidth: 0, indentSeq: false, aliasDuplicateObjects: false, sortMapEntries: true });
