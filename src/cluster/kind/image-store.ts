import { createReadStream, createWriteStream } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import { AcademyError } from '#base/errors.ts';
import { followProgress } from './build-image.ts';
import type { Engine } from './engine.ts';

const MOVED_WITHIN_MS = 60 * 60_000;

/** Size in bytes of an image, or undefined when it is not here. */
export async function imageSize(engine: Engine, reference: string): Promise<number | undefined> {
  if (!(await engine.hasImage(reference))) return undefined;
  const { Size } = await engine.call(`look at the image ${reference}`, () =>
    engine.docker.getImage(reference).inspect(),
  );
  return Size;
}

/** Fetches an image from its registry. */
export async function pullImage(
  engine: Engine,
  reference: string,
  onLine: (line: string) => void,
  signal?: AbortSignal,
): Promise<void> {
  await engine.call(
    `pull ${reference}`,
    async (abortSignal) => followProgress(await engine.docker.pull(reference, { abortSignal }), onLine),
    { timeoutMs: MOVED_WITHIN_MS, ...(signal ? { signal } : {}) },
  );
}

/** Writes images into one file, in the format of `docker save`, as they come; a file that is not whole is not left. */
export async function saveImages(engine: Engine, references: string[], file: string, signal?: AbortSignal) {
  const partial = `${file}.partial`;
  try {
    await engine.call(
      'save images',
      async (abortSignal) => {
        // dockerode has this call, its types do not.
        const docker = engine.docker as unknown as { getImages(o: object): Promise<NodeJS.ReadableStream> };
        const stream = await docker.getImages({ names: references });
        await pipeline(stream, createWriteStream(partial, { mode: 0o644 }), { signal: abortSignal });
      },
      { timeoutMs: MOVED_WITHIN_MS, ...(signal ? { signal } : {}) },
    );
    await rename(partial, file);
  } catch (error) {
    await rm(partial, { force: true });
    throw error;
  }
}

/** Loads what `saveImages` or `docker save` wrote. */
export async function loadImages(engine: Engine, file: string, onLine: (line: string) => void, signal?: AbortSignal) {
  const stream = createReadStream(file);
  const opened = new Promise<void>((resolve, reject) => stream.once('open', () => resolve()).once('error', reject));
  await opened.catch((cause: unknown) => {
    throw new AcademyError('request/invalid', `The file ${file} can't be read.`, { cause });
  });
  try {
    await engine.call(
      `load ${file}`,
      async (abortSignal) => followProgress(await engine.docker.loadImage(stream, { abortSignal }), onLine),
      { timeoutMs: MOVED_WITHIN_MS, ...(signal ? { signal } : {}) },
    );
  } finally {
    stream.destroy();
  }
}
