import { z } from 'zod';
import type { TextSeen } from '#schema/evidence.ts';
import { defineCheck, failed, passed } from '../check.ts';
import { problemIn, shortened, TEXT_PARAMS } from '../pattern.ts';

const params = z.strictObject({
  file: z
    .string()
    .regex(/^(?!\/)(?!.*(^|\/)\.\.(\/|$)).+$/, 'write a path below the learner’s home')
    .describe('Path below the learner’s home: `policy.yaml`, `certs/ca.crt`.'),
  ...TEXT_PARAMS,
});

/** A file that the learner writes, in the editor or in a terminal. */
export const fileContains = defineCheck<z.infer<typeof params>>({
  name: 'file-contains',
  summary: 'Whether a file of the learner’s exists, and what stands in it.',
  params,
  triggers: ({ file }) => [{ file }],
  async run(wanted, { files, clock }) {
    if (!files) throw new Error('this session has no files');
    const { file, otherwise } = wanted;
    const text = files.read(file);
    if (text === undefined) return failed(`There is no file ${file}.`, [], ['absent']);
    const secret = /-----BEGIN [A-Z ]*PRIVATE KEY-----/.test(text);
    const shown = secret ? 'a private key' : shortened(text);
    const evidence: TextSeen = { type: 'text', at: clock.now(), what: file, text: shown };
    const problem = problemIn(text, wanted);
    if (problem) return failed(otherwise ?? `${file} ${problem}.`, [evidence], ['differs']);
    return passed(`${file} is as asked for.`, [evidence]);
  },
});
