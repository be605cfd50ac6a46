import type { Clock } from '#base/clock.ts';
import type { KubeClient } from '#kube/client/client.ts';
import { type MeshedPod, meshedPods, selectsPod } from './mesh.ts';
import { proxyMetrics, type Series } from './metrics.ts';

/** Answers younger than this are shared between checks. */
const FRESH_MS = 500;
/** Looks are remembered for this long, so that growth over as long can be told. */
const KEEP_MS = 130_000;
/** Where a proxy answers about itself. */
const PROXY_PORT = '4191';

/** What the proxy of one pod counts now. */
export interface PodSeries {
  pod: Pick<MeshedPod, 'namespace' | 'name' | 'workload' | 'identity'>;
  series: Series[];
}

/** By how much counters grew. */
export interface Growth {
  /** Time between the two looks that were compared, ms; 0 after the first look. */
  overMs: number;
  pods: PodSeries[];
}

interface Sample {
  at: number;
  byPod: Map<string, PodSeries>;
}

/** The metrics of meshed pods' proxies, from their admin ports, now and over the last seconds. */
export class ProxyMetrics {
  readonly #client: KubeClient;
  readonly #wall: Clock;
  readonly #read: (namespace: string, pod: string) => Promise<Series[]>;
  readonly #samples = new Map<string, Sample[]>();
  readonly #pods = new Map<string, { at: number; series: Promise<Series[]> }>();

  constructor(
    client: KubeClient,
    wall: Clock,
    read: (namespace: string, pod: string) => Promise<Series[]> = (namespace, pod) =>
      proxyMetrics(client, namespace, pod),
  ) {
    this.#client = client;
    this.#wall = wall;
    this.#read = read;
  }

  /** Every series of the ready pods that a pattern selects. A proxy that does not answer is left out. */
  async now(pattern: string, options: { fresh?: boolean } = {}): Promise<PodSeries[]> {
    const selected = (await meshedPods(this.#client)).filter(
      (pod) => selectsPod(pattern, pod) && pod.ready && !pod.deleting,
    );
    const found = await Promise.all(
      selected.map(async ({ namespace, name, workload, identity }) => {
        const series = await this.#of(namespace, name, options.fresh ?? false).catch(() => undefined);
        return series && { pod: { namespace, name, workload, identity }, series };
      }),
    );
    return found.filter((one) => one !== undefined);
  }

  /**
   * By how much the series that `keep` wants grew in the last `seconds`, as far back as was looked. A pod that was not
   * there at the earlier look counts from when it was first seen.
   */
  async growth(pattern: string, keep: RegExp, seconds: number): Promise<Growth> {
    const key = `${pattern} ${keep.source}`;
    const pods = (await this.now(pattern)).map(({ pod, series }) => ({
      pod,
      series: series.filter(({ name }) => keep.test(name)),
    }));
    const at = this.#wall.now();
    const sample: Sample = { at, byPod: new Map(pods.map((one) => [idOf(one), one])) };
    const samples = (this.#samples.get(key) ?? []).filter((old) => old.at >= at - KEEP_MS && old.at <= at);
    // The newest look that is old enough; the oldest one when none is.
    const base = samples.findLast((old) => old.at <= at - seconds * 1_000) ?? samples[0];
    this.#samples.set(key, [...samples.filter((old) => !base || old.at >= base.at), sample]);
    if (!base) return { overMs: 0, pods: pods.map(({ pod }) => ({ pod, series: [] })) };
    const from = samples.filter((old) => old.at >= base.at);
    return {
      overMs: at - base.at,
      pods: pods.map((one) => {
        const before = from.find((old) => old.byPod.has(idOf(one)))?.byPod.get(idOf(one));
        return { pod: one.pod, series: before ? grown(before.series, one.series) : [] };
      }),
    };
  }

  #of(namespace: string, name: string, fresh: boolean): Promise<Series[]> {
    const key = `${namespace}/${name}`;
    const now = this.#wall.now();
    const known = this.#pods.get(key);
    if (known && !fresh && now - known.at < FRESH_MS) return known.series;
    const series = this.#read(namespace, name);
    for (const [old, { at }] of this.#pods) if (now - at > KEEP_MS) this.#pods.delete(old);
    this.#pods.set(key, { at: now, series });
    return series;
  }
}

/** A counter that is smaller than before began again from 0, as after a restart of the container. */
export function grown(before: Series[], now: Series[]): Series[] {
  const old = new Map(before.map((one) => [seriesKey(one), one.value]));
  return now.map((one) => {
    const was = old.get(seriesKey(one)) ?? 0;
    return { ...one, value: one.value >= was ? one.value - was : one.value };
  });
}

const idOf = ({ pod }: PodSeries): string => `${pod.namespace}/${pod.name}`;
const seriesKey = ({ name, labels }: Series): string => `${name} ${JSON.stringify(Object.entries(labels).sort())}`;

/** Whether a series has all these labels with these values. */
export const hasLabels = (series: Series, wanted: Record<string, string>): boolean =>
  Object.entries(wanted).every(([name, value]) => series.labels[name] === value);

/** Whether a series is about the application: no probe of the kubelet's, and not the proxy's own port, which graders and Prometheus ask. */
export const ofApplication = ({ labels }: Series): boolean =>
  labels['route_name'] !== 'probe' && labels['authz_name'] !== 'probe' && labels['target_port'] !== PROXY_PORT;

export const sumOf = (series: Series[]): number => series.reduce((sum, { value }) => sum + value, 0);
