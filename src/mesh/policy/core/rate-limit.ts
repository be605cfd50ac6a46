import type { Clock } from '#base/clock.ts';
import type { Client, RateLimit } from './config.ts';

/** One bucket by the generic cell rate algorithm: `rps` cells a second, a burst of one second's quota. */
class Bucket {
  #arrival = 0;
  readonly rps: number;
  constructor(rps: number) {
    this.rps = rps;
  }
  take(now: number): boolean {
    const interval = 1000 / this.rps;
    const arrival = Math.max(this.#arrival, now);
    // A cell conforms while the theoretical arrival is less than a burst ahead.
    if (arrival - now > 1000 - interval + 1e-6) return false;
    this.#arrival = arrival + interval;
    return true;
  }
  idle(now: number): boolean {
    return this.#arrival <= now;
  }
}

export interface Limited {
  scope: 'total' | 'identity';
  rps: number;
  /** The limit is one that was set for this client. */
  isOverride?: boolean;
}

/** Bounds the memory that many identities can take. */
const MOST_BUCKETS = 4096;

/**
 * The limits of one HTTPLocalRateLimitPolicy as one proxy keeps them: total first, then the client's override, else the
 * identity limit. Clients without an identity share one bucket (linkerd2-proxy local_rate_limit.rs).
 */
export class RateLimiter {
  readonly #limit: RateLimit;
  readonly #clock: Clock;
  readonly #total: Bucket | undefined;
  readonly #identities = new Map<string, Bucket>();

  constructor(limit: RateLimit, clock: Clock) {
    this.#limit = limit;
    this.#clock = clock;
    this.#total = limit.totalRps ? new Bucket(limit.totalRps) : undefined;
  }

  /** Undefined when the request may pass; takes one from each bucket on the way. */
  check(client: Client): Limited | undefined {
    const now = this.#clock.now();
    if (this.#total && !this.#total.take(now)) return { scope: 'total', rps: this.#total.rps };
    const identity = client.tls.kind === 'established' ? (client.tls.identity ?? '') : '';
    const override = this.#limit.overrides.findIndex((each) => each.identities.includes(identity));
    const rps = override >= 0 ? this.#limit.overrides[override]!.rps : this.#limit.identityRps;
    if (!rps) return undefined;
    const bucket = this.#bucket(identity, rps, now);
    return bucket.take(now) ? undefined : { scope: 'identity', rps, ...(override >= 0 ? { isOverride: true } : {}) };
  }

  #bucket(key: string, rps: number, now: number): Bucket {
    let bucket = this.#identities.get(key);
    if (!bucket) {
      if (this.#identities.size >= MOST_BUCKETS) {
        for (const [name, each] of this.#identities) if (each.idle(now)) this.#identities.delete(name);
      }
      bucket = new Bucket(rps);
      this.#identities.set(key, bucket);
    }
    return bucket;
  }
}
