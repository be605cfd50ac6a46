const BUCKETS = [1, 10, 100, 1_000, 10_000].flatMap((unit) => [1, 2, 3, 4, 5].map((times) => unit * times));

/** What a link's controller counts, in Prometheus' text form (service-mirror/metrics.go). */
export class MirrorMetrics {
  readonly #cluster: string;
  readonly #probes = { true: 0, false: 0 };
  readonly #buckets = BUCKETS.map(() => 0);
  #count = 0;
  #sum = 0;
  #enabled = false;
  #alive = 0;
  #latency = 0;
  #repairs = 0;

  constructor(cluster: string) {
    this.#cluster = cluster;
  }

  /** A link with a gateway is probed; without one nothing is said of it. */
  probing(enabled: boolean): void {
    this.#enabled = enabled;
  }

  answered(ms: number): void {
    this.#alive = 1;
    this.#latency = Math.round(ms);
    this.#probes.true++;
    this.#count++;
    this.#sum += Math.round(ms);
    for (const [i, bound] of BUCKETS.entries()) if (ms <= bound) this.#buckets[i]!++;
  }

  failed(): void {
    this.#alive = 0;
    this.#probes.false++;
  }

  repaired(): void {
    this.#repairs++;
  }

  render(): string {
    const cluster = `target_cluster_name="${this.#cluster}"`;
    const family = (name: string, type: string, help: string, lines: string[]) =>
      lines.length === 0
        ? ''
        : `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n${lines.map((each) => `${each}\n`).join('')}`;
    const gauge = (name: string, help: string, value: number) =>
      family(name, 'gauge', help, [`${name}{${cluster}} ${value}`]);
    const histogram = 'gateway_probe_latency_ms';
    return [
      gauge('gateway_enabled', 'Whether the link has a gateway that is probed.', this.#enabled ? 1 : 0),
      this.#enabled ? gauge('gateway_alive', 'Whether the gateway answers its probes.', this.#alive) : '',
      this.#enabled ? gauge('gateway_latency', 'Milliseconds that the last answer took.', this.#latency) : '',
      family(
        histogram,
        'histogram',
        'Milliseconds until the gateway answered.',
        this.#count === 0
          ? []
          : [
              ...BUCKETS.map((bound, i) => `${histogram}_bucket{${cluster},le="${bound}"} ${this.#buckets[i]}`),
              `${histogram}_bucket{${cluster},le="+Inf"} ${this.#count}`,
              `${histogram}_sum{${cluster}} ${this.#sum}`,
              `${histogram}_count{${cluster}} ${this.#count}`,
            ],
      ),
      family(
        'gateway_probes',
        'counter',
        'Probes of the gateway.',
        (['false', 'true'] as const)
          .filter((each) => this.#probes[each] > 0)
          .map((each) => `gateway_probes{probe_successful="${each}",${cluster}} ${this.#probes[each]}`),
      ),
      family(
        'service_mirror_endpoint_repairs',
        'counter',
        'How often the endpoints of all mirrors were looked at anew.',
        this.#repairs === 0 ? [] : [`service_mirror_endpoint_repairs{${cluster}} ${this.#repairs}`],
      ),
    ].join('');
  }
}
