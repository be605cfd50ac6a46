import type { KubeObject } from '#kube/api/types.ts';
import { proxyOf } from '#mesh/check/world.ts';
import type { Ask } from '#mesh/viz/metrics-api/queries.ts';
import { query } from '#mesh/viz/promql/evaluate.ts';
import { readSeries, sampleLines } from '#mesh/viz/promql/exposition.ts';
import { SeriesStore } from '#mesh/viz/promql/series-store.ts';
import { proxyTargetLabels } from '#mesh/viz/proxy-target.ts';
import { fetchMetrics } from '../metrics-fetch.ts';
import type { Invocation } from '../verb.ts';

/** How long is watched where nothing else is asked for. */
const WATCH_MS = 2_000;
/** Probes and whoever reads the metrics come here: nothing of the application's. */
const ADMIN_PORT = '4191';
const isCounter = (name: string): boolean => /(_total|_bucket|_sum|_count)$/.test(name);

/**
 * Reads the proxies of these pods twice and answers from that, as Prometheus would: for a cluster without one. Pods without a
 * proxy, or that do not answer, have nothing to say. `window` is what rates are to be asked over.
 */
export async function watchProxies(
  invocation: Invocation,
  pods: KubeObject[],
  watchMs = WATCH_MS,
): Promise<{ ask: Ask; window: string }> {
  const { clock, context } = invocation;
  const meshed = pods.filter((pod) => proxyOf(pod) && pod.status?.phase === 'Running');
  const read = () => Promise.all(meshed.map((pod) => fetchMetrics(invocation, pod, 4191).catch(() => undefined)));
  const beganAt = clock.now();
  const before = await read();
  await clock.sleep(watchMs, context.signal);
  const endedAt = clock.now();
  const after = await read();
  const store = new SeriesStore({ retentionMs: Number.POSITIVE_INFINITY });
  meshed.forEach((pod, index) => {
    const first = before[index];
    const second = after[index];
    if (first === undefined || second === undefined) return;
    const own = proxyTargetLabels(pod);
    const known = new Map(sampleLines(first));
    for (const [text, value] of sampleLines(second)) {
      const labels = readSeries(text);
      if (!labels || labels['target_port'] === ADMIN_PORT) continue;
      const series = store.series({ ...own, ...labels });
      // What was not there before had counted nothing.
      const earlier = known.get(text) ?? (isCounter(labels['__name__']!) ? 0 : undefined);
      if (earlier !== undefined) store.append(series, beganAt, earlier);
      store.append(series, endedAt, value);
    }
  });
  return {
    ask: async (text) => {
      const found = query(store, text, endedAt);
      return found.type === 'vector' ? found.samples : [];
    },
    // A range leaves out what lies on its very beginning.
    window: `${Math.ceil(endedAt - beganAt) + 1}ms`,
  };
}
