import { UsageError } from './flags.ts';
import type { Verb } from './verb.ts';

export const completion: Verb = {
  name: 'completion',
  summary: 'Output shell completion code for the specified shell (bash, zsh or fish)',
  usage: '[bash|zsh|fish]',
  examples: `  # bash
  source <(linkerd completion bash)`,
  async run({ args, out }) {
    if (!['bash', 'zsh', 'fish'].includes(args[0] ?? '')) {
      throw new UsageError('please specify one of: bash, zsh, fish');
    }
    // This terminal completes linkerd's words by itself; sourcing this line changes nothing.
    await out('# linkerd: completion is built into this terminal\n');
    return 0;
  },
  complete: async () => ['bash', 'fish', 'zsh'],
};
