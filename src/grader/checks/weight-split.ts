import { z } from 'zod';
import type { Shares } from '#schema/evidence.ts';
import { type CheckContext, defineCheck, failed, type Outcome, passed, waiting } from '../check.ts';
import { ROUTE_TRIGGERS } from '../probes/policy.ts';
import { hasLabels, type PodSeries } from '../probes/proxy-metrics.ts';
import { burstFrom, NoReadyPod } from '../probes/requests.ts';
import { wilson, Z } from '../probes/statistics.ts';
import { count } from '../words.ts';

const params = z.strictObject({
  from: z
    .string()
    .regex(/^[a-z0-9-]+\/[a-z0-9-]+$/, 'write <namespace>/<deployment>')
    .describe('The meshed Deployment whose requests are counted, by its proxy: `shop/load`.'),
  service: z
    .string()
    .regex(/^[a-z0-9-]+\/[a-z0-9-]+$/, 'write <namespace>/<service>')
    .describe('The Service that is asked, hence the parent of the route: `shop/web`.'),
  backends: z
    .record(z.string(), z.number().min(0).max(1))
    .refine((backends) => Math.abs(sum(backends) - 1) < 0.001, 'the shares must add up to 1')
    .describe(
      'The share that each backend Service must get, by name: `{ web: 0.9, web-new: 0.1 }`. No other may get any.',
    ),
  url: z
    .string()
    .regex(/^http:\/\/\S+$/, 'write an http URL')
    .optional()
    .describe('When given, a burst of requests is made to it from the Deployment, so that nobody waits for traffic.'),
  requests: z
    .number()
    .int()
    .min(20)
    .max(400)
    .default(200)
    .describe('How many requests are made, or must have been seen.'),
  seconds: z.number().int().min(5).max(120).default(20).describe('Without `url`: how far back requests are counted.'),
  confidence: z
    .union([z.literal(0.95), z.literal(0.99), z.literal(0.999)])
    .default(0.999)
    .describe('With which confidence a share must differ to be called wrong: 0.95, 0.99 or 0.999.'),
});
type Params = z.infer<typeof params>;

const COUNTED = /^outbound_(http|grpc)_route_backend_requests_total$/;

/** How a route divides requests, as the callers' own proxies count them. */
export const weightSplit = defineCheck<Params>({
  name: 'weight-split',
  summary:
    'Whether a Service’s requests are divided among backends as asked, each share within its confidence interval (Wilson).',
  params,
  windowMs: ({ url, seconds }) => (url ? 0 : seconds * 1_000),
  triggers: (wanted) => [...ROUTE_TRIGGERS, { everyMs: wanted.url ? 10_000 : 1_000 }],
  async run(wanted, context) {
    const counts = wanted.url ? await fromBurst(wanted, wanted.url, context) : await fromTraffic(wanted, context);
    if (!(counts instanceof Map)) return counts;
    return judge(wanted, counts, context.clock.now());
  },
});

async function fromTraffic(wanted: Params, { metrics }: CheckContext): Promise<Map<string, number> | Outcome> {
  const { pods } = await metrics.growth(wanted.from, COUNTED, wanted.seconds);
  if (pods.length === 0) return waiting(`No meshed pod of ${wanted.from} is ready.`, [], ['no proxy']);
  return byBackend(wanted, pods);
}

async function fromBurst(
  wanted: Params,
  url: string,
  { client, metrics, signal }: CheckContext,
): Promise<Map<string, number> | Outcome> {
  const [namespace, deployment] = wanted.from.split('/') as [string, string];
  const before = byBackend(wanted, await metrics.now(wanted.from, { fresh: true }));
  try {
    const caller = { namespace, deployment, container: deployment };
    await burstFrom(client, caller, { method: 'GET', url }, wanted.requests, signal);
  } catch (error) {
    if (error instanceof NoReadyPod) return waiting(`No pod of ${deployment} is ready to ask from.`, [], ['no pod']);
    throw error;
  }
  const after = await metrics.now(wanted.from, { fresh: true });
  if (after.length === 0) return failed(`${wanted.from} has no proxy that could divide requests.`, [], ['no proxy']);
  return new Map([...byBackend(wanted, after)].map(([name, value]) => [name, value - (before.get(name) ?? 0)]));
}

function byBackend({ service }: Params, pods: PodSeries[]): Map<string, number> {
  const [namespace, name] = service.split('/') as [string, string];
  const counts = new Map<string, number>();
  for (const series of pods.flatMap((pod) => pod.series)) {
    if (!COUNTED.test(series.name)) continue;
    if (!hasLabels(series, { parent_namespace: namespace, parent_name: name })) continue;
    const backend = series.labels['backend_name'] ?? '';
    counts.set(backend, (counts.get(backend) ?? 0) + series.value);
  }
  return counts;
}

function judge({ backends, requests, confidence, service }: Params, counts: Map<string, number>, at: number): Outcome {
  const total = [...counts.values()].reduce((a, b) => a + b, 0);
  const names = [...new Set([...Object.keys(backends), ...[...counts].filter(([, n]) => n > 0).map(([name]) => name)])];
  const evidence: Shares = {
    type: 'shares',
    at,
    total,
    backends: names.map((name) => {
      const seen = counts.get(name) ?? 0;
      const share = total === 0 ? 0 : seen / total;
      return { name, count: seen, share, ...wilson(seen, total, Z[confidence]), expected: backends[name] ?? 0 };
    }),
  };
  if (total === 0) return waiting(`No request to ${service} was counted yet.`, [evidence], ['no requests']);
  const stray = evidence.backends.find(({ expected, count: n }) => expected === 0 && n > 0);
  if (stray)
    return failed(
      `${count(stray.count, 'request')} of ${total} went to ${stray.name}, which is to get none.`,
      [evidence],
      [`stray ${stray.name}`],
    );
  if (total < requests * 0.9) return waiting(`${total} of ${count(requests, 'request')} seen so far.`, [evidence]);
  const off = evidence.backends.find(({ expected, low, high }) => expected < low || expected > high);
  const saw = evidence.backends.map(({ name, share }) => `${name} ${percent(share)}`);
  if (off)
    return failed(
      `${off.name} got ${percent(off.share)} of ${total} requests (${percent(off.low)} to ${percent(off.high)} with confidence), not ${percent(off.expected)}.`,
      [evidence],
      [...saw, 'off'],
    );
  const said = evidence.backends.map(({ name, share }) => `${name} ${percent(share)}`).join(', ');
  return passed(`${total} requests to ${service}: ${said}.`, [evidence], saw);
}

const sum = (shares: Record<string, number>): number => Object.values(shares).reduce((a, b) => a + b, 0);
const percent = (share: number): string => `${Math.round(share * 100)} %`;
