import type { Clock, Timer } from '#base/clock.ts';
import type { InboundConfig } from '#mesh/policy/core/config.ts';
import { ALL_NETWORKS, isDefaultPolicy, networksOf } from '#mesh/policy/core/defaults.ts';
import { inboundConfig } from '#mesh/policy/core/inbound.ts';
import { ObjectSet } from '#mesh/policy/core/objects.ts';
import { RateLimiter } from '#mesh/policy/core/rate-limit.ts';
import type { InboundPolicySource } from './inbound-policy.ts';
import type { ProxySettings } from './settings.ts';

/** How long the first connection to a port waits for the controller's word before the default holds. */
const FIRST_WORD_MS = 1_000;

/** What holds for one port of the pod, kept up to date. */
export class PortPolicy {
  config: InboundConfig;
  limiter: RateLimiter | undefined;
  readonly #clock: Clock;
  readonly #listeners = new Set<() => void>();
  #known: Promise<void>;
  #heard: (() => void) | undefined;
  #timer: Timer | undefined;
  readonly #waitUntil: number;

  constructor(fallback: InboundConfig, clock: Clock, waitMs: number) {
    this.config = fallback;
    this.#clock = clock;
    this.#waitUntil = clock.now() + waitMs;
    this.#known = new Promise((resolve) => {
      this.#heard = resolve;
    });
  }

  /** Resolves when the controller has spoken, or has been silent for long enough. */
  known(): Promise<void> {
    if (this.#heard) {
      const left = this.#waitUntil - this.#clock.now();
      if (left <= 0) this.#settle();
      else {
        this.#timer ??= this.#clock.setTimeout(() => {
          this.#timer = undefined;
          this.#settle();
        }, left);
      }
    }
    return this.#known;
  }

  take(config: InboundConfig): void {
    // A limit that stays the same keeps its buckets.
    const unchanged = JSON.stringify(config.rateLimit) === JSON.stringify(this.config.rateLimit);
    this.config = config;
    if (!unchanged) this.limiter = config.rateLimit && new RateLimiter(config.rateLimit, this.#clock);
    this.#settle();
    for (const listener of [...this.#listeners]) listener();
  }

  /** Called after every change, for connections that may have to end. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #settle(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#heard?.();
    this.#heard = undefined;
  }
}

/** The policies of a pod's ports: those of INBOUND_PORTS from the start, others when first dialled. */
export class PortPolicies {
  readonly #settings: ProxySettings;
  readonly #clock: Clock;
  readonly #source: InboundPolicySource | undefined;
  readonly #ports = new Map<number, PortPolicy>();
  readonly #stops: (() => void)[] = [];

  constructor(settings: ProxySettings, clock: Clock, source: InboundPolicySource | undefined) {
    this.#settings = settings;
    this.#clock = clock;
    this.#source = source;
  }

  start(): void {
    for (const port of this.#settings.inboundPorts) this.port(port);
  }

  port(port: number): PortPolicy {
    let policy = this.#ports.get(port);
    if (!policy) {
      // The control plane comes up before its policy controller does.
      const own = this.#settings.namespace === this.#settings.controlPlaneNamespace;
      policy = new PortPolicy(this.#fallback(port), this.#clock, own ? 0 : FIRST_WORD_MS);
      this.#ports.set(port, policy);
      const known = policy;
      if (this.#source) this.#stops.push(this.#source.watchPort(port, (config) => known.take(config)));
      else policy.take(policy.config);
    }
    return policy;
  }

  stop(): void {
    for (const stop of this.#stops) stop();
  }

  /** What the environment alone says about a port. */
  #fallback(port: number): InboundConfig {
    const settings = this.#settings;
    const config = inboundConfig(
      new ObjectSet(),
      {
        domain: { controlPlaneNamespace: settings.controlPlaneNamespace, trustDomain: settings.trustDomain },
        clusterNetworks: networksOf(settings.clusterNetworks),
        probeNetworks: ALL_NETWORKS,
        defaultPolicy: isDefaultPolicy(settings.defaultPolicy) ? settings.defaultPolicy : 'all-unauthenticated',
        defaultOpaquePorts: settings.opaquePorts,
        globalEgressNamespace: '',
      },
      { apiVersion: 'v1', kind: 'Pod', metadata: {}, spec: { containers: [] } },
      port,
    );
    if (!settings.requireTlsPorts.split(',').includes(String(port))) return config;
    // Identity's own port: TLS to be sure, but clients that have no certificate yet must be let in.
    const authorizations = config.authorizations.map((each) => ({
      ...each,
      ref: { ...each.ref, name: `${each.ref.name}-tls` },
      authentication: { kind: 'tls-unauthenticated' as const },
    }));
    return { ...config, authorizations };
  }
}
