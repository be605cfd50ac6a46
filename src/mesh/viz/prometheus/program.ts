import type { KubeObject } from '#kube/api/types.ts';
import type { KubeClient } from '#kube/client/client.ts';
import type { ContainerContext, Process } from '#kube/images/program.ts';
import { Running, serveHttp } from '#mesh/policy/container.ts';
import { follow } from '#mesh/policy/informer.ts';
import { parseRange } from '../promql/parse.ts';
import { SeriesStore } from '../promql/series-store.ts';
import { type Job, readConfig } from './config.ts';
import { answer } from './http-api.ts';
import { Scraper } from './scrape.ts';
import { targetsOf } from './targets.ts';

const DEFAULT_CONFIG = '/etc/prometheus/prometheus.yml';
/** The least that is kept; more would only fill memory, as nothing here asks for it. */
const RETENTION_MS = { least: 60_000, most: 900_000 };
const PRUNE_MS = 60_000;

/** `--config.file=…`, `--storage.tsdb.retention.time=…`: the flags that have a meaning here. */
function flagsOf(argv: string[]): Map<string, string> {
  const out = new Map<string, string>();
  for (const word of argv) {
    const [, name = '', value = ''] = /^--?([\w.-]+)=(.*)$/.exec(word) ?? [];
    if (name) out.set(name, value);
  }
  return out;
}

/** `prometheus`: scrapes what its configuration says, keeps a quarter of an hour in memory, and answers queries of a part of the language. */
export function startPrometheus(context: ContainerContext, { client }: { client: KubeClient }): Process {
  const running = new Running(context);
  const flags = flagsOf(context.argv.slice(1));
  const path = flags.get('config.file') ?? DEFAULT_CONFIG;
  const text = Buffer.from(context.files.readFile(path) ?? new Uint8Array()).toString();
  const log = (level: string, msg: string, more: Record<string, string> = {}) => {
    const fields = Object.entries({ level, msg, ...more }).map(([key, value]) => `${key}=${JSON.stringify(value)}`);
    running.write(`ts=${new Date(context.clock.now()).toISOString()} ${fields.join(' ')}`);
  };
  let jobs: Job[] = [];
  try {
    if (text === '') throw new Error(`open ${path}: no such file or directory`);
    const config = readConfig(text);
    jobs = config.jobs;
    for (const { name, why } of config.leftOut) log('warn', 'Scrape job left out', { job: name, reason: why });
  } catch (error) {
    log('error', 'Error loading config', { file: path, err: (error as Error).message });
    void running.exit(2);
    return running;
  }
  const asked = parseRange(flags.get('storage.tsdb.retention.time') ?? '') ?? RETENTION_MS.most;
  const store = new SeriesStore({
    retentionMs: Math.min(Math.max(asked, RETENTION_MS.least), RETENTION_MS.most),
  });
  const scrapers = new Scrapers(jobs, context, store);
  running.life.add(() => scrapers.stop());
  serveHttp(running, 9090, (request, response) => {
    void answer({ store, config: text, clock: context.clock, scrapers: () => scrapers.all }, request, response).catch(
      () => response.destroy(),
    );
  });
  const { clock } = context;
  const { signal } = running.life;
  const prune = clock.setInterval(() => store.prune(clock.now()), PRUNE_MS, { lazy: true });
  running.life.add(() => prune.cancel());
  scrapers.update();
  if (jobs.some(({ podsIn }) => podsIn)) {
    const pods = { group: '', version: 'v1', resource: 'pods' };
    void follow(client, pods, scrapers.pods, { clock, signal }).catch(() => {});
  }
  log('info', 'Server is ready to receive web requests.');
  return running;
}

/** Keeps one scraper a target, as pods come and go. */
class Scrapers {
  readonly #jobs: Job[];
  readonly #context: ContainerContext;
  readonly #store: SeriesStore;
  readonly #pods = new Map<string, KubeObject>();
  readonly #running = new Map<string, Scraper>();
  #due = false;

  constructor(jobs: Job[], context: ContainerContext, store: SeriesStore) {
    this.#jobs = jobs;
    this.#context = context;
    this.#store = store;
  }

  get all(): Scraper[] {
    return [...this.#running.values()];
  }

  readonly pods = {
    put: (pod: KubeObject) => {
      this.#pods.set(pod.metadata.uid!, pod);
      this.#later();
    },
    remove: (pod: KubeObject) => {
      this.#pods.delete(pod.metadata.uid!);
      this.#later();
    },
    reset: (pods: KubeObject[]) => {
      this.#pods.clear();
      for (const pod of pods) this.#pods.set(pod.metadata.uid!, pod);
      this.#later();
    },
  };

  /** Changes come in crowds. */
  #later(): void {
    if (this.#due) return;
    this.#due = true;
    this.#context.clock.setTimeout(() => {
      this.#due = false;
      this.update();
    }, 200);
  }

  update(): void {
    const targets = this.#jobs.flatMap((job) => targetsOf(job, this.#pods.values()));
    const wanted = new Set(targets.map(({ key }) => key));
    for (const [key, scraper] of this.#running) {
      if (wanted.has(key)) continue;
      scraper.stop();
      this.#running.delete(key);
    }
    for (const target of targets) {
      if (this.#running.has(target.key)) continue;
      const scraper = new Scraper(target, this.#context, this.#store);
      this.#running.set(target.key, scraper);
      scraper.start();
    }
  }

  stop(): void {
    for (const scraper of this.#running.values()) scraper.stop();
    this.#running.clear();
  }
}
