import type { IFileSystem } from 'just-bash';
import type { Command } from '#shell/command.ts';
import { type WordContext, wordAt } from './words.ts';

export interface CompletionWorld {
  fs: IFileSystem;
  cwd: string;
  env: Record<string, string>;
  commands: ReadonlyMap<string, Command>;
  /** Builtins, functions, aliases and keywords. */
  names: readonly string[];
  /** What an alias stands for, first word only. */
  aliasOf?(name: string): string | undefined;
}

export interface Candidate {
  /** The whole word, unquoted. */
  word: string;
  /** What a list shows of it. */
  label: string;
  /** More of the word may follow: no blank is added. */
  isOpen?: boolean;
}

export interface Completion {
  context: WordContext;
  candidates: Candidate[];
}

const KEYWORDS = [
  'case',
  'do',
  'done',
  'elif',
  'else',
  'esac',
  'fi',
  'for',
  'function',
  'if',
  'in',
  'then',
  'until',
  'while',
];
/** Programs whose arguments are names of programs. */
const TAKE_COMMANDS = new Set(['which', 'type', 'man', 'help', 'command', 'hash']);
const TAKE_VARIABLES = new Set(['export', 'unset', 'printenv', 'readonly']);
const TAKE_FOLDERS = new Set(['cd', 'rmdir', 'pushd']);

/** What the word before the cursor can become, in order, each once. */
export async function completionsOf(line: string, world: CompletionWorld): Promise<Completion> {
  const context = wordAt(line);
  const found = await candidatesFor(context, world);
  const unique = new Map(found.map((each) => [each.word, each]));
  return { context, candidates: [...unique.values()].sort((a, b) => (a.word < b.word ? -1 : 1)) };
}

async function candidatesFor(context: WordContext, world: CompletionWorld): Promise<Candidate[]> {
  const { word, words, isRedirect } = context;
  const variable = /\$\{?([A-Za-z_]\w*)?$/.exec(word);
  if (variable && context.quote !== "'") return variables(word, variable, world);
  if (isRedirect) return files(word, world);
  const name = words[0];
  if (name === undefined) {
    if (/^[A-Za-z_]\w*=/.test(word)) return filesAfter(word, word.indexOf('=') + 1, world);
    return word.includes('/') || word.startsWith('~') ? files(word, world) : commands(word, world);
  }
  if (TAKE_FOLDERS.has(name)) return (await files(word, world)).filter((each) => each.isOpen);
  if (TAKE_COMMANDS.has(name)) return commands(word, world);
  if (TAKE_VARIABLES.has(name))
    return starting(Object.keys(world.env), word).map((each) => ({ word: each, label: each }));
  const own = await fromProgram(context, world);
  if (own.length > 0) return own;
  const option = /^--?[\w-]+=/.exec(word);
  return option ? filesAfter(word, option[0].length, world) : files(word, world);
}

const starting = (names: readonly string[], prefix: string) => names.filter((name) => name.startsWith(prefix));

function variables(word: string, match: RegExpExecArray, world: CompletionWorld): Candidate[] {
  const before = word.slice(0, match.index);
  const brace = match[0].startsWith('${');
  return starting(Object.keys(world.env), match[1] ?? '').map((name) => ({
    word: `${before}$${brace ? `{${name}}` : name}`,
    label: `$${name}`,
  }));
}

function commands(prefix: string, world: CompletionWorld): Candidate[] {
  const all = [...world.commands.keys(), ...world.names, ...KEYWORDS];
  return starting(all, prefix)
    .filter((name) => /^[\w.+-]/.test(name) || prefix !== '')
    .map((name) => ({ word: name, label: name }));
}

async function fromProgram(context: WordContext, world: CompletionWorld): Promise<Candidate[]> {
  const { words, word } = context;
  const alias = world.aliasOf?.(words[0]!);
  const expanded = alias ? wordAt(`${alias} `).words : [words[0]!];
  const command = world.commands.get(expanded[0] ?? '');
  if (!command?.complete) return [];
  try {
    const found = await command.complete([...expanded, ...words.slice(1), word], world);
    return found
      .filter((each) => each.startsWith(word))
      .map((each) => ({ word: each, label: each, ...(/[=/:]$/.test(each) ? { isOpen: true } : {}) }));
  } catch {
    // A cluster that does not answer completes nothing; the learner meets the error when the command runs.
    return [];
  }
}

async function filesAfter(word: string, at: number, world: CompletionWorld): Promise<Candidate[]> {
  const head = word.slice(0, at);
  return (await files(word.slice(at), world)).map((each) => ({ ...each, word: head + each.word }));
}

async function files(word: string, world: CompletionWorld): Promise<Candidate[]> {
  const home = world.env['HOME'] ?? '/';
  if (word === '~') return [{ word: '~/', label: '~/', isOpen: true }];
  const slash = word.lastIndexOf('/') + 1;
  const folder = word.slice(0, slash);
  const prefix = word.slice(slash);
  const real = world.fs.resolvePath(world.cwd, folder.startsWith('~/') ? `${home}/${folder.slice(2)}` : folder || '.');
  const names = await world.fs.readdir(real).catch(() => []);
  const found = names.filter((name) => name.startsWith(prefix) && (prefix !== '' || !name.startsWith('.')));
  return Promise.all(
    found.map(async (name) => {
      const stat = await world.fs.stat(`${real}/${name}`).catch(() => undefined);
      const tail = stat?.isDirectory ? '/' : '';
      return { word: folder + name + tail, label: name + tail, ...(tail ? { isOpen: true } : {}) };
    }),
  );
}
