import type { Clock } from '#base/clock.ts';
import type { Exchange } from './exchange.ts';

export type RequestCondition =
  | { all: RequestCondition[] }
  | { any: RequestCondition[] }
  | { not: RequestCondition }
  | { pathRegex: string }
  | { method: string };

export type ResponseCondition =
  | { all: ResponseCondition[] }
  | { any: ResponseCondition[] }
  | { not: ResponseCondition }
  | { min: number; max: number };

export interface ProfileRoute {
  name: string;
  condition: RequestCondition;
  responseClasses: { condition: ResponseCondition; isFailure: boolean }[];
  isRetryable: boolean;
  /** All tries together. */
  timeoutMs?: number;
}

/** A ServiceProfile as `Destination/GetProfile` tells it. */
export interface ServiceProfile {
  routes: ProfileRoute[];
  budget: { retryRatio: number; minRetriesPerSecond: number; ttlMs: number };
  /** A split over other authorities; empty: the Service itself. */
  overrides: { authority: string; weight: number }[];
}

const patterns = new Map<string, RegExp | undefined>();
function pattern(text: string): RegExp | undefined {
  if (!patterns.has(text)) {
    if (patterns.size > 512) patterns.clear();
    let compiled: RegExp | undefined;
    try {
      compiled = new RegExp(`^(?:${text})$`);
    } catch {
      // A pattern that JavaScript can't read matches nothing.
    }
    patterns.set(text, compiled);
  }
  return patterns.get(text);
}

function requestMatches(condition: RequestCondition, method: string, path: string): boolean {
  if ('all' in condition) return condition.all.every((each) => requestMatches(each, method, path));
  if ('any' in condition) return condition.any.some((each) => requestMatches(each, method, path));
  if ('not' in condition) return !requestMatches(condition.not, method, path);
  if ('method' in condition) return condition.method === method;
  return pattern(condition.pathRegex)?.test(path) ?? false;
}

function statusMatches(condition: ResponseCondition, status: number): boolean {
  if ('all' in condition) return condition.all.every((each) => statusMatches(each, status));
  if ('any' in condition) return condition.any.some((each) => statusMatches(each, status));
  if ('not' in condition) return !statusMatches(condition.not, status);
  return status >= condition.min && status <= condition.max;
}

/** The first route of a profile that fits a request. */
export function profileRoute(
  profile: ServiceProfile,
  exchange: Pick<Exchange, 'method' | 'path'>,
): ProfileRoute | undefined {
  const path = exchange.path.split('?')[0] ?? '/';
  return profile.routes.find((route) => requestMatches(route.condition, exchange.method, path));
}

/** Whether a route's classes take a response for a failure; undefined where none of them fits. */
export const profileClass = (route: ProfileRoute, status: number): boolean | undefined =>
  route.responseClasses.find((each) => statusMatches(each.condition, status))?.isFailure;

/** How many retries a profile allows: a share of the requests of the last `ttl`, and some each second besides. */
export class RetryBudget {
  readonly #clock: Clock;
  readonly #budget: ServiceProfile['budget'];
  #deposits: number[] = [];
  #withdrawals: number[] = [];

  constructor(clock: Clock, budget: ServiceProfile['budget']) {
    this.#clock = clock;
    this.#budget = budget;
  }

  /** Says that a request came. */
  deposit(): void {
    this.#expire();
    this.#deposits.push(this.#clock.now());
  }

  /** Takes one retry when there is one. */
  withdraw(): boolean {
    this.#expire();
    const { retryRatio, minRetriesPerSecond, ttlMs } = this.#budget;
    const reserve = (minRetriesPerSecond * ttlMs) / 1_000;
    if (this.#withdrawals.length >= this.#deposits.length * retryRatio + reserve) return false;
    this.#withdrawals.push(this.#clock.now());
    return true;
  }

  #expire(): void {
    const since = this.#clock.now() - this.#budget.ttlMs;
    const keep = (list: number[]) => {
      let old = 0;
      while (old < list.length && list[old]! <= since) old++;
      return old > 0 ? list.slice(old) : list;
    };
    this.#deposits = keep(this.#deposits);
    this.#withdrawals = keep(this.#withdrawals);
  }
}
