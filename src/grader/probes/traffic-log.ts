import type { Clock } from '#base/clock.ts';
import { isAbort } from '#base/errors.ts';
import type { KubeClient } from '#kube/client/client.ts';
import type { Traffic } from '#schema/evidence.ts';
import type { Lab } from '#schema/lab.ts';
import { PODS } from './mesh.ts';

type Request = { at: number; status: number; ms: number };

/** Requests kept in detail, and seconds kept for the chart. */
const KEEP_REQUESTS = 2_000;
const KEEP_SECONDS = 600;

/**
 * The record of a lab's background traffic, read from the logs of the pods that make it. Each line there is
 * `<HTTP status> <seconds>`, 000 when no answer came; the time is the log's own timestamp. Only pods of the traffic's
 * Deployment are read, so that nothing a learner prints elsewhere counts.
 */
export class TrafficLog {
  readonly #client: KubeClient;
  readonly #clock: Clock;
  readonly #namespace: string;
  readonly #deployment: string;
  readonly #followed = new Set<string>();
  readonly #abort = new AbortController();
  #countFrom = Number.POSITIVE_INFINITY;
  #total = 0;
  #failed = 0;
  #first = 0;
  #last = 0;
  #lastOk: number | undefined;
  #longestGapMs = 0;
  #recent: Request[] = [];
  #aroundFailure: Request[] | undefined;
  #seconds: Traffic['perSecond'] = [];
  #listener: (() => void) | undefined;

  constructor(client: KubeClient, clock: Clock, traffic: NonNullable<Lab['traffic']>, defaultNamespace: string) {
    this.#client = client;
    this.#clock = clock;
    this.#namespace = traffic.namespace ?? defaultNamespace;
    this.#deployment = traffic.from.replace(/^deployment\//, '');
  }

  get namespace(): string {
    return this.#namespace;
  }

  /** Begins counting at `from` (ms, cluster clock) and follows pods as they come and go. */
  start(from: number): void {
    this.#countFrom = from;
    void this.#follow();
  }

  stop(): void {
    this.#abort.abort(new DOMException('stopped', 'AbortError'));
  }

  /** Called, at most once a turn, after new requests were read. */
  onChange(listener: () => void): void {
    this.#listener = listener;
  }

  /** What was seen so far. */
  evidence(): Traffic {
    const sinceLastOk = this.#lastOk === undefined ? 0 : this.#last - this.#lastOk;
    return {
      type: 'traffic',
      from: this.#first,
      to: this.#last,
      total: this.#total,
      failed: this.#failed,
      longestGapMs: Math.max(this.#longestGapMs, sinceLastOk),
      log: this.#aroundFailure ?? this.#recent.slice(-20),
      perSecond: this.#seconds,
    };
  }

  /** The requests from an instant on, of those that are kept in detail. */
  since(at: number): Request[] {
    return this.#recent.filter((request) => request.at >= at);
  }

  async #follow(): Promise<void> {
    const { signal } = this.#abort;
    while (!signal.aborted) {
      try {
        const target = { ...PODS, namespace: this.#namespace };
        const pods = await this.#client.list(target);
        for (const pod of pods.items) this.#followPod(pod.metadata.name!, pod.metadata.labels?.app, pod.status?.phase);
        const { resourceVersion } = pods.metadata;
        for await (const event of this.#client.watch(target, {
          signal,
          ...(resourceVersion ? { resourceVersion } : {}),
        })) {
          if (event.type === 'ERROR') break;
          const { metadata, status } = event.object;
          if (event.type !== 'DELETED') this.#followPod(metadata.name!, metadata.labels?.app, status?.phase);
        }
      } catch (error) {
        if (isAbort(error) || signal.aborted) return;
      }
      await this.#clock.sleep(1_000, signal).catch(() => {});
    }
  }

  #followPod(name: string, app: string | undefined, phase: string | undefined): void {
    if (app !== this.#deployment || this.#followed.has(name) || (phase !== 'Running' && phase !== 'Succeeded')) return;
    this.#followed.add(name);
    void this.#read(name).catch(() => {
      // The stream broke (the pod was just made, or the server went away): the next event tries again.
      this.#followed.delete(name);
    });
  }

  async #read(pod: string): Promise<void> {
    const decoder = new TextDecoder();
    let rest = '';
    const logs = this.#client.logs(this.#namespace, pod, {
      container: this.#deployment,
      follow: true,
      timestamps: true,
      signal: this.#abort.signal,
    });
    for await (const chunk of logs) {
      const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n');
      rest = lines.pop()!;
      for (const line of lines) this.#take(line);
      this.#listener?.();
    }
  }

  #take(line: string): void {
    const match = /^(\S+) (\d{3}) ([\d.]+)/.exec(line);
    if (!match) return;
    const at = Date.parse(match[1]!);
    if (!(at >= this.#countFrom)) return;
    const request = { at, status: Number(match[2]), ms: Math.round(Number(match[3]) * 1000) };
    const ok = request.status >= 200 && request.status < 400;
    this.#total++;
    this.#first ||= at;
    this.#last = Math.max(this.#last, at);
    this.#recent.push(request);
    if (this.#recent.length > KEEP_REQUESTS) this.#recent.splice(0, this.#recent.length - KEEP_REQUESTS);
    if (ok) {
      if (this.#lastOk !== undefined) this.#longestGapMs = Math.max(this.#longestGapMs, at - this.#lastOk);
      this.#lastOk = Math.max(this.#lastOk ?? 0, at);
    } else {
      this.#failed++;
      this.#aroundFailure = this.#recent.slice(-20);
    }
    const second = Math.floor(at / 1000) * 1000;
    let bucket = this.#seconds.at(-1);
    if (bucket?.at !== second) {
      bucket = { at: second, ok: 0, failed: 0 };
      this.#seconds.push(bucket);
      if (this.#seconds.length > KEEP_SECONDS) this.#seconds.shift();
    }
    if (ok) bucket.ok++;
    else bucket.failed++;
  }
}
