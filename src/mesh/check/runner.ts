import type { Clock } from '#base/clock.ts';
import { messageOf } from '#base/errors.ts';

/** One line of `linkerd check`. `run` resolves when all is well and throws what is wrong. */
export interface Check<World> {
  description: string;
  /** Anchor of the hint page. */
  hint: string;
  /** A failure ends the whole run (pkg/healthcheck RunChecks). */
  fatal?: boolean;
  /** A failure is ‼ and does not change the exit code. */
  warning?: boolean;
  /** A failure is tried again until the deadline, as with control planes that are still starting. */
  retry?: boolean;
  /** What it returns is shown below the description, as for links that were found. */
  run(world: World): Promise<string | void>;
}

export interface Category<World> {
  name: string;
  checks: Check<World>[];
}

/** Thrown by a check that has nothing to say here; its line is left out. */
export class Skip extends Error {}

export interface Result {
  category: string;
  description: string;
  hint: string;
  result: 'success' | 'warning' | 'error';
  message?: string;
}

const HINTS = 'https://linkerd.io/2/checks/#';
const RETRY_MS = 1_000;

/** Runs the categories in order and yields each line as it is known. Stops after the first fatal failure. */
export async function* runChecks<World>(
  categories: Category<World>[],
  world: World,
  options: { clock: Clock; deadline: number; signal: AbortSignal },
): AsyncGenerator<Result> {
  for (const category of categories) {
    for (const check of category.checks) {
      const { failure, found } = await attempt(check, world, options);
      if (failure instanceof Skip) continue;
      const base = { category: category.name, description: check.description, hint: `${HINTS}${check.hint}` };
      if (failure === undefined) {
        const description = found === undefined ? base.description : `${base.description}\n${found}`;
        yield { ...base, description, result: 'success' };
        continue;
      }
      yield { ...base, result: check.warning ? 'warning' : 'error', message: messageOf(failure) };
      if (check.fatal) return;
    }
  }
}

async function attempt<World>(
  check: Check<World>,
  world: World,
  { clock, deadline, signal }: { clock: Clock; deadline: number; signal: AbortSignal },
): Promise<{ failure?: unknown; found?: string }> {
  for (;;) {
    try {
      const found = await check.run(world);
      return typeof found === 'string' ? { found } : {};
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof Skip || !check.retry || clock.now() + RETRY_MS > deadline) return { failure: error };
      await clock.sleep(RETRY_MS, signal);
    }
  }
}
