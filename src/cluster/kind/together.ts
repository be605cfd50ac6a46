import { isAbort } from '#base/errors.ts';

/**
 * Runs jobs side by side. When one fails the others are cancelled, and nothing is on its way any more when this rejects with
 * what failed first.
 */
export async function together<T extends readonly unknown[]>(
  signal: AbortSignal,
  jobs: (signal: AbortSignal) => { readonly [K in keyof T]: Promise<T[K]> },
): Promise<T> {
  const others = new AbortController();
  const running = jobs(AbortSignal.any([signal, others.signal]));
  const failures: unknown[] = [];
  for (const job of running)
    job.catch((error: unknown) => {
      failures.push(error);
      others.abort(new DOMException('Given up, because another step failed.', 'AbortError'));
    });
  await Promise.allSettled(running);
  if (failures.length > 0) throw failures.find((failure) => !isAbort(failure)) ?? failures[0];
  return (await Promise.all(running)) as unknown as T;
}
