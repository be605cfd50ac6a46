/** What a case came to. A case that was not run says why. */
export interface Verdict {
  id: string;
  level: string;
  title: string;
  result: 'agrees' | 'differs' | 'not-run';
  expected: string;
  observed: string;
  reason?: string;
  seconds: number;
}

/** What was seen, and whether it is what the case expects. */
export interface Observation {
  agrees: boolean;
  observed: string;
}

/** A case that this runner cannot bring about, and why. */
export class NotRunnable extends Error {}

/** Looks again and again until a case agrees for the second time in a row, or time is up; the last look counts. */
export async function settled(
  look: () => Promise<Observation>,
  options: { signal: AbortSignal; withinMs: number; everyMs?: number },
): Promise<Observation> {
  const until = performance.now() + options.withinMs;
  let agreed = 0;
  for (;;) {
    options.signal.throwIfAborted();
    const seen = await look();
    agreed = seen.agrees ? agreed + 1 : 0;
    if (agreed >= 2 || performance.now() > until) return seen;
    await pause(options.everyMs ?? 100, options.signal);
  }
}

/** Waits on the wall's clock: other clusters have no clock of ours. */
export function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = () => {
      clearTimeout(timer);
      reject(signal.reason);
    };
    const timer = setTimeout(() => {
      signal.removeEventListener('abort', stop);
      resolve();
    }, ms);
    if (signal.aborted) stop();
    else signal.addEventListener('abort', stop, { once: true });
  });
}
