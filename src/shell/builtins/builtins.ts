import type { ShellProcess } from '../process.ts';
import type { Declaration } from '../run/assign.ts';
import { controlBuiltins } from './control.ts';
import { declareBuiltin, exportBuiltin, localBuiltin, readonlyBuiltin } from './declare.ts';
import { directoryBuiltins } from './directories.ts';
import { jobBuiltins } from './jobs.ts';
import { nameBuiltins } from './names.ts';
import { optionBuiltins } from './options.ts';
import { outputBuiltins } from './output.ts';
import { readBuiltins } from './read.ts';
import { shellBuiltins } from './shells.ts';
import { variableBuiltins } from './variables.ts';

/** A command that runs inside the shell process. Problems are thrown as ShellError, with the builtin's name in front. */
export interface Builtin {
  readonly name: string;
  /** Behaves as a program on disk for `type` and `which`: `sh`, `bash`. */
  readonly isProgram?: boolean;
  run(sh: ShellProcess, args: string[]): Promise<number> | number;
}

export const builtins: ReadonlyMap<string, Builtin> = new Map(
  [
    ...controlBuiltins,
    ...directoryBuiltins,
    ...jobBuiltins,
    ...nameBuiltins,
    ...optionBuiltins,
    ...outputBuiltins,
    ...readBuiltins,
    ...shellBuiltins,
    ...variableBuiltins,
  ].map((builtin) => [builtin.name, builtin]),
);

/** Builtins whose arguments may be assignments. */
export const DECLARING: ReadonlyMap<string, (sh: ShellProcess, args: Declaration[]) => Promise<number>> = new Map([
  ['declare', declareBuiltin],
  ['typeset', declareBuiltin],
  ['local', localBuiltin],
  ['export', exportBuiltin],
  ['readonly', readonlyBuiltin],
]);
