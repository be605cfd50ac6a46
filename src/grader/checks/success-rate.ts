import { z } from 'zod';
import type { Figures } from '#schema/evidence.ts';
import { type CheckContext, defineCheck, failed, passed, waiting } from '../check.ts';
import { hasLabels, sumOf } from '../probes/proxy-metrics.ts';
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
interface Seen {
  ok: number;
  total: number;
}

const SERIES = { inbound: /^response_total$/, outbound: /^outbound_(http|grpc)_route_request_statuses_total$/ };

/** The share of requests that succeeded in the last seconds. */
export const successRate = defineCheck<Params>({
  name: 'success-rate',
  summary: 'The share of requests that succeeded in the last seconds, of the background traffic or of meshed pods.',
  params,
  windowMs: ({ seconds }) => seconds * 1_000,
  triggers: () => [{ everyMs: 1_000 }],
  async run(wanted, context) {
    const { of, atLeast = 0, atMost = 1, seconds, requests } = wanted;
    const { ok, total } = of === 'traffic' ? ofTraffic(wanted, context) : await ofPods(wanted, context);
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

function ofTraffic({ seconds }: Params, { traffic, clock }: CheckContext): Seen {
  if (!traffic) throw new Error('the lab has no traffic');
  const from = clock.now() - seconds * 1_000;
  const seen = { ok: 0, total: 0 };
  for (const second of traffic.evidence().perSecond) {
    if (second.at < from) continue;
    seen.ok += second.ok;
    seen.total += second.ok + second.failed;
  }
  return seen;
}

async function ofPods({ of, seconds, direction, labels }: Params, { metrics }: CheckContext): Promise<Seen> {
  const { pods } = await metrics.growth(of, SERIES[direction], seconds);
  const series = pods
    .flatMap((pod) => pod.series)
    .filter((one) => direction === 'outbound' || one.labels['direction'] === 'inbound')
    .filter(({ labels: { route_name, authz_name } }) => route_name !== 'probe' && authz_name !== 'probe')
    .filter((one) => hasLabels(one, labels));
  const good = series.filter(({ labels: seen }) =>
    direction === 'inbound'
      ? seen['classification'] === 'success'
      : seen['error'] === '' && isGood(seen['http_status'], seen['grpc_status']),
  );
  return { ok: Math.round(sumOf(good)), total: Math.round(sumOf(series)) };
}

const isGood = (http: string | undefined, grpc: string | undefined): boolean =>
  grpc !== undefined ? grpc === 'OK' || grpc === '0' : Number(http) > 0 && Number(http) < 500;

const percent = (share: number): string => `${Math.round(share * 1_000) / 10} %`;
