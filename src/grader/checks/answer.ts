import { z } from 'zod';
import { defineCheck, failed, passed, waiting } from '../check.ts';

const params = z.strictObject({
  answer: z.string().min(1).describe('Id of a question under `answers:` of the lab.'),
  accept: z
    .enum(['right', 'any'])
    .default('right')
    .describe('`right`: passes with the right answer. `any`: a prediction; it passes when it is made, right or not.'),
});

/** A question that the learner answers in words. */
export const answer = defineCheck<z.infer<typeof params>>({
  name: 'answer',
  summary: 'Whether the learner answered one of the lab’s questions, and rightly.',
  params,
  triggers: (wanted) => [{ answer: wanted.answer }],
  async run({ answer: id, accept }, { answers, clock }) {
    if (!answers.definition(id)) throw new Error(`the lab has no question "${id}"`);
    const given = answers.given(id);
    if (!given) return waiting('Not answered yet.');
    const { value, correct, say } = given;
    const evidence = { type: 'object' as const, at: clock.now(), what: 'your answer', value };
    if (correct) return passed(say, [evidence], ['right']);
    if (accept === 'any') return passed(`You said: ${value}. Now look whether it is so.`, [evidence], ['noted']);
    return failed(say, [evidence], ['wrong']);
  },
});
