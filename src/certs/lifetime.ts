import { parseGoDuration } from '#base/go-duration.ts';

const HOUR_MS = 3_600_000;
/** What a Certificate lives that does not say how long. */
export const DEFAULT_DURATION_MS = 90 * 24 * HOUR_MS;
const SHORTEST_MS = HOUR_MS;
const SHORTEST_RENEWAL_MS = 5 * 60_000;
/** The first pause after a failed issuance, doubled with each that follows. */
const FIRST_BACKOFF_MS = HOUR_MS;
const LONGEST_BACKOFF_MS = 32 * HOUR_MS;

interface Lifetime {
  duration?: string;
  renewBefore?: string;
  renewBeforePercentage?: number;
}

/** When a certificate is to be renewed, ms since the epoch: `renewBefore` its end, else after two thirds of its life. */
export function renewalTime(spec: Lifetime, notBefore: number, notAfter: number): number {
  const life = notAfter - notBefore;
  const asked = spec.renewBeforePercentage
    ? (life * spec.renewBeforePercentage) / 100
    : (parseGoDuration(spec.renewBefore) ?? 0);
  const before = asked > 0 && asked < life ? asked : life / 3;
  return Math.floor((notAfter - before) / 1000) * 1000;
}

/** What is wrong with a Certificate's lengths of time, in the words of cert-manager's validation. */
export function lifetimeFault(spec: Lifetime): string | undefined {
  const duration = spec.duration === undefined ? DEFAULT_DURATION_MS : parseGoDuration(spec.duration);
  if (duration === undefined) return `spec.duration: Invalid value: "${spec.duration}": not a duration`;
  if (duration < SHORTEST_MS)
    return `spec.duration: Invalid value: "${spec.duration}": certificate duration must be greater than 1h0m0s`;
  if (spec.renewBefore === undefined) return undefined;
  const before = parseGoDuration(spec.renewBefore);
  if (before === undefined) return `spec.renewBefore: Invalid value: "${spec.renewBefore}": not a duration`;
  if (before < SHORTEST_RENEWAL_MS)
    return `spec.renewBefore: Invalid value: "${spec.renewBefore}": certificate renewBefore must be greater than 5m0s`;
  if (before >= duration)
    return `spec.renewBefore: Invalid value: "${spec.renewBefore}": certificate duration "${spec.duration ?? '2160h'}" must be greater than renewBefore "${spec.renewBefore}"`;
  return undefined;
}

/** How long to wait after so many failures in a row. */
export const backoffMs = (attempts: number): number =>
  Math.min(LONGEST_BACKOFF_MS, FIRST_BACKOFF_MS * 2 ** Math.max(0, attempts - 1));
