import { z } from 'zod';
import { defineCheck, failed, passed, waiting } from '../check.ts';

const params = z.strictObject({
  failures: z.number().int().min(0).default(0).describe('How many requests of the background traffic may fail.'),
  longestGapMs: z
    .number()
    .positive()
    .optional()
    .describe('Longest time without a successful answer that is accepted, ms.'),
  atLeast: z.number().int().min(1).default(20).describe('Requests that must have been seen before it is judged.'),
});

/** The background traffic of the lab, request by request. */
export const traffic = defineCheck<z.infer<typeof params>>({
  name: 'traffic',
  summary:
    'Whether any request of the lab’s background traffic failed since the learner was let in, and the longest gap.',
  params,
  triggers: () => [{ everyMs: 1_000 }],
  async run({ failures, longestGapMs, atLeast }, { traffic: log }) {
    if (!log) throw new Error('the lab has no traffic');
    const seen = log.evidence();
    const gap = `the longest gap between two answers was ${Math.round(seen.longestGapMs)} ms`;
    if (seen.failed > failures) {
      const last = seen.log.findLast((r) => r.status < 200 || r.status >= 400);
      const what = last ? ` The last one ${last.status === 0 ? 'got no answer' : `was answered ${last.status}`}.` : '';
      return failed(`${seen.failed} of ${seen.total} requests failed; ${gap}.${what}`, [seen], ['lost']);
    }
    if (longestGapMs !== undefined && seen.longestGapMs > longestGapMs) {
      return failed(`No request failed, but ${gap}; at most ${longestGapMs} ms was asked for.`, [seen], ['gap']);
    }
    if (seen.total < atLeast) return waiting(`${seen.total} of at least ${atLeast} requests seen so far.`, [seen]);
    return passed(`${seen.total} requests, none lost; ${gap}.`, [seen]);
  },
});
