import { Exit } from '../flow.ts';
import type { ShellProcess } from '../process.ts';
import { parseScript, readablePrefix, SyntaxProblem } from '../syntax/parse.ts';
import type { ScriptNode } from '../syntax/tree.ts';
import { runStatements } from './statement.ts';

/** Parses and runs a text in this process. A text that cannot be read is reported, status 2. */
export async function runScript(sh: ShellProcess, text: string): Promise<number> {
  let script: ScriptNode;
  try {
    script = parseScript(text);
  } catch (error) {
    if (!(error instanceof SyntaxProblem)) throw error;
    const prefix = readablePrefix(text, error);
    if (prefix) await runStatements(sh, prefix.statements);
    await reportSyntax(sh, error, text);
    sh.status = 2;
    return 2;
  }
  if (script.statements.length === 0) return sh.status;
  return runStatements(sh, script.statements);
}

export async function reportSyntax(sh: ShellProcess, problem: SyntaxProblem, text: string): Promise<void> {
  sh.line = problem.line;
  await sh.complain(problem.message);
  const source = text.split('\n')[problem.line - 1];
  if (sh.hasLines && source !== undefined && problem.message.includes('near unexpected token'))
    await sh.complain(`\`${source}'`);
}

/** A statement that the parser could not read, met while running. */
export async function failSyntax(sh: ShellProcess, message: string, source: string | undefined): Promise<never> {
  await sh.complain(message);
  if (sh.hasLines && source) await sh.complain(`\`${source}'`);
  throw new Exit(2, true);
}
