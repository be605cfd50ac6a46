import { type Builtin, builtins } from '../builtins/builtins.ts';
import { SHELL_NAMES } from '../builtins/shells.ts';
import type { Command } from '../command.ts';
import { ShellError } from '../flow.ts';
import type { ShellProcess } from '../process.ts';

const BIN = ['/bin/', '/usr/bin/', '/usr/local/bin/', '/sbin/', '/usr/sbin/'];

export type Found =
  | { program: Command; path: string }
  | { script: string; path: string }
  | { builtin: Builtin; path: string };

/** Builtins that a real system also has as files. */
const ON_DISK = ['[', 'echo', 'false', 'kill', 'printf', 'pwd', 'test', 'true'];

/** A builtin by name. Where the caller's programs name their own shells (a container), only those exist. */
export function findBuiltin(sh: ShellProcess, name: string): Builtin | undefined {
  const { commands } = sh.world;
  if (SHELL_NAMES.includes(name) && !commands.has(name) && SHELL_NAMES.some((each) => commands.has(each)))
    return undefined;
  return builtins.get(name);
}

/** A program of the system's directories. A shell is always ours: it shares the descriptors of its parent. */
function onDisk(sh: ShellProcess, name: string): { program: Command } | { builtin: Builtin } | undefined {
  const program = SHELL_NAMES.includes(name) ? undefined : sh.world.commands.get(name);
  if (program) return { program };
  const builtin = findBuiltin(sh, name);
  return builtin && (builtin.isProgram || ON_DISK.includes(name)) ? { builtin } : undefined;
}

/** What a name (no function, no builtin) stands for. Undefined: not found. Throws when it may not be run. */
export async function findProgram(sh: ShellProcess, name: string): Promise<Found | undefined> {
  if (name.includes('/')) {
    const path = sh.path(name);
    const directory = BIN.find((bin) => path.startsWith(bin) && !path.slice(bin.length).includes('/'));
    const found = directory && onDisk(sh, path.slice(directory.length));
    if (found) return { ...found, path };
    if (!(await sh.fs.exists(path))) throw new ShellError(`${name}: No such file or directory`, { status: 127 });
    const stat = await sh.fs.stat(path);
    if (stat.isDirectory) throw new ShellError(`${name}: Is a directory`, { status: 126 });
    if ((stat.mode & 0o111) === 0) throw new ShellError(`${name}: Permission denied`, { status: 126 });
    return { script: await sh.fs.readFile(path), path: name };
  }
  const found = onDisk(sh, name);
  if (found) return { ...found, path: `/usr/bin/${name}` };
  for (const directory of (sh.variables.value('PATH') ?? '').split(':')) {
    if (directory === '' || BIN.includes(`${directory}/`)) continue;
    const path = `${sh.path(directory)}/${name}`;
    if (!(await sh.fs.exists(path))) continue;
    const stat = await sh.fs.stat(path);
    if (!stat.isDirectory && (stat.mode & 0o111) !== 0) return { script: await sh.fs.readFile(path), path };
  }
  return undefined;
}
