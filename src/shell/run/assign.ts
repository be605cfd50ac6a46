import { assignTo } from '../expand/parameter.ts';
import { expandText, expandToString, expandWords } from '../expand/word.ts';
import { ShellError } from '../flow.ts';
import type { ShellProcess } from '../process.ts';
import { quote } from '../quote.ts';
import { parseScript, sourceOf } from '../syntax/parse.ts';
import type { Assignment, WordNode, WordPart } from '../syntax/tree.ts';

/** Makes one assignment of a command line. Gives its text for `set -x`. */
export async function assign(sh: ShellProcess, assignment: Assignment): Promise<string> {
  const { name, append } = assignment;
  if (assignment.array) {
    await assignList(sh, name, assignment.array, append);
    return `${name}${append ? '+' : ''}=(...)`;
  }
  const value = assignment.value ? await expandToString(sh, assignment.value) : '';
  await assignTo(sh, name, value, append);
  if (sh.options.has('allexport')) sh.variables.declare(name.replace(/\[.*/s, '')).exported = true;
  return `${name}${append ? '+' : ''}=${quote(value)}`;
}

async function assignList(sh: ShellProcess, name: string, words: readonly WordNode[], append: boolean): Promise<void> {
  const variable = sh.variables.declare(name);
  // Values may name the old array, so they are computed before it goes.
  const items: { key: string | undefined; value: string; append: boolean }[] = [];
  for (const word of words) {
    const keyed = splitKey(word);
    if (!keyed) {
      for (const value of await expandWords(sh, [word])) items.push({ key: undefined, value, append: false });
      continue;
    }
    const key = await expandToString(sh, { type: 'Word', parts: keyed.key });
    items.push({ key, value: await expandToString(sh, { type: 'Word', parts: keyed.value }), append: keyed.append });
  }
  if (variable.map) {
    if (!append) variable.map.clear();
    for (let i = 0; i < items.length; i++) {
      const { key, value } = items[i]!;
      if (key !== undefined) sh.variables.setElement(name, key, value, items[i]!.append);
      else sh.variables.setElement(name, value, items[++i]?.value ?? '');
    }
    return;
  }
  if (!append || (variable.value === undefined && !variable.list)) {
    variable.list = new Map();
    variable.value = undefined;
  } else if (!variable.list) {
    variable.list = new Map([[0, variable.value ?? '']]);
    variable.value = undefined;
  }
  let next = variable.list.size === 0 ? 0 : Math.max(...variable.list.keys()) + 1;
  for (const { key, value, append: adds } of items) {
    if (key !== undefined) next = Number(sh.arithmetic(await expandText(sh, key)));
    sh.variables.setElement(name, next++, value, adds);
  }
}

/** `[key]=value` inside an array's parentheses. */
function splitKey(word: WordNode): { key: WordPart[]; value: WordPart[]; append: boolean } | undefined {
  const first = word.parts[0];
  const opening = first?.type === 'Literal' ? first.value : first?.type === 'Glob' ? first.pattern : '';
  if (!opening.startsWith('[')) return undefined;
  const key: WordPart[] = [];
  for (const [index, part] of word.parts.entries()) {
    const text = part.type === 'Literal' ? part.value : part.type === 'Glob' ? part.pattern : undefined;
    if (text === undefined) {
      key.push(part);
      continue;
    }
    const following = word.parts[index + 1];
    const closing = /^([^\]]*)\](\+?=)([\s\S]*)$/.exec(
      text + (text.endsWith(']') && following?.type === 'Literal' ? following.value : ''),
    );
    const start = index === 0 ? 1 : 0;
    if (!closing) {
      key.push({ type: 'Literal', value: text.slice(start) });
      continue;
    }
    key.push({ type: 'Literal', value: closing[1]!.slice(start) });
    const rest = word.parts.slice(index + (text.endsWith(']') ? 2 : 1));
    const value: WordPart[] = [{ type: 'Literal', value: closing[3]! }, ...rest];
    return { key, value, append: closing[2] === '+=' };
  }
  return undefined;
}

/** An argument of `declare`, `local`, `export` and their kind: an option or name as text, or an assignment. */
export type Declaration = string | Assignment;

const DECLARED = /^([A-Za-z_]\w*(?:\[[^\]]*\])?)(\+?)=/;

/** Reads the arguments of a declaring builtin: assignments are not split, arrays are arrays. */
export async function declarations(sh: ShellProcess, words: readonly WordNode[]): Promise<Declaration[]> {
  const result: Declaration[] = [];
  for (const word of words) {
    const first = word.parts[0];
    const match = first?.type === 'Literal' ? DECLARED.exec(first.value) : null;
    if (!match || first?.type !== 'Literal') {
      result.push(...(await expandWords(sh, [word])));
      continue;
    }
    const rest = first.value.slice(match[0].length);
    if (rest.startsWith('(')) {
      result.push(reparse(word));
      continue;
    }
    const value: WordNode = { type: 'Word', parts: [{ type: 'Literal', value: rest }, ...word.parts.slice(1)] };
    result.push({ type: 'Assignment', name: match[1]!, value, append: match[2] === '+', array: null });
  }
  return result;
}

const reparsed = new WeakMap<WordNode, Assignment>();

/** The parser reads `declare -a x=(1 2)` as a plain word; its source is read again as an assignment. */
function reparse(word: WordNode): Assignment {
  const known = reparsed.get(word);
  if (known) return known;
  const source = word.parts
    .map((part) => {
      if (part.type === 'Literal') return part.value;
      if (part.type === 'Glob') return part.pattern;
      const command = {
        type: 'SimpleCommand' as const,
        name: { type: 'Word' as const, parts: [part] },
        args: [],
        assignments: [],
        redirections: [],
      };
      const pipeline = { type: 'Pipeline' as const, commands: [command], negated: false };
      return sourceOf([{ type: 'Statement', pipelines: [pipeline], operators: [], background: false }]);
    })
    .join('');
  const command = parseScript(source).statements[0]?.pipelines[0]?.commands[0];
  const assignment = command?.type === 'SimpleCommand' ? command.assignments[0] : undefined;
  if (!assignment) throw new ShellError(`${source}: not a valid identifier`);
  reparsed.set(word, assignment);
  return assignment;
}
