import { z } from 'zod';
import type { TextSeen } from '#schema/evidence.ts';
import { defineCheck, failed, passed } from '../check.ts';
import { problemIn, shortened, TEXT_PARAMS } from '../pattern.ts';

const params = z.strictObject({
  command: z
    .string()
    .min(1)
    .regex(/^[^\n]+$/, 'write one line')
    .describe(
      'One command line, run in a fresh shell in the learner’s home. It must only look: nothing may be changed.',
    ),
  exit: z.number().int().min(0).max(255).default(0).describe('The exit code that is wanted.'),
  ...TEXT_PARAMS,
  everySeconds: z.number().int().min(1).max(60).default(2).describe('How often it is run while nothing else happens.'),
});

/** What a command of the lab's terminal prints. For what no other check looks at: it costs a shell at each look. */
export const commandOutput = defineCheck<z.infer<typeof params>>({
  name: 'command-output',
  summary: 'What one command line prints in the learner’s shell, and with which exit code it ends.',
  params,
  triggers: ({ everySeconds }) => [{ everyMs: everySeconds * 1_000 }],
  async run(wanted, { runScript, clock }) {
    if (!runScript) throw new Error('this session has no shell');
    const { command, exit, otherwise } = wanted;
    const { code, output } = await runScript(command);
    const evidence: TextSeen = { type: 'text', at: clock.now(), what: command, text: shortened(output), code };
    if (code !== exit)
      return failed(otherwise ?? `\`${command}\` ended with ${code}, not with ${exit}.`, [evidence], [`exit ${code}`]);
    const problem = problemIn(output, wanted);
    if (problem) return failed(otherwise ?? `What \`${command}\` prints ${problem}.`, [evidence], ['differs']);
    return passed(`\`${command}\` prints what was asked for.`, [evidence]);
  },
});
