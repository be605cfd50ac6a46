import type { Command, CommandContext } from '../command.ts';
import { UsageError } from './arguments.ts';

/** A program whose wrong usage is reported as GNU programs do. */
export function program(name: string, summary: string, run: (context: CommandContext) => Promise<number>): Command {
  return {
    name,
    summary,
    execute: async (context) => {
      try {
        return await run(context);
      } catch (error) {
        if (!(error instanceof UsageError)) throw error;
        await context.stderr.write(`${name}: ${error.message}\n`);
        return error.status;
      }
    },
  };
}
