import { parseDuration } from './durations.ts';

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
}

export interface OutboundSettings {
  retry?: RetrySettings;
  timeouts?: TimeoutSettings;
  accrual?: AccrualSettings;
  /** The first thing that could not be read; then the others may be missing. */
  problem?: string;
}

const RETRY = 'retry.linkerd.io';
const TIMEOUT = 'timeout.linkerd.io';
const ACCRUAL = 'balancer.linkerd.io/failure-accrual';
const GRPC_CONDITIONS = ['cancelled', 'deadline-exceeded', 'internal', 'resource-exhausted', 'unavailable'];

/** Reads retry, timeout and circuit-breaking annotations (policy-controller outbound index). */
export function parseOutboundSettings(
  annotations: Record<string, string>,
  protocol: 'http' | 'grpc',
): OutboundSettings {
  const out: OutboundSettings = {};
  try {
    const retry = parseRetry(annotations, protocol);
    if (retry) out.retry = retry;
    const timeouts = parseTimeouts(annotations);
    if (timeouts) out.timeouts = timeouts;
    const accrual = parseAccrual(annotations);
    if (accrual) out.accrual = accrual;
  } catch (error) {
    out.problem = (error as Error).message;
  }
  return out;
}

function duration(text: string, key: string): number {
  const ms = parseDuration(text);
  if (ms === undefined) throw new Error(`invalid duration ${JSON.stringify(text)} in ${key}`);
  return ms;
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
    limit: limit === undefined ? 1 : number(limit, `${RETRY}/limit`),
    statuses: [],
    grpc: [],
  };
  if (timeout !== undefined) retry.timeoutMs = duration(timeout, `${RETRY}/timeout`);
  for (const raw of (conditions ?? '').split(',')) {
    const condition = raw.trim();
    if (condition === '') continue;
    if (protocol === 'grpc') {
      if (!GRPC_CONDITIONS.includes(condition)) throw new Error(`Unknown grpc retry condition: ${condition}`);
      retry.grpc.push(condition);
    } else retry.statuses.push(statusRange(condition));
  }
  const any = conditions !== undefined || limit !== undefined || timeout !== undefined;
  return any ? retry : undefined;
}

function statusRange(text: string): { from: number; to: number } {
  if (text.toLowerCase() === '5xx') return { from: 500, to: 599 };
  if (text.toLowerCase() === 'gateway-error') return { from: 502, to: 504 };
  const range = /^([1-5]\d\d)(?:-([1-5]\d\d))?$/.exec(text);
  const [from, to] = [Number(range?.[1]), Number(range?.[2] ?? range?.[1])];
  if (!range || to < from) throw new Error(`invalid retry condition: ${text}`);
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
  const out: AccrualSettings = {
    mode,
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
