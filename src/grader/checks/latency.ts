import { z } from 'zod';
import type { Figures } from '#schema/evidence.ts';
import { type CheckContext, defineCheck, failed, passed, waiting } from '../check.ts';
import { hasLabels, ofApplication } from '../probes/proxy-metrics.ts';
import { histogramQuantile, quantileOf } from '../probes/statistics.ts';
import { count } from '../words.ts';

const params = z.strictObject({
  of: z
    .string()
    .min(1)
    .describe(
      '`traffic`: the lab’s background traffic. Else meshed pods, as their proxies measure what comes in: `shop/web`.',
    ),
  quantile: z.number().gt(0).lt(1).default(0.95).describe('Which share of the requests must be as quick: `0.95`.'),
  underMs: z.number().positive().optional().describe('As quick as this, ms.'),
  overMs: z.number().positive().optional().describe('Not as quick as this: for a world that is to be seen slow.'),
  seconds: z.number().int().min(2).max(120).default(10).describe('How far back is measured.'),
  requests: z.number().int().min(1).default(20).describe('Requests that must have been seen in this time.'),
  labels: z
    .record(z.string(), z.string())
    .default({})
    .describe('Of pods: labels that the series must have as well, such as `{ target_port: "8080" }`.'),
});
type Params = z.infer<typeof params>;

/** How long requests of the last seconds took. */
export const latency = defineCheck<Params>({
  name: 'latency',
  summary:
    'How long requests took in the last seconds, of the background traffic or as the proxies of pods measure it.',
  params,
  windowMs: ({ seconds }) => seconds * 1_000,
  triggers: () => [{ everyMs: 1_000 }],
  async run(wanted, context) {
    const { of, quantile, underMs, overMs, seconds, requests } = wanted;
    const { ms, total } = of === 'traffic' ? ofTraffic(wanted, context) : await ofPods(wanted, context);
    const name = `p${Math.round(quantile * 1_000) / 10}`;
    const evidence: Figures = {
      type: 'figures',
      at: context.clock.now(),
      what: `requests of ${of}, last ${seconds} s`,
      figures: [{ name: 'requests', value: total }, ...(total > 0 ? [{ name, value: ms, unit: 'ms' }] : [])],
    };
    if (total < requests) return waiting(`${total} of ${count(requests, 'request')} seen so far.`, [evidence]);
    const said = `${Math.round(quantile * 1_000) / 10} % of ${total} requests took ${Math.round(ms)} ms or less`;
    if (underMs !== undefined && ms >= underMs)
      return failed(`${said}; under ${underMs} ms is asked for.`, [evidence], ['too slow']);
    if (overMs !== undefined && ms <= overMs)
      return failed(`${said}; over ${overMs} ms is asked for.`, [evidence], ['too quick']);
    return passed(`${said}.`, [evidence]);
  },
});

function ofTraffic({ quantile, seconds }: Params, { traffic, clock }: CheckContext): { ms: number; total: number } {
  if (!traffic) throw new Error('the lab has no traffic');
  const times = traffic.since(clock.now() - seconds * 1_000).map((request) => request.ms);
  return { ms: quantileOf(times, quantile), total: times.length };
}

async function ofPods(
  { of, quantile, seconds, labels }: Params,
  { metrics }: CheckContext,
): Promise<{ ms: number; total: number }> {
  const { pods } = await metrics.growth(of, /^response_latency_ms_bucket$/, seconds);
  const buckets = new Map<number, number>();
  for (const series of pods.flatMap((pod) => pod.series)) {
    const { direction, le } = series.labels;
    if (direction !== 'inbound' || le === undefined || !hasLabels(series, labels)) continue;
    if (!ofApplication(series)) continue;
    const bound = le === '+Inf' ? Number.POSITIVE_INFINITY : Number(le);
    buckets.set(bound, (buckets.get(bound) ?? 0) + series.value);
  }
  return {
    ms: histogramQuantile(buckets, quantile),
    total: Math.round(buckets.get(Number.POSITIVE_INFINITY) ?? 0),
  };
}
