import { Exit, type ShellError } from '../flow.ts';
import type { ShellProcess } from '../process.ts';

/** Prints a problem; a fatal one ends the script, or at a prompt the line. */
export async function raise(sh: ShellProcess, error: ShellError): Promise<number> {
  await sh.complain(error.message);
  if (error.fatal) throw new Exit(error.status, true);
  return error.status;
}
