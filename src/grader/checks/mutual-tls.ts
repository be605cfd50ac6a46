import { z } from 'zod';
import type { Evidence } from '#schema/evidence.ts';
import { type CheckContext, defineCheck, failed, type Outcome, passed, waiting } from '../check.ts';
import { meshedPods, PODS, selectsPod } from '../probes/mesh.ts';
import { proxyMetrics, type Series } from '../probes/metrics.ts';
import { count } from '../words.ts';

const params = z.strictObject({
  pods: z.string().min(1).describe('The pods that are called: `shop/api`, or several with commas.'),
  port: z.number().int().min(1).max(65_535).describe('The container’s port that is looked at.'),
  atLeast: z.number().int().min(1).default(3).describe('Requests that must come in within two seconds to be judged.'),
});
type Params = z.infer<typeof params>;

interface Counts {
  tls: number;
  plain: number;
}
interface Look {
  at: number;
  byPod: Map<string, Counts>;
  outcome: Outcome;
}

/** Counters only grow, so a look is compared with the one before it, when that is at least this old, ms. */
const WINDOW_MS = 2_000;
const looks = new WeakMap<CheckContext, Map<string, Look>>();

/** How the requests of the last two seconds reached the proxies of the selected pods. */
export const mutualTls = defineCheck<Params>({
  name: 'mutual-tls',
  summary:
    'Whether the requests that reach the selected pods now come by mutual TLS, all of them, as their proxies count.',
  params,
  windowMs: () => 2 * WINDOW_MS,
  triggers: () => [{ ...PODS }, { everyMs: 1_000 }],
  async run(wanted, context) {
    const key = JSON.stringify(wanted);
    const known = looks.get(context) ?? new Map<string, Look>();
    looks.set(context, known);
    const before = known.get(key);
    const at = performance.now();
    if (before && at - before.at < WINDOW_MS) return before.outcome;
    const byPod = await countsOf(wanted, context);
    const outcome = before ? judge(wanted, before.byPod, byPod, context.clock.now()) : waiting('Counting requests.');
    known.set(key, { at, byPod, outcome });
    return outcome;
  },
});

async function countsOf({ pods, port }: Params, { client, signal }: CheckContext): Promise<Map<string, Counts>> {
  const selected = (await meshedPods(client, signal)).filter(
    (pod) => selectsPod(pods, pod) && pod.ready && !pod.deleting,
  );
  const entries = selected.map(async ({ namespace, name }) => {
    const series = await proxyMetrics(client, namespace, name).catch((): Series[] => []);
    return [`${namespace}/${name}`, countRequests(series, port)] as const;
  });
  return new Map(await Promise.all(entries));
}

/** HTTP by the request; bytes the proxy does not look into, on opaque ports, by the connection. */
const COUNTED = new Set(['inbound_http_authz_allow_total', 'inbound_tcp_authz_allow_total']);

/** Requests that a proxy let in to a port, by how they came. The kubelet's probes are left out, and with them whatever
 *  else asks in plain text for a probe's path: a lab's probes need a path that no caller uses. */
export function countRequests(series: Series[], port: number): Counts {
  const counts: Counts = { tls: 0, plain: 0 };
  for (const { name, labels, value } of series) {
    if (!COUNTED.has(name) || labels['target_port'] !== String(port)) continue;
    const probe = labels['route_name'] === 'probe' || labels['authz_name'] === 'probe';
    if (labels['tls'] === 'true') counts.tls += value;
    else if (!probe) counts.plain += value;
  }
  return counts;
}

function judge(
  { pods, port, atLeast }: Params,
  before: Map<string, Counts>,
  now: Map<string, Counts>,
  at: number,
): Outcome {
  if (now.size === 0) return failed(`No pod that matches ${pods} has a proxy.`, [], ['no proxy']);
  const total: Counts = { tls: 0, plain: 0 };
  for (const [pod, counts] of now) {
    const { tls, plain } = before.get(pod) ?? { tls: 0, plain: 0 };
    total.tls += counts.tls - tls;
    total.plain += counts.plain - plain;
  }
  const evidence: Evidence[] = [
    {
      type: 'object',
      at,
      what: `requests to port ${port} of ${pods}`,
      value: `${total.tls} by mutual TLS, ${total.plain} plain`,
    },
  ];
  if (total.plain > 0)
    return failed(
      `${count(total.plain, 'request')} of ${total.tls + total.plain} in the last seconds came without mutual TLS.`,
      evidence,
      ['plain'],
    );
  if (total.tls === 0)
    return failed(`No request reached the proxy for port ${port} in the last seconds.`, evidence, [
      'not through the proxy',
    ]);
  if (total.tls < atLeast) return waiting(`${count(total.tls, 'request')} by mutual TLS so far.`, evidence);
  return passed(`${count(total.tls, 'request')} in the last seconds, all by mutual TLS.`, evidence);
}
