import { ShellError } from '../flow.ts';
import type { ShellFunction, ShellProcess } from '../process.ts';
import { findProgram } from '../run/lookup.ts';
import { runExternal } from '../run/simple.ts';
import { sourceOf } from '../syntax/parse.ts';
import type { StatementNode } from '../syntax/tree.ts';
import { type Builtin, builtins, DECLARING } from './builtins.ts';

const KEYWORDS = [
  'if',
  'then',
  'else',
  'elif',
  'fi',
  'case',
  'esac',
  'for',
  'while',
  'until',
  'do',
  'done',
  'in',
  'function',
  'time',
  '{',
  '}',
  '!',
  '[[',
  ']]',
];

export function functionSource(name: string, known: ShellFunction): string {
  const { body } = known;
  const statements = body.type === 'Group' ? body.body : [wrap(body)];
  const text = statements.map((statement) => statement.sourceText ?? sourceOf([statement])).join('\n');
  return `${name} () \n{ \n${text.replace(/^/gm, '    ').replace(/;?$/, '')}\n}\n`;
}

function wrap(body: ShellFunction['body']): StatementNode {
  const pipeline = { type: 'Pipeline' as const, commands: [body], negated: false };
  return { type: 'Statement' as const, pipelines: [pipeline], operators: [], background: false };
}

type Kind = { kind: 'alias' | 'keyword' | 'function' | 'builtin' | 'file'; text: string };

async function kindsOf(sh: ShellProcess, name: string, o: { functions: boolean }): Promise<Kind[]> {
  const kinds: Kind[] = [];
  const alias = sh.aliases.get(name);
  if (alias !== undefined && sh.shopts.has('expand_aliases')) kinds.push({ kind: 'alias', text: alias });
  if (KEYWORDS.includes(name)) kinds.push({ kind: 'keyword', text: name });
  if (o.functions && sh.functions.has(name)) kinds.push({ kind: 'function', text: name });
  const builtin = builtins.get(name);
  if ((builtin && !builtin.isProgram) || DECLARING.has(name)) kinds.push({ kind: 'builtin', text: name });
  try {
    const found = await findProgram(sh, name);
    if (found) kinds.push({ kind: 'file', text: found.path });
  } catch (error) {
    if (!(error instanceof ShellError)) throw error;
  }
  return kinds;
}

function describe(sh: ShellProcess, name: string, { kind, text }: Kind): string {
  switch (kind) {
    case 'alias':
      return `${name} is aliased to \`${text}'\n`;
    case 'keyword':
      return `${name} is a shell keyword\n`;
    case 'function':
      return `${name} is a function\n${functionSource(name, sh.functions.get(name)!)}`;
    case 'builtin':
      return `${name} is a shell builtin\n`;
    case 'file':
      return `${name} is ${text}\n`;
  }
}

async function type(sh: ShellProcess, args: string[]): Promise<number> {
  const flags = new Set<string>();
  while (/^-[aftpP]+$/.test(args[0] ?? '')) for (const letter of args.shift()!.slice(1)) flags.add(letter);
  let status = 0;
  for (const name of args) {
    const all = await kindsOf(sh, name, { functions: !flags.has('f') });
    const kinds = flags.has('P') ? all.filter(({ kind }) => kind === 'file') : all;
    if (kinds.length === 0) {
      if (!flags.has('t') && !flags.has('p') && !flags.has('P')) await sh.complain(`type: ${name}: not found`);
      status = 1;
      continue;
    }
    for (const kind of flags.has('a') ? kinds : kinds.slice(0, 1)) {
      if (flags.has('t')) await sh.out(`${kind.kind}\n`);
      else if (flags.has('p') || flags.has('P')) {
        if (kind.kind === 'file') await sh.out(`${kind.text}\n`);
      } else await sh.out(describe(sh, name, kind));
    }
  }
  return status;
}

async function command(sh: ShellProcess, args: string[]): Promise<number> {
  if (args[0] === '-v' || args[0] === '-V') {
    let status = 0;
    for (const name of args.slice(1)) {
      const kind = (await kindsOf(sh, name, { functions: true }))[0];
      if (!kind) {
        if (args[0] === '-V') await sh.complain(`command: ${name}: not found`);
        status = 1;
      } else if (args[0] === '-V') await sh.out(describe(sh, name, kind));
      else
        await sh.out(
          kind.kind === 'alias' ? `alias ${name}='${kind.text}'\n` : `${kind.kind === 'file' ? kind.text : name}\n`,
        );
    }
    return status;
  }
  if (args[0] === '-p' || args[0] === '--') args.shift();
  const [name, ...rest] = args;
  if (name === undefined) return 0;
  const declaring = DECLARING.get(name);
  if (declaring) return declaring(sh, rest);
  const builtin = builtins.get(name);
  return builtin ? builtin.run(sh, rest) : runExternal(sh, name, rest, {});
}

export const nameBuiltins: Builtin[] = [
  { name: 'type', run: type },
  { name: 'command', run: command },
  {
    name: 'builtin',
    run: (sh, [name, ...rest]) => {
      if (name === undefined) return 0;
      const declaring = DECLARING.get(name);
      if (declaring) return declaring(sh, rest);
      const builtin = builtins.get(name);
      if (!builtin || builtin.isProgram) throw new ShellError(`builtin: ${name}: not a shell builtin`);
      return builtin.run(sh, rest);
    },
  },
  {
    name: 'which',
    isProgram: true,
    run: async (sh, args) => {
      let status = 0;
      for (const name of args.filter((arg) => arg !== '-a')) {
        const found = (await kindsOf(sh, name, { functions: false })).find(({ kind }) => kind === 'file');
        if (found) await sh.out(`${found.text}\n`);
        else status = 1;
      }
      return status;
    },
  },
  { name: 'hash', run: () => 0 },
  {
    name: 'alias',
    run: async (sh, args) => {
      let status = 0;
      const show = (name: string) => sh.out(`alias ${name}='${sh.aliases.get(name)!.replaceAll("'", "'\\''")}'\n`);
      const names = args.filter((arg) => arg !== '-p');
      if (names.length === 0) for (const name of [...sh.aliases.keys()].sort()) await show(name);
      for (const arg of names) {
        const at = arg.indexOf('=');
        if (at > 0) sh.aliases.set(arg.slice(0, at), arg.slice(at + 1));
        else if (sh.aliases.has(arg)) await show(arg);
        else {
          await sh.complain(`alias: ${arg}: not found`);
          status = 1;
        }
      }
      return status;
    },
  },
  {
    name: 'unalias',
    run: async (sh, args) => {
      if (args[0] === '-a') sh.aliases.clear();
      let status = 0;
      for (const name of args[0] === '-a' ? [] : args) {
        if (sh.aliases.delete(name)) continue;
        await sh.complain(`unalias: ${name}: not found`);
        status = 1;
      }
      return status;
    },
  },
  {
    name: 'help',
    run: async (sh, args) => {
      // A terminal that explains itself better than a list of names does so.
      if (sh.world.commands.has('help')) return runExternal(sh, 'help', args, {});
      const names = [...builtins.keys(), ...DECLARING.keys()].sort();
      await sh.out('Shell builtins:\n');
      await sh.out(`${names.join(' ').replace(/(.{1,76})(?: |$)/g, '  $1\n')}\nPrograms:\n`);
      const programs = [...sh.world.commands.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
      for (const program of programs)
        await sh.out(`  ${program.name.padEnd(12)} ${program.summary ?? ''}`.trimEnd() + '\n');
      return 0;
    },
  },
];
