import { readEnd, writeEnd } from '../files.ts';
import { createPipe } from '../pipe.ts';
import type { ShellProcess } from '../process.ts';
import type { CommandNode, PipelineNode } from '../syntax/tree.ts';
import { runChild } from './child.ts';
import { runCommand } from './command.ts';

/** Runs the stages of a pipeline side by side, each a process of its own. */
export async function runPipeline(sh: ShellProcess, pipeline: PipelineNode): Promise<number> {
  const start = pipeline.timed ? sh.world.clock.now() : 0;
  const { commands } = pipeline;
  const statuses = commands.length === 1 ? [await runCommand(sh, commands[0]!)] : await runStages(sh, pipeline);
  sh.variables.setList('PIPESTATUS', statuses.map(String));
  let status = statuses.at(-1)!;
  if (sh.options.has('pipefail')) status = statuses.findLast((each) => each !== 0) ?? 0;
  if (pipeline.timed) await reportTime(sh, sh.world.clock.now() - start, pipeline.timePosix ?? false);
  if (pipeline.negated) status = status === 0 ? 1 : 0;
  return status;
}

async function runStages(sh: ShellProcess, pipeline: PipelineNode): Promise<number[]> {
  const { commands } = pipeline;
  const stages: Promise<number>[] = [];
  let input = undefined as ReturnType<typeof readEnd> | undefined;
  const last = commands.length - 1;
  for (const [index, command] of commands.entries()) {
    if (index === last && sh.shopts.has('lastpipe') && !sh.world.interactive && input) {
      stages.push(runHere(sh, command, input));
      break;
    }
    const child = sh.fork();
    if (input) child.fds.put(0, input);
    input = undefined;
    if (index < last) {
      const { reader, writer } = createPipe();
      input = readEnd(reader);
      const output = writeEnd(writer);
      child.fds.put(1, output);
      child.stageOutput = output;
      if (pipeline.pipeStderr?.[index]) child.fds.put(2, output.retain());
    } else child.stageOutput = sh.stageOutput;
    stages.push(runChild(child, () => runCommand(child, command)));
  }
  const statuses = await Promise.all(stages);
  await sh.checkpoint();
  return statuses;
}

/** `shopt -s lastpipe`: the last stage runs in the shell itself. */
async function runHere(sh: ShellProcess, command: CommandNode, input: ReturnType<typeof readEnd>): Promise<number> {
  const restore = sh.fds.swap(0, input);
  try {
    return await runCommand(sh, command);
  } finally {
    restore();
  }
}

async function reportTime(sh: ShellProcess, ms: number, posix: boolean): Promise<void> {
  if (posix) {
    await sh.err(`real ${(ms / 1000).toFixed(2)}\nuser 0.00\nsys 0.00\n`);
    return;
  }
  const minutes = Math.floor(ms / 60_000);
  await sh.err(`\nreal\t${minutes}m${((ms % 60_000) / 1000).toFixed(3)}s\nuser\t0m0.000s\nsys\t0m0.000s\n`);
}
