import { UsageError } from './flags.ts';
import type { Verb } from './verb.ts';

export const completion: Verb = {
  name: 'completion',
  summary: 'Output shell completion code for the specified shell (bash, zsh or fish)',
  long: 'Output shell completion code for the specified shell (bash, zsh or fish).',
  usage: '[bash|zsh|fish] [flags]',
  takes: { least: 1, most: 1 },
  examples: `  # bash
  source <(linkerd completion bash)`,
  async run({ args, out }) {
    if (!['bash', 'zsh', 'fish'].includes(args[0]!))
      throw new UsageError(`unsupported shell type (must be bash, zsh or fish): ${args[0]}`);
    // This terminal completes linkerd's words by itself; sourcing this line changes nothing.
    await out('# linkerd: completion is built into this terminal\n');
    return 0;
  },
  complete: async () => ['bash', 'fish', 'zsh'],
};
