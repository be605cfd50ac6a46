import { Break, Continue, Exit, Killed, killedBy, Return, ShellError } from '../flow.ts';
import { isBrokenPipe } from '../pipe.ts';
import type { ShellProcess } from '../process.ts';
import { runExitTrap } from './trap.ts';

/** Runs the body of a process to its end, whatever ends it, closes its descriptors, and gives its status. */
export async function runChild(sh: ShellProcess, body: () => Promise<number>): Promise<number> {
  let status: number;
  try {
    status = await endOf(sh, body);
    status = await runExitTrap(sh, status);
  } finally {
    sh.fds.closeAll();
    sh.unfollow();
  }
  return status & 255;
}

/** The status with which a body ends, its flow turned into numbers. Errors are printed. */
export async function endOf(sh: ShellProcess, body: () => Promise<number>): Promise<number> {
  try {
    return await body();
  } catch (thrown) {
    return statusOf(sh, thrown);
  }
}

export async function statusOf(sh: ShellProcess, thrown: unknown): Promise<number> {
  if (thrown instanceof Exit || thrown instanceof Return) return thrown.status;
  if (thrown instanceof Break || thrown instanceof Continue) return sh.status;
  if (thrown instanceof Killed) return thrown.status;
  if (isBrokenPipe(thrown)) return new Killed('PIPE').status;
  if (sh.signal.aborted) return killedBy(sh.signal).status;
  if (thrown instanceof ShellError) {
    await sh.complain(thrown.message);
    return thrown.status;
  }
  await sh.complain(thrown instanceof Error ? thrown.message : String(thrown));
  return 1;
}
