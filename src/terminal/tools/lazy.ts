import type { Command } from '#shell/command.ts';

/** A program whose code is loaded when it is first run or completed, so that a prompt is there fast. */
export function lazy(name: string, summary: string, load: () => Promise<Command>): Command {
  let loading: Promise<Command> | undefined;
  const command = () => {
    loading ??= load();
    return loading;
  };
  return {
    name,
    summary,
    execute: async (context) => (await command()).execute(context),
    complete: async (words, context) => (await (await command()).complete?.(words, context)) ?? [],
  };
}
