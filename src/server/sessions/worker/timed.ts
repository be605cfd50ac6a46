import type { Command } from '#shell/command.ts';

/** Programs that run others, whose time is told already. */
const RUNS_OTHERS = new Set(['bash', 'sh', 'env', 'timeout', 'time', 'watch', 'xargs', 'find']);

/** The same programs; each run of one is told with its name and verb, e.g. `kubectl rollout status`, and its time, ms. */
export function timed(commands: readonly Command[], tell: (command: string, tookMs: number) => void): Command[] {
  return commands.map((command) => {
    if (RUNS_OTHERS.has(command.name)) return command;
    const { complete } = command;
    return {
      name: command.name,
      ...(command.summary ? { summary: command.summary } : {}),
      ...(complete ? { complete: complete.bind(command) } : {}),
      execute: async (context) => {
        const began = performance.now();
        try {
          return await command.execute(context);
        } finally {
          tell(nameOf(command.name, context.args), performance.now() - began);
        }
      },
    };
  });
}

/** `kubectl -n shop rollout status …` is `kubectl rollout status`. */
function nameOf(program: string, args: string[]): string {
  if (!['kubectl', 'linkerd', 'academy'].includes(program)) return program;
  const words = args.filter(
    (arg, i) => !arg.startsWith('-') && !/^-(n|-namespace|c|-context)$/.test(args[i - 1] ?? ''),
  );
  const verbs = ['rollout', 'clock'].includes(words[0] ?? '') ? words.slice(0, 2) : words.slice(0, 1);
  return [program, ...verbs].join(' ');
}
