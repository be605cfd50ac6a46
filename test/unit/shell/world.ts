import { InMemoryFs } from 'just-bash';
import { WallClock } from '#base/clock.ts';
import type { Command } from '#shell/command.ts';
import { collector, readerOf } from '#shell/pipe.ts';
import { standardPrograms } from '#shell/programs/programs.ts';
import { createShell, type Shell, type ShellOptions } from '#shell/shell.ts';

export const HOME = '/home/learner';

/** A shell over a file system in memory. */
export async function makeShell(
  o: { files?: Record<string, string>; commands?: Command[]; options?: Partial<ShellOptions> } = {},
): Promise<{ shell: Shell; fs: InMemoryFs }> {
  const fs = new InMemoryFs();
  await fs.mkdir(HOME, { recursive: true });
  await fs.mkdir('/tmp', { recursive: true });
  for (const [name, content] of Object.entries(o.files ?? {})) {
    const path = `${HOME}/${name}`;
    await fs.mkdir(path.slice(0, path.lastIndexOf('/')), { recursive: true });
    await fs.writeFile(path, content);
  }
  const commands = new Map([...standardPrograms(), ...(o.commands ?? [])].map((command) => [command.name, command]));
  const env = { HOME, PATH: '/usr/local/bin:/usr/bin:/bin' };
  const shell = createShell({ fs, clock: new WallClock(), env, cwd: HOME, commands, name: 't.sh', ...o.options });
  return { shell, fs };
}

export interface Outcome {
  stdout: string;
  stderr: string;
  code: number;
}

/** Runs one script to its end. */
export async function runIn(
  shell: Shell,
  script: string,
  stdin = '',
  signal = new AbortController().signal,
): Promise<Outcome> {
  const [out, err] = [collector(), collector()];
  const code = await shell.run(script, { stdin: readerOf(stdin), stdout: out.writer, stderr: err.writer }, signal);
  return { stdout: out.text(), stderr: err.text(), code };
}
