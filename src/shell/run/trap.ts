import { Exit, Killed, Return, SIGNALS } from '../flow.ts';
import type { ShellProcess } from '../process.ts';
import { runScript } from './script.ts';

/** Runs the actions of signals that arrived, between two commands. */
export async function runPendingTraps(sh: ShellProcess): Promise<void> {
  while (sh.pending.length > 0 && !sh.isInTrap) {
    const signal = sh.pending.shift()!;
    const action = sh.traps.get(signal);
    if (action) await runAction(sh, action, 128 + SIGNALS[signal]);
  }
}

/** An action sees the status that was, and leaves it as it was. */
async function runAction(sh: ShellProcess, action: string, status: number): Promise<void> {
  const before = sh.status;
  sh.status = status;
  sh.isInTrap = true;
  try {
    await runScript(sh, action);
  } finally {
    sh.isInTrap = false;
    sh.status = before;
  }
}

/** After a failed command, where `set -e` would look too. */
export async function runErrTrap(sh: ShellProcess, status: number): Promise<void> {
  const action = sh.traps.get('ERR');
  if (!action || sh.isInTrap || sh.conditions > 0) return;
  if (sh.calls.length > 0 && !sh.options.has('errtrace')) return;
  await runAction(sh, action, status);
}

/** How long the last actions of an interrupted process may take, ms of the wall. */
const LAST_ACTIONS_MS = 5_000;

/** The EXIT trap, once. Gives the status of the process, which the action may change with `exit`. */
export async function runExitTrap(sh: ShellProcess, status: number): Promise<number> {
  const action = sh.traps.get('EXIT');
  if (!action) return status;
  sh.traps.delete('EXIT');
  return lastAction(sh, action, status);
}

/** A trap of the signal that ended the process, when it came from outside (Ctrl-C on a script). */
export async function runFatalTrap(sh: ShellProcess, killed: Killed): Promise<number> {
  const action = sh.traps.get(killed.signal);
  return action ? lastAction(sh, action, killed.status) : killed.status;
}

async function lastAction(sh: ShellProcess, action: string, status: number): Promise<number> {
  // The old signal may be aborted already; the action gets a short life of its own.
  if (sh.signal.aborted) sh.signal = AbortSignal.timeout(LAST_ACTIONS_MS);
  sh.status = status;
  sh.conditions = 0;
  try {
    await runScript(sh, action);
    return status;
  } catch (thrown) {
    if (thrown instanceof Exit || thrown instanceof Return || thrown instanceof Killed) return thrown.status;
    throw thrown;
  }
}
