import { evaluateConditional } from '../conditional.ts';
import { assignTo } from '../expand/parameter.ts';
import { matchesPattern } from '../expand/pattern.ts';
import { arithmeticText, expandPattern, expandToString, expandWords } from '../expand/word.ts';
import { Break, Continue, ShellError } from '../flow.ts';
import type { ShellProcess } from '../process.ts';
import type { Arithmetic, CommandNode, Compound, StatementNode } from '../syntax/tree.ts';
import { runChild } from './child.ts';
import { raise } from './raise.ts';
import { redirect } from './redirect.ts';
import { runSimple } from './simple.ts';
import { runCondition, runStatements } from './statement.ts';
import { endSubstitutions } from './substitution.ts';

export async function runCommand(sh: ShellProcess, command: CommandNode): Promise<number> {
  if (command.line) sh.line = command.line;
  if (command.type === 'SimpleCommand') return runSimple(sh, command);
  if (command.type === 'FunctionDef') {
    sh.functions.set(command.name, { body: command.body, redirections: command.redirections });
    return 0;
  }
  const substitutions = sh.substitutions.length;
  let undo: () => void = () => {};
  try {
    if (command.redirections.length > 0) undo = await redirect(sh, command.redirections);
    return await runCompound(sh, command);
  } catch (thrown) {
    if (thrown instanceof ShellError) return await raise(sh, thrown);
    throw thrown;
  } finally {
    undo();
    if (sh.substitutions.length > substitutions) await endSubstitutions(sh, substitutions);
  }
}

async function runCompound(
  sh: ShellProcess,
  command: Exclude<CommandNode, { type: 'SimpleCommand' | 'FunctionDef' }>,
): Promise<number> {
  switch (command.type) {
    case 'Group':
      return runStatements(sh, command.body);
    case 'Subshell': {
      const child = sh.fork();
      child.stageOutput = sh.stageOutput;
      const status = await runChild(child, () => runStatements(child, command.body));
      await sh.checkpoint();
      return status;
    }
    case 'If':
      for (const clause of command.clauses)
        if (await runCondition(sh, clause.condition)) return runStatements(sh, clause.body);
      return command.elseBody ? runStatements(sh, command.elseBody) : 0;
    case 'While':
      return loop(sh, command.body, () => runCondition(sh, command.condition));
    case 'Until':
      return loop(sh, command.body, async () => !(await runCondition(sh, command.condition)));
    case 'For': {
      const words = command.words ? await expandWords(sh, command.words) : sh.positional.slice();
      let next = 0;
      return loop(sh, command.body, async () => {
        if (next >= words.length) return false;
        await assignTo(sh, command.variable, words[next++]!);
        return true;
      });
    }
    case 'CStyleFor': {
      const value = async (expression: Arithmetic | null) =>
        expression ? sh.arithmetic(await arithmeticText(sh, expression)) : 1n;
      await value(command.init);
      return loop(
        sh,
        command.body,
        async () => (await value(command.condition)) !== 0n,
        async () => void (await value(command.update)),
      );
    }
    case 'Case':
      return runCase(sh, command);
    case 'ArithmeticCommand':
      return sh.arithmetic(await arithmeticText(sh, command.expression)) === 0n ? 1 : 0;
    case 'ConditionalCommand':
      return (await evaluateConditional(sh, command.expression)) ? 0 : 1;
  }
}

/** Runs the body while `goOn` says so; `break` and `continue` count loops outwards. */
async function loop(
  sh: ShellProcess,
  body: readonly StatementNode[],
  goOn: () => Promise<boolean>,
  step?: () => Promise<void>,
): Promise<number> {
  let status = 0;
  sh.loops++;
  try {
    for (;;) {
      await sh.checkpoint();
      try {
        if (!(await goOn())) break;
        status = await runStatements(sh, body);
      } catch (thrown) {
        if (!(thrown instanceof Break || thrown instanceof Continue)) throw thrown;
        if (--thrown.levels > 0 && sh.loops > 1) throw thrown;
        status = 0;
        if (thrown instanceof Break) break;
      }
      await step?.();
    }
  } finally {
    sh.loops--;
  }
  return status;
}

async function runCase(sh: ShellProcess, command: Compound<'Case'>): Promise<number> {
  const word = await expandToString(sh, command.word);
  let status = 0;
  let fallsThrough = false;
  for (const item of command.items) {
    let matches = fallsThrough;
    for (const pattern of matches ? [] : item.patterns) {
      if (!matchesPattern(word, await expandPattern(sh, pattern), sh.shopts.has('nocasematch'))) continue;
      matches = true;
      break;
    }
    if (!matches) continue;
    status = await runStatements(sh, item.body);
    if (item.terminator === ';;') return status;
    fallsThrough = item.terminator === ';&';
  }
  return status;
}
