import { WallClock } from '#base/clock.ts';
import { AcademyError, isAbort, messageOf } from '#base/errors.ts';
import { type Engine, isStatus } from './engine.ts';

/** Below this a node’s disk is full, bytes: etcd asks for 64 MiB at once. */
const FULL_BYTES = 96 * 1024 ** 2;
const LOOK_EVERY_MS = 2_000;
const ENDS_WITHIN_MS = 3_000;
const wall = new WallClock();

/**
 * Work in a node whose failing says what is behind it, and which is given up as soon as nothing can be written any more:
 * kubeadm would go on waiting for a control plane that can't come up.
 */
export async function onNode<T>(
  engine: Engine,
  node: string,
  signal: AbortSignal,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const over = new AbortController();
  const full = new AbortController();
  void untilFull(engine, node, AbortSignal.any([signal, over.signal])).then(
    () => full.abort(diskFull(undefined)),
    () => {},
  );
  try {
    return await work(AbortSignal.any([signal, full.signal]));
  } catch (error) {
    throw full.signal.aborted ? full.signal.reason : await explained(engine, node, error);
  } finally {
    over.abort(new DOMException('over', 'AbortError'));
  }
}

/** Resolves when nothing can be written in a node any more; rejects when the signal aborts. */
async function untilFull(engine: Engine, node: string, signal: AbortSignal): Promise<void> {
  for (;;) {
    await wall.sleep(LOOK_EVERY_MS, signal);
    const left = await roomIn(engine, node, signal).catch(() => undefined);
    if (left !== undefined && left < FULL_BYTES) return;
  }
}

/** Bytes that are left where a node keeps its state. */
async function roomIn(engine: Engine, node: string, signal?: AbortSignal): Promise<number> {
  const room = await engine.run(node, ['stat', '-f', '-c', '%a %S', '/var'], {
    timeoutMs: 5_000,
    ...(signal ? { signal } : {}),
  });
  const [blocks = Number.NaN, size = Number.NaN] = room.trim().split(' ').map(Number);
  return blocks * size;
}

/** The error of a node with the code of what is behind it: the node has ended, or its disk is full. */
async function explained(engine: Engine, node: string, error: unknown): Promise<unknown> {
  if (isAbort(error)) return error;
  if (/no space left on device/i.test(messageOf(error))) return diskFull(error);
  const known = error instanceof AcademyError && error.code !== 'driver/failed' && error.code !== 'driver/timeout';
  if (known) return error;
  try {
    if ((await roomIn(engine, node)) < FULL_BYTES) return diskFull(error);
  } catch {
    // A node that is just ending answers nothing, and is said to run for a moment more.
    const ended = (abortSignal: AbortSignal) => engine.docker.getContainer(node).wait({ abortSignal });
    await engine.call('see the node end', ended, { timeoutMs: ENDS_WITHIN_MS }).catch(() => {});
  }
  try {
    const { State } = await engine.inspect(node);
    return State.Running ? error : nodeEnded(State.OOMKilled, error);
  } catch (cause) {
    return isStatus(cause, 404) ? nodeEnded(false, error) : error;
  }
}

/** A node that ended without having been asked to. */
export const nodeEnded = (outOfMemory: boolean, cause?: unknown): AcademyError =>
  new AcademyError(
    'driver/node-lost',
    outOfMemory
      ? 'The node of this cluster used more memory than it may and was ended.'
      : 'The node of this cluster has ended.',
    cause === undefined ? {} : { cause },
  );

const diskFull = (cause: unknown): AcademyError =>
  new AcademyError('driver/disk-full', 'The disk of the Docker Engine is full: the node could not be set up.', {
    cause,
  });
