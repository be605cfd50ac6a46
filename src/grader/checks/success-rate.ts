import { z } from 'zod';
import type { Figures } from '#schema/evidence.ts';
import { defineCheck, failed, passed, waiting } from '../check.ts';
import { percent, successesOfPods, successesOfTraffic } from '../probes/successes.ts';
import { count } from '../words.ts';

const params = z.strictObject({
  of: z
    .string()
    .min(1)
    .describe('`traffic`: the lab’s background traffic. Else meshed pods, as their proxies count: `shop/web`.'),
  atLeast: z.number().min(0).max(1).optional().describe('The smallest share of successes that is good: `0.99`.'),
  atMost: z.number().min(0).max(1).optional().describe('The largest that is: for a world that is to be seen failing.'),
  seconds: z.number().int().min(2).max(120).default(10).describe('How far back is counted.'),
  requests: z.number().int().min(1).default(20).describe('Requests that must have been seen in this time.'),
  direction: z
    .enum(['inbound', 'outbound'])
    .default('inbound')
    .describe('Of pods: requests that came in, without the kubelet’s probes, or that went out.'),
  labels: z
    .record(z.string(), z.string())
    .default({})
    .describe('Of pods: labels that the series must have as well, such as `{ target_port: "8080" }`.'),
});
type Params = z.infer<typeof params>;

/** The share of requests that succeeded in the last seconds. */
export const successRate = defineCheck<Params>({
  name: 'success-rate',
  summary: 'The share of requests that succeeded in the last seconds, of the background traffic or of meshed pods.',
  params,
  windowMs: ({ seconds }) => seconds * 1_000,
  triggers: () => [{ everyMs: 1_000 }],
  async run(wanted, context) {
    const { of, atLeast = 0, atMost = 1, seconds, requests } = wanted;
    const { ok, total } =
      of === 'traffic' ? successesOfTraffic(seconds, context) : await successesOfPods(of, wanted, context);
    const rate = total === 0 ? 0 : ok / total;
    const evidence: Figures = {
      type: 'figures',
      at: context.clock.now(),
      what: `requests of ${of}, last ${seconds} s`,
      figures: [
        { name: 'requests', value: total },
        { name: 'succeeded', value: ok },
        { name: 'success rate', value: rate * 100, unit: '%' },
      ],
    };
    if (total < requests) return waiting(`${total} of ${count(requests, 'request')} seen so far.`, [evidence]);
    const said = `${ok} of ${total} requests succeeded, ${percent(rate)}`;
    if (rate < atLeast) return failed(`${said}; at least ${percent(atLeast)} is asked for.`, [evidence], ['too low']);
    if (rate > atMost) return failed(`${said}; at most ${percent(atMost)} is asked for.`, [evidence], ['too high']);
    return passed(`${said}.`, [evidence]);
  },
});
