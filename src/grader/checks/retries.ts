import { z } from 'zod';
import type { Figures } from '#schema/evidence.ts';
import { defineCheck, failed, passed, waiting } from '../check.ts';
import { hasLabels, sumOf } from '../probes/proxy-metrics.ts';
import { count } from '../words.ts';

const params = z.strictObject({
  from: z.string().min(1).describe('Meshed pods that make the requests: `shop/load`. Their proxies retry.'),
  service: z
    .string()
    .regex(/^[a-z0-9-]+\/[a-z0-9-]+$/, 'write <namespace>/<service>')
    .optional()
    .describe('The Service that is asked, hence the parent of the route: `shop/web`. Any, when absent.'),
  route: z.string().optional().describe('Name of the route. Any, when absent.'),
  atLeast: z.number().int().min(0).default(1).describe('Retries that must have been made in this time.'),
  atMost: z.number().int().min(0).optional().describe('Retries that may have been made.'),
  seconds: z.number().int().min(2).max(120).default(10).describe('How far back is counted.'),
});

const SERIES =
  /^outbound_(http|grpc)_route_(retry_(requests|successes|limit_exceeded|overflow)|request_statuses)_total$/;

/** What the callers' proxies tried again, by the route's own counters. */
export const retries = defineCheck<z.infer<typeof params>>({
  name: 'retries',
  summary: 'Whether the proxies of the callers retried requests in the last seconds, as their route counters say.',
  params,
  windowMs: ({ seconds }) => seconds * 1_000,
  triggers: () => [{ everyMs: 1_000 }],
  async run({ from, service, route, atLeast, atMost, seconds }, { metrics, clock }) {
    const { pods, overMs } = await metrics.growth(from, SERIES, seconds);
    if (pods.length === 0) return failed(`No meshed pod matches ${from}.`, [], ['no proxy']);
    const [namespace, name] = service?.split('/') ?? [];
    const wanted = {
      ...(namespace && name ? { parent_namespace: namespace, parent_name: name } : {}),
      ...(route ? { route_name: route } : {}),
    };
    const series = pods.flatMap((pod) => pod.series).filter((one) => hasLabels(one, wanted));
    const grew = (end: string) => Math.round(sumOf(series.filter((one) => one.name.endsWith(`_route_${end}_total`))));
    const made = grew('retry_requests');
    const evidence: Figures = {
      type: 'figures',
      at: clock.now(),
      what: `outbound requests of ${from}, last ${Math.round(overMs / 1000)} s`,
      figures: [
        { name: 'requests', value: grew('request_statuses') },
        { name: 'retries', value: made },
        { name: 'given up at the limit', value: grew('retry_limit_exceeded') },
      ],
    };
    const requests = evidence.figures[0]!.value;
    if (overMs === 0 || (requests === 0 && made === 0))
      return waiting(`No request of ${from} was counted in the last ${seconds} s.`, [evidence], ['no requests']);
    const said = `${count(made, 'retry').replace(/retrys$/, 'retries')} for ${count(requests, 'request')}`;
    if (made < atLeast) return failed(`${said}; at least ${atLeast} asked for.`, [evidence], ['too few']);
    if (atMost !== undefined && made > atMost)
      return failed(`${said}; at most ${atMost} asked for.`, [evidence], ['too many']);
    return passed(`${said}.`, [evidence]);
  },
});
