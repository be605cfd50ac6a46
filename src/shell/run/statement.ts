import { Exit, Killed } from '../flow.ts';
import type { ShellProcess } from '../process.ts';
import type { StatementNode } from '../syntax/tree.ts';
import { startJob } from './job.ts';
import { runPipeline } from './pipeline.ts';
import { failSyntax } from './script.ts';
import { runErrTrap, runPendingTraps } from './trap.ts';

export async function runStatements(sh: ShellProcess, statements: readonly StatementNode[]): Promise<number> {
  let status = 0;
  for (const statement of statements) status = await runStatement(sh, statement);
  return status;
}

async function runStatement(sh: ShellProcess, statement: StatementNode): Promise<number> {
  await sh.checkpoint();
  if (sh.pending.length > 0) await runPendingTraps(sh);
  if (statement.deferredError) {
    if (statement.line) sh.line = statement.line;
    return failSyntax(sh, statement.deferredError.message, statement.sourceText);
  }
  if (statement.background) return startJob(sh, statement);
  if (sh.options.has('noexec')) return 0;
  const { pipelines, operators } = statement;
  const last = pipelines.length - 1;
  for (const [index, pipeline] of pipelines.entries()) {
    const operator = index === 0 ? ';' : operators[index - 1];
    if ((operator === '&&' && sh.status !== 0) || (operator === '||' && sh.status === 0)) continue;
    const isTested = index < last || pipeline.negated;
    if (isTested) sh.conditions++;
    try {
      sh.status = await runPipeline(sh, pipeline);
    } finally {
      if (isTested) sh.conditions--;
    }
    if (sh.status !== 0 && !isTested && mayFail(pipeline.commands)) await failed(sh);
  }
  return sh.status;
}

/** A compound command that is no subshell has looked at its own commands already. */
function mayFail(commands: StatementNode['pipelines'][number]['commands']): boolean {
  if (commands.length > 1) return true;
  return ['SimpleCommand', 'Subshell', 'ConditionalCommand', 'ArithmeticCommand'].includes(commands[0]!.type);
}

async function failed(sh: ShellProcess): Promise<void> {
  const { status } = sh;
  if (sh.signal.aborted) throw new Killed('INT');
  await runErrTrap(sh, status);
  if (sh.options.has('errexit') && sh.conditions === 0) throw new Exit(status);
}

/** Runs a condition: its failures are answers. */
export async function runCondition(sh: ShellProcess, statements: readonly StatementNode[]): Promise<boolean> {
  sh.conditions++;
  try {
    return (await runStatements(sh, statements)) === 0;
  } finally {
    sh.conditions--;
  }
}
