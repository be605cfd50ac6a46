import { type Builtin, builtins, DECLARING } from '../builtins/builtins.ts';
import { expandWords } from '../expand/word.ts';
import { Return, ShellError } from '../flow.ts';
import { isBrokenPipe } from '../pipe.ts';
import type { ShellFunction, ShellProcess } from '../process.ts';
import { quote } from '../quote.ts';
import { parseScript } from '../syntax/parse.ts';
import type { SimpleCommandNode, StatementNode } from '../syntax/tree.ts';
import { assign, type Declaration, declarations } from './assign.ts';
import { runCommand } from './command.ts';
import { reasonOf } from './errors.ts';
import { runFile } from './file.ts';
import { findBuiltin, findProgram } from './lookup.ts';
import { runProgram } from './program.ts';
import { raise } from './raise.ts';
import { redirect, redirectForGood } from './redirect.ts';
import { runStatements } from './statement.ts';
import { endSubstitutions } from './substitution.ts';

/** Builtins whose prefixed assignments stay, as POSIX has it for `export` and the like; here only these. */
export async function runSimple(
  sh: ShellProcess,
  command: SimpleCommandNode,
  skipAliases?: ReadonlySet<string>,
): Promise<number> {
  const alias = aliasOf(sh, command, skipAliases);
  if (alias) return runAlias(sh, command, alias, skipAliases);
  const substitutions = sh.substitutions.length;
  let undo: () => void = () => {};
  sh.substitutionStatus = undefined;
  try {
    const literal =
      command.name?.parts.length === 1 && command.name.parts[0]?.type === 'Literal' ? command.name.parts[0].value : '';
    if (DECLARING.has(literal) && !sh.functions.has(literal)) {
      const args = await declarations(sh, command.args);
      await trace(sh, [literal, ...args.map((arg) => (typeof arg === 'string' ? arg : arg.name))]);
      undo = await redirect(sh, command.redirections);
      return await runDeclaring(sh, literal, args);
    }
    const words = command.name ? await expandWords(sh, [command.name, ...command.args]) : [];
    const name = words.shift();
    if (name === undefined) {
      undo = await redirect(sh, command.redirections);
      for (const assignment of command.assignments) {
        const text = await assign(sh, assignment);
        if (sh.options.has('xtrace')) await trace(sh, [], text);
      }
      return sh.substitutionStatus ?? 0;
    }
    if (DECLARING.has(name) && !sh.functions.has(name)) return await runDeclaring(sh, name, words.map(asDeclaration));
    if (sh.options.has('xtrace')) await trace(sh, [name, ...words], await prefixText(sh, command));
    if (name === 'exec') {
      await redirectForGood(sh, command.redirections);
      return await builtins.get('exec')!.run(sh, words);
    }
    // What a redirection opens is closed with its command; an assignment in front lives as long.
    undo = await redirect(sh, command.redirections);
    return await runNamed(sh, name, words, command);
  } catch (thrown) {
    if (isBrokenPipe(thrown)) throw thrown;
    if (thrown instanceof ShellError) return await raise(sh, thrown);
    throw thrown;
  } finally {
    undo();
    if (sh.substitutions.length > substitutions) await endSubstitutions(sh, substitutions);
  }
}

function asDeclaration(text: string): Declaration {
  const match = /^([A-Za-z_]\w*(?:\[[^\]]*\])?)(\+?)=([\s\S]*)$/.exec(text);
  if (!match) return text;
  const value = { type: 'Word' as const, parts: [{ type: 'SingleQuoted' as const, value: match[3]! }] };
  return { type: 'Assignment', name: match[1]!, value, append: match[2] === '+', array: null };
}

async function runDeclaring(sh: ShellProcess, name: string, args: Declaration[]): Promise<number> {
  return DECLARING.get(name)!(sh, args);
}

async function runNamed(sh: ShellProcess, name: string, args: string[], command: SimpleCommandNode): Promise<number> {
  const named = sh.functions.get(name);
  const builtin = named ? undefined : findBuiltin(sh, name);
  if (named || builtin) {
    const restore: (() => void)[] = [];
    for (const assignment of command.assignments) {
      const own = sh.variables.own(assignment.name);
      restore.push(sh.variables.override(assignment.name, own?.value ?? ''));
      await assign(sh, assignment);
    }
    try {
      return named ? await callFunction(sh, name, named, args) : await runBuiltin(sh, builtin!, args);
    } finally {
      for (const back of restore.reverse()) back();
    }
  }
  const overrides: Record<string, string> = {};
  if (command.assignments.length > 0) {
    const child = sh.variables.fork();
    const saved = sh.variables;
    sh.variables = child;
    try {
      for (const assignment of command.assignments) {
        await assign(sh, assignment);
        overrides[assignment.name] = child.value(assignment.name) ?? '';
      }
    } finally {
      sh.variables = saved;
    }
  }
  return runExternal(sh, name, args, overrides);
}

/** Runs a program or a script file. */
export async function runExternal(
  sh: ShellProcess,
  name: string,
  args: string[],
  overrides: Record<string, string>,
): Promise<number> {
  const found = await findProgram(sh, name);
  if (!found) {
    await sh.complain(`${name}: command not found`);
    return 127;
  }
  if ('program' in found) return runProgram(sh, found.program, args, overrides);
  if ('builtin' in found) return runBuiltin(sh, found.builtin, args);
  return runFile(sh, found, args, overrides);
}

async function runBuiltin(sh: ShellProcess, builtin: Builtin, args: string[]): Promise<number> {
  try {
    return await builtin.run(sh, args);
  } catch (thrown) {
    const isSystemError = thrown instanceof Error && !(thrown instanceof ShellError) && 'code' in thrown;
    if (isSystemError && !isBrokenPipe(thrown)) throw new ShellError(`${builtin.name}: ${reasonOf(thrown)}`);
    throw thrown;
  }
}

export async function callFunction(
  sh: ShellProcess,
  name: string,
  called: ShellFunction,
  args: string[],
): Promise<number> {
  sh.enter();
  // Cuts JavaScript's stack, so that a deep recursion meets our limit and not the engine's.
  await undefined;
  const { positional, loops } = sh;
  sh.positional = args;
  sh.loops = 0;
  sh.calls.unshift(name);
  sh.variables.enter();
  let undo: () => void = () => {};
  try {
    undo = await redirect(sh, called.redirections);
    return await runCommand(sh, called.body);
  } catch (thrown) {
    if (thrown instanceof Return) return thrown.status;
    throw thrown;
  } finally {
    undo();
    sh.variables.leave();
    sh.calls.shift();
    sh.loops = loops;
    sh.positional = positional;
    sh.depth--;
  }
}

async function prefixText(sh: ShellProcess, command: SimpleCommandNode): Promise<string> {
  return command.assignments.length > 0 && sh.options.has('xtrace')
    ? command.assignments.map((each) => `${each.name}=...`).join(' ')
    : '';
}

async function trace(sh: ShellProcess, words: string[], prefix = ''): Promise<void> {
  if (!sh.options.has('xtrace')) return;
  const ps4 = sh.variables.value('PS4') ?? '+ ';
  const text = [prefix, ...words.map(quote)].filter((each, index) => index > 0 || each !== '').join(' ');
  await sh.err(`${ps4.charAt(0).repeat(sh.subshell + 1)}${ps4.slice(1)}${text}\n`);
}

function aliasOf(
  sh: ShellProcess,
  command: SimpleCommandNode,
  skip: ReadonlySet<string> | undefined,
): string | undefined {
  if (sh.aliases.size === 0 || !sh.shopts.has('expand_aliases')) return undefined;
  const part = command.name?.parts[0];
  if (command.name?.parts.length !== 1 || part?.type !== 'Literal' || skip?.has(part.value)) return undefined;
  return sh.aliases.has(part.value) ? part.value : undefined;
}

/** The alias's text is read as a command of its own; the arguments go to its last simple command. */
async function runAlias(
  sh: ShellProcess,
  command: SimpleCommandNode,
  alias: string,
  skip?: ReadonlySet<string>,
): Promise<number> {
  const skipped = new Set(skip).add(alias);
  const script = parseScript(sh.aliases.get(alias)!);
  const statements = script.statements.slice();
  const last = statements.pop();
  const pipeline = last?.pipelines.at(-1);
  const target = pipeline?.commands.at(-1);
  if (!last || !pipeline || target?.type !== 'SimpleCommand') return runStatements(sh, script.statements);
  const merged: SimpleCommandNode = {
    ...target,
    args: [...target.args, ...command.args],
    assignments: [...command.assignments, ...target.assignments],
    redirections: [...target.redirections, ...command.redirections],
    ...(command.line === undefined ? {} : { line: command.line }),
  };
  if (statements.length === 0 && last.pipelines.length === 1 && pipeline.commands.length === 1)
    return runSimple(sh, merged, skipped);
  const statement: StatementNode = {
    ...last,
    pipelines: [...last.pipelines.slice(0, -1), { ...pipeline, commands: [...pipeline.commands.slice(0, -1), merged] }],
  };
  return runStatements(sh, [...statements, statement]);
}
