import { AcademyError } from '#base/errors.ts';
import type { Lifecycle } from '#base/lifecycle.ts';
import { type Engine, isStatus } from './engine.ts';
import { nodeEnded } from './explain.ts';

/** An Engine that is restarted is waited for this long before its clusters are given up. */
const ENGINE_BACK_WITHIN_MS = 60_000;
const ASK_AGAIN_MS = 1_000;

/** Rejects when the node's container ends without `life` having been closed; never resolves. */
export function whenLost(engine: Engine, containerId: string, life: Lifecycle): Promise<never> {
  const { signal } = life;
  const lost = new Promise<never>((_, reject) => {
    follow(engine, containerId, signal).then(
      (error) => {
        if (!signal.aborted) reject(error);
      },
      () => {},
    );
  });
  // Whoever does not care is not told.
  lost.catch(() => {});
  return lost;
}

async function follow(engine: Engine, id: string, signal: AbortSignal): Promise<AcademyError> {
  let silentSince: number | undefined;
  for (;;) {
    signal.throwIfAborted();
    try {
      const { State } = await engine.inspect(id);
      silentSince = undefined;
      if (!State.Running) return nodeEnded(State.OOMKilled);
      // Answers when the container ends, however long that takes; a cut connection leads back to the question above.
      await Promise.race([engine.docker.getContainer(id).wait({ abortSignal: signal }), aborted(signal)]);
    } catch (error) {
      if (signal.aborted) throw error;
      if (isStatus(error, 404)) return new AcademyError('driver/node-lost', 'The node of this cluster is gone.');
      silentSince ??= Date.now();
      if (Date.now() - silentSince > ENGINE_BACK_WITHIN_MS)
        return new AcademyError('driver/engine', 'The Docker Engine that this cluster runs in does not answer.');
      await new Promise((resolve) => setTimeout(resolve, ASK_AGAIN_MS).unref());
    }
  }
}

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
}
