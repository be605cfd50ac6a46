import type { CheckContext } from '../check.ts';
import { hasLabels, ofApplication, sumOf } from './proxy-metrics.ts';

export interface Successes {
  ok: number;
  total: number;
}

const SERIES = { inbound: /^response_total$/, outbound: /^outbound_(http|grpc)_route_request_statuses_total$/ };

/** Requests of the lab's background traffic in the last `seconds`. Throws when the lab has none. */
export function successesOfTraffic(
  seconds: number,
  { traffic, clock }: Pick<CheckContext, 'traffic' | 'clock'>,
): Successes {
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

/** Requests that the proxies of some pods let in, or sent out, in the last `seconds`; the kubelet's probes and the proxy's own port left out. */
export async function successesOfPods(
  pods: string,
  wanted: { seconds: number; direction: 'inbound' | 'outbound'; labels: Record<string, string> },
  { metrics }: Pick<CheckContext, 'metrics'>,
): Promise<Successes> {
  const { seconds, direction, labels } = wanted;
  const growth = await metrics.growth(pods, SERIES[direction], seconds);
  const series = growth.pods
    .flatMap((pod) => pod.series)
    .filter((one) => direction === 'outbound' || one.labels['direction'] === 'inbound')
    .filter(ofApplication)
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

/** `97.5 %`. */
export const percent = (share: number): string => `${Math.round(share * 1_000) / 10} %`;
