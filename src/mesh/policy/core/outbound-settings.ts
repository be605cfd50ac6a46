import { annotationDuration } from './durations.ts';

/** Retries of a route or a Service, from its annotations. */
export interface RetrySettings {
  limit: number;
  /** Per try; absent: tries are not cut short. */
  timeoutMs?: number;
  /** Inclusive ranges of HTTP statuses. */
  statuses: { from: number; to: number }[];
  grpc: string[];
}

export interface TimeoutSettings {
  requestMs?: number;
  responseMs?: number;
  idleMs?: number;
}

/** Circuit breaking by consecutive failures (or their unified form), from a Service's annotations. */
export interface AccrualSettings {
  mode: 'consecutive' | 'unified';
  maxFailures: number;
  minPenaltyMs: number;
  maxPenaltyMs: number;
  jitterRatio: number;
  /** Of `unified` only: the share of successes below which the breaker opens, over which time, after how many. */
  successRate?: { threshold: number; windowMs: number; minRequests: number };
  /** `unified` only: a server's Retry-After lengthens the penalty. */
  honorRetryAfter?: boolean;
}

/** What failures add to an endpoint's load, where a Service asks for it. */
export interface LoadSettings {
  penaltyMs: number;
  maxRetryAfterMs: number;
}

export interface OutboundSettings {
  retry?: RetrySettings;
  timeouts?: TimeoutSettings;
  accrual?: AccrualSettings;
  load?: LoadSettings;
  /** The first thing that could not be read; that sort of setting is then missing, the others stand. */
  problem?: string;
}

const RETRY = 'retry.linkerd.io';
const TIMEOUT = 'timeout.linkerd.io';
const ACCRUAL = 'balancer.linkerd.io/failure-accrual';
const ALPHA = 'balancer.alpha.linkerd.io';
const GRPC_CONDITIONS = ['cancelled', 'deadline-exceeded', 'internal', 'resource-exhausted', 'unavailable'];

/** Reads retry, timeout and circuit-breaking annotations (policy-controller outbound index). */
export function parseOutboundSettings(
  annotations: Record<string, string>,
  protocol: 'http' | 'grpc',
): OutboundSettings {
  const out: OutboundSettings = {};
  const read = <T>(parse: () => T): T | undefined => {
    try {
      return parse();
    } catch (error) {
      out.problem ??= (error as Error).message;
      return undefined;
    }
  };
  const retry = read(() => parseRetry(annotations, protocol));
  if (retry) out.retry = retry;
  const timeouts = read(() => parseTimeouts(annotations));
  if (timeouts) out.timeouts = timeouts;
  const accrual = read(() => parseAccrual(annotations));
  if (accrual) out.accrual = accrual;
  const load = read(() => parseLoad(annotations));
  if (load) out.load = load;
  return out;
}

const duration = (text: string, _key: string): number => annotationDuration(text);

/** A limit fits into sixteen bits. */
function limitOf(text: string): number {
  if (text === '') throw new Error('cannot parse integer from empty string');
  if (!/^\+?\d+$/.test(text)) throw new Error('invalid digit found in string');
  if (Number(text) > 0xffff) throw new Error('number too large to fit in target type');
  return Number(text);
}

function number(text: string, key: string): number {
  if (!/^\d+(\.\d+)?$/.test(text)) throw new Error(`invalid number ${JSON.stringify(text)} in ${key}`);
  return Number(text);
}

function parseRetry(annotations: Record<string, string>, protocol: 'http' | 'grpc'): RetrySettings | undefined {
  const conditions = annotations[`${RETRY}/${protocol}`];
  const limit = annotations[`${RETRY}/limit`];
  const timeout = annotations[`${RETRY}/timeout`];
  const retry: RetrySettings = {
    limit: limit === undefined ? 1 : limitOf(limit) || 1,
    statuses: [],
    grpc: [],
  };
  const timeoutMs = timeout === undefined ? 0 : duration(timeout, `${RETRY}/timeout`);
  if (timeoutMs > 0) retry.timeoutMs = timeoutMs;
  for (const raw of (conditions ?? '').split(',')) {
    const condition = protocol === 'grpc' ? raw.toLowerCase() : raw;
    if (conditions === undefined) break;
    if (protocol === 'grpc') {
      if (!GRPC_CONDITIONS.includes(condition)) throw new Error(`Unknown grpc retry condition: ${raw}`);
      retry.grpc.push(condition);
    } else retry.statuses.push(statusRange(condition, conditions));
  }
  const any = conditions !== undefined || limit !== undefined || timeout !== undefined;
  return any ? retry : undefined;
}

function statusRange(text: string, all: string): { from: number; to: number } {
  if (text.toLowerCase() === '5xx') return { from: 500, to: 599 };
  if (text.toLowerCase() === 'gateway-error') return { from: 502, to: 504 };
  const range = /^([1-5]\d\d)(?:-([1-5]\d\d))?$/.exec(text);
  const [from, to] = [Number(range?.[1]), Number(range?.[2] ?? range?.[1])];
  if (!range || to < from) throw new Error(`invalid retry condition: ${all}`);
  return { from, to };
}

function parseTimeouts(annotations: Record<string, string>): TimeoutSettings | undefined {
  const out: TimeoutSettings = {};
  for (const name of ['request', 'response', 'idle'] as const) {
    const text = annotations[`${TIMEOUT}/${name}`];
    if (text !== undefined) out[`${name}Ms`] = duration(text, `${TIMEOUT}/${name}`);
  }
  return Object.keys(out).length > 0 ? out : undefined;
}

function parseAccrual(annotations: Record<string, string>): AccrualSettings | undefined {
  const mode = annotations[ACCRUAL];
  if (mode === undefined) return undefined;
  if (mode !== 'consecutive' && mode !== 'unified') throw new Error(`unsupported failure accrual mode: ${mode}`);
  const read = <T>(name: string, parse: (text: string, key: string) => T, otherwise: T): T => {
    const key = `${ACCRUAL}-consecutive-${name}`;
    const text = annotations[key];
    return text === undefined ? otherwise : parse(text, key);
  };
  const honor = mode === 'unified' && flag(annotations, `${ALPHA}/failure-accrual-honor-retry-after`);
  const out: AccrualSettings = {
    mode,
    ...(mode === 'unified' ? { successRate: successRate(annotations) } : {}),
    ...(honor ? { honorRetryAfter: true } : {}),
    maxFailures: read('max-failures', number, 7),
    minPenaltyMs: read('min-penalty', duration, 1000),
    maxPenaltyMs: read('max-penalty', duration, 60_000),
    jitterRatio: read('jitter-ratio', number, 0.5),
  };
  if (out.minPenaltyMs > out.maxPenaltyMs) {
    throw new Error(`min_penalty (${out.minPenaltyMs}ms) cannot exceed max_penalty (${out.maxPenaltyMs}ms)`);
  }
  if (out.maxPenaltyMs === 0) throw new Error('max_penalty cannot be zero');
  if (out.jitterRatio > 100) throw new Error(`jitter_ratio (${out.jitterRatio}) must be between 0.0 and 100.0`);
  return out;
}

function successRate(annotations: Record<string, string>): NonNullable<AccrualSettings['successRate']> {
  const key = (name: string) => `${ALPHA}/failure-accrual-success-rate-${name}`;
  const of = <T>(name: string, parse: (text: string, key: string) => T, otherwise: T): T => {
    const text = annotations[key(name)]?.trim();
    return text === undefined ? otherwise : parse(text, key(name));
  };
  const threshold = of('threshold', number, 0.8);
  const windowMs = of('window', duration, 10_000);
  const minRequests = of('min-requests', number, 5);
  if (threshold > 1) throw new Error(`success-rate threshold must be between 0.0 and 1.0, got ${threshold}`);
  if (windowMs === 0) throw new Error('success-rate-window must be greater than zero');
  if (threshold !== 0 && windowMs < 10) throw new Error('success-rate-window must be at least 10ms');
  if (threshold !== 0 && minRequests > 1_000_000) {
    throw new Error(`success-rate-min-requests cannot exceed 1000000, got ${minRequests}`);
  }
  return { threshold, windowMs, minRequests };
}

/** Booleans as Go's strconv.ParseBool reads them; absent is false. */
function flag(annotations: Record<string, string>, key: string): boolean {
  const text = annotations[key]?.trim();
  if (text === undefined || /^(0|f|F|false|FALSE|False)$/.test(text)) return false;
  if (/^(1|t|T|true|TRUE|True)$/.test(text)) return true;
  throw new Error(`unsupported ${key} value: '${text}' (expected a boolean such as 'true' or 'false')`);
}

function parseLoad(annotations: Record<string, string>): LoadSettings | undefined {
  if (!flag(annotations, `${ALPHA}/penalize-failures`)) return undefined;
  const read = (name: string, otherwise: number): number => {
    const text = annotations[`${ALPHA}/${name}`];
    return text === undefined ? otherwise : duration(text, `${ALPHA}/${name}`);
  };
  return {
    penaltyMs: read('load-biaser-penalty', 5_000),
    maxRetryAfterMs: read('load-biaser-max-retry-after', 300_000),
  };
}
