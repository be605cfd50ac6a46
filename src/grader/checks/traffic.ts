import { z } from 'zod';
import type { Traffic } from '#schema/evidence.ts';
import { defineCheck, failed, type Outcome, passed, waiting } from '../check.ts';

const params = z.strictObject({
  failures: z.number().int().min(0).default(0).describe('How many requests of the background traffic may fail.'),
  longestGapMs: z
    .number()
    .positive()
    .optional()
    .describe('Longest time without a successful answer that is accepted, ms.'),
  lastSeconds: z
    .number()
    .int()
    .min(1)
    .max(120)
    .optional()
    .describe('Judges only the last so many seconds: for a world that is broken at the start.'),
  atLeast: z.number().int().min(1).default(20).describe('Requests that must have been seen before it is judged.'),
});

/** The background traffic of the lab, request by request. */
export const traffic = defineCheck<z.infer<typeof params>>({
  name: 'traffic',
  summary:
    'Whether any request of the lab’s background traffic failed since the learner was let in, and the longest gap.',
  params,
  windowMs: ({ lastSeconds = 0, atLeast }) => Math.max(lastSeconds * 1_000, atLeast * 200),
  triggers: () => [{ everyMs: 1_000 }],
  async run({ failures, longestGapMs, lastSeconds, atLeast }, { traffic: log, clock }) {
    if (!log) throw new Error('the lab has no traffic');
    const seen = log.evidence();
    if (lastSeconds !== undefined) return recently(seen, clock.now(), lastSeconds, failures, atLeast);
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

/** The last seconds alone. The current one is still being counted, and counts too. */
function recently(seen: Traffic, now: number, seconds: number, failures: number, atLeast: number): Outcome {
  const of = `of the last ${seconds} seconds`;
  let ok = 0;
  let bad = 0;
  for (const second of seen.perSecond) {
    if (second.at < now - seconds * 1_000) continue;
    ok += second.ok;
    bad += second.failed;
  }
  if (bad > failures) return failed(`${bad} of ${ok + bad} requests ${of} failed.`, [seen], ['lost']);
  if (ok < atLeast) return waiting(`${ok} of at least ${atLeast} requests ${of} answered.`, [seen]);
  return passed(`${ok} requests ${of}, all answered.`, [seen]);
}
