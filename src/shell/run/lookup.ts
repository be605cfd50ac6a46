import { type Builtin, builtins } from '../builtins/builtins.ts';
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

function builtinOnDisk(name: string): Builtin | undefined {
  const builtin = builtins.get(name);
  return builtin && (builtin.isProgram || ON_DISK.includes(name)) ? builtin : undefined;
}

/** What a name (no function, no builtin) stands for. Undefined: not found. Throws when it may not be run. */
export async function findProgram(sh: ShellProcess, name: string): Promise<Found | undefined> {
  if (name.includes('/')) {
    const path = sh.path(name);
    const directory = BIN.find((bin) => path.startsWith(bin) && !path.slice(bin.length).includes('/'));
    const program = directory && sh.world.commands.get(path.slice(directory.length));
    if (program) return { program, path };
    const builtin = directory && builtinOnDisk(path.slice(directory.length));
    if (builtin) return { builtin, path };
    if (!(await sh.fs.exists(path))) throw new ShellError(`${name}: No such file or directory`, { status: 127 });
    const stat = await sh.fs.stat(path);
    if (stat.isDirectory) throw new ShellError(`${name}: Is a directory`, { status: 126 });
    if ((stat.mode & 0o111) === 0) throw new ShellError(`${name}: Permission denied`, { status: 126 });
    return { script: await sh.fs.readFile(path), path: name };
  }
  const program = sh.world.commands.get(name);
  if (program) return { program, path: `/usr/bin/${name}` };
  const builtin = builtinOnDisk(name);
  if (builtin) return { builtin, path: `/usr/bin/${name}` };
  for (const directory of (sh.variables.value('PATH') ?? '').split(':')) {
    if (directory === '' || BIN.includes(`${directory}/`)) continue;
    const path = `${sh.path(directory)}/${name}`;
    if (!(await sh.fs.exists(path))) continue;
    const stat = await sh.fs.stat(path);
    if (!stat.isDirectory && (stat.mode & 0o111) !== 0) return { script: await sh.fs.readFile(path), path };
  }
  return undefined;
}
