import { OpenFile, readEnd, writeEnd } from '../files.ts';
import { ShellError } from '../flow.ts';
import { collector, createPipe } from '../pipe.ts';
import type { ShellProcess } from '../process.ts';
import type { ScriptNode } from '../syntax/tree.ts';
import { runChild } from './child.ts';
import { redirect } from './redirect.ts';
import { runStatements } from './statement.ts';

/** What `$(…)` may give, bytes. */
const LONGEST_OUTPUT = 16 * 1024 * 1024;

/** The output of a script without its last newlines. Waits until all who could write have gone. */
export async function substituteCommand(sh: ShellProcess, script: ScriptNode): Promise<string> {
  if (script.statements.length === 0) {
    sh.substitutionStatus = 0;
    return '';
  }
  await sh.checkpoint();
  const output = collector(LONGEST_OUTPUT);
  const child = sh.fork();
  child.conditions = 0;
  if (!sh.shopts.has('inherit_errexit')) child.options.delete('errexit');
  let ended: () => void = () => {};
  const closed = new Promise<void>((resolve) => {
    ended = resolve;
  });
  let isTooLong = false;
  const writer = {
    write: async (data: Uint8Array | string) => {
      try {
        await output.writer.write(data);
      } catch (error) {
        isTooLong = true;
        throw error;
      }
    },
    end: () => {},
  };
  child.fds.put(1, new OpenFile({ writer, onClose: () => ended() }));
  const body = inputOnly(script) ? () => copyInput(child, script) : () => runStatements(child, script.statements);
  sh.substitutionStatus = await runChild(child, body);
  await closed;
  await sh.checkpoint();
  if (isTooLong) throw new ShellError('command substitution: output is larger than 16 MiB', { fatal: true });
  const text = output.text().replaceAll('\0', '');
  return text.replace(/\n+$/, '');
}

/** `$(< file)` */
function inputOnly(script: ScriptNode): boolean {
  const command = script.statements.length === 1 ? script.statements[0]?.pipelines[0]?.commands[0] : undefined;
  return (
    command?.type === 'SimpleCommand' &&
    !command.name &&
    command.assignments.length === 0 &&
    command.redirections.length === 1 &&
    command.redirections[0]?.operator === '<'
  );
}

async function copyInput(child: ShellProcess, script: ScriptNode): Promise<number> {
  const command = script.statements[0]!.pipelines[0]!.commands[0]!;
  await redirect(child, command.redirections);
  const reader = child.fds.get(0)?.reader;
  for (let chunk = await reader?.read(child.signal); chunk; chunk = await reader?.read(child.signal))
    await child.fds.get(1)?.writer?.write(chunk);
  return 0;
}

/** Starts `<(…)` or `>(…)` beside this command and gives the path of its stream. */
export async function substituteProcess(
  sh: ShellProcess,
  script: ScriptNode,
  direction: 'input' | 'output',
): Promise<string> {
  const { reader, writer } = createPipe();
  const child = sh.fork();
  const fd = sh.fds.free(60);
  if (direction === 'input') {
    child.fds.put(1, writeEnd(writer));
    sh.fds.put(fd, readEnd(reader));
  } else {
    child.fds.put(0, readEnd(reader));
    sh.fds.put(fd, writeEnd(writer));
  }
  const done = runChild(child, () => runStatements(child, script.statements));
  sh.substitutions.push({ fd, done });
  return `/dev/fd/${fd}`;
}

/** Closes the streams of process substitutions that a command used, and lets the ones that read finish. */
export async function endSubstitutions(sh: ShellProcess, from: number): Promise<void> {
  for (const { fd, done } of sh.substitutions.splice(from)) {
    sh.fds.put(fd, undefined);
    // bash does not wait here; waiting keeps the output of >(…) in front of the next prompt.
    await Promise.race([done, sh.world.clock.sleep(50)]);
  }
}
