import type { ContainerContext } from '#kube/images/program.ts';
import { httpAsk } from '../http-ask.ts';
import { readSeries, sampleLines } from '../promql/exposition.ts';
import { type Series, type SeriesStore, STALE } from '../promql/series-store.ts';
import { relabel } from './relabel.ts';
import type { ScrapeTarget } from './targets.ts';

/** Reads one target again and again, and writes down what it says. */
export class Scraper {
  readonly target: ScrapeTarget;
  readonly #context: ContainerContext;
  readonly #store: SeriesStore;
  readonly #stop = new AbortController();
  /** What a line was last time; undefined: a rule drops it. */
  #known = new Map<string, Series | undefined>();
  #own: Record<'up' | 'scrape_duration_seconds' | 'scrape_samples_scraped', Series>;
  lastError = '';
  lastAt = 0;
  lastMs = 0;
  health: 'unknown' | 'up' | 'down' = 'unknown';

  constructor(target: ScrapeTarget, context: ContainerContext, store: SeriesStore) {
    this.target = target;
    this.#context = context;
    this.#store = store;
    const own = (name: string) => store.series({ ...target.labels, __name__: name });
    this.#own = {
      up: own('up'),
      scrape_duration_seconds: own('scrape_duration_seconds'),
      scrape_samples_scraped: own('scrape_samples_scraped'),
    };
  }

  start(): void {
    void this.#run().catch(() => {});
  }

  async #run(): Promise<void> {
    const { clock } = this.#context;
    const { signal } = this.#stop;
    const { intervalMs } = this.target.job;
    // Not all at the same moment.
    await clock.sleep(offsetOf(this.target.key, Math.min(intervalMs, 1_000)), signal);
    while (!signal.aborted) {
      const startedAt = clock.now();
      await this.#scrape(startedAt);
      await clock.sleep(Math.max(1, startedAt + intervalMs - clock.now()), signal, { lazy: true });
    }
  }

  async #scrape(at: number): Promise<void> {
    const { signal } = this.#stop;
    const { url, job } = this.target;
    let text = '';
    this.lastError = '';
    try {
      const headers = { 'user-agent': 'Prometheus/2.55.1', accept: 'text/plain;version=0.0.4' };
      const answer = await httpAsk(this.#context, url, { headers, signal, timeoutMs: job.timeoutMs });
      if (answer.status === 200) text = answer.body;
      else this.lastError = `server returned HTTP status ${answer.status} ${answer.reason}`;
    } catch (error) {
      this.lastError = `Get ${JSON.stringify(url)}: ${(error as Error).message}`;
    }
    if (signal.aborted) return;
    const count = this.#take(text, at);
    this.health = this.lastError === '' ? 'up' : 'down';
    this.lastAt = at;
    this.lastMs = this.#context.clock.now() - at;
    this.#store.append(this.#own.up, at, this.health === 'up' ? 1 : 0);
    this.#store.append(this.#own.scrape_duration_seconds, at, this.lastMs / 1000);
    this.#store.append(this.#own.scrape_samples_scraped, at, count);
  }

  #take(text: string, at: number): number {
    const before = this.#known;
    const now: typeof before = new Map();
    for (const [line, value] of sampleLines(text)) {
      const series = before.has(line) ? before.get(line) : this.#seriesOf(line);
      now.set(line, series);
      if (series) this.#store.append(series, at, value);
    }
    for (const [line, series] of before) if (series && !now.has(line)) this.#store.append(series, at, STALE);
    this.#known = now;
    return now.size;
  }

  #seriesOf(line: string): Series | undefined {
    const read = readSeries(line);
    if (!read) return undefined;
    const { labels: own, job } = this.target;
    const labels = { ...own };
    for (const [name, value] of Object.entries(read)) {
      if (value === '') continue;
      if (own[name] === undefined || job.honorLabels) labels[name] = value;
      else labels[`exported_${name}`] = value;
    }
    const kept = job.metricRelabel.length > 0 ? relabel(labels, job.metricRelabel) : labels;
    return kept && this.#store.series(kept);
  }

  /** Ends; what it told of has no value from here on. */
  stop(): void {
    this.#stop.abort();
    const at = this.#context.clock.now();
    for (const series of this.#known.values()) if (series) this.#store.append(series, at, STALE);
    for (const series of Object.values(this.#own)) this.#store.append(series, at, STALE);
  }
}

function offsetOf(key: string, within: number): number {
  let hash = 0;
  for (let i = 0; i < key.length; i++) hash = (hash * 31 + key.charCodeAt(i)) >>> 0;
  return hash % within;
}
