import { readdirSync } from 'node:fs';
import { AcademyError, messageOf } from '#base/errors.ts';
import { type Engine, engineError } from './engine.ts';

export interface ImageBuild {
  /** Folder with a Dockerfile and what it copies. */
  context: string;
  tag: string;
  args?: Record<string, string>;
  labels?: Record<string, string>;
  onLine(line: string): void;
  signal?: AbortSignal;
}

const BUILT_WITHIN_MS = 15 * 60_000;
const WIDEST_STEP = 100;

/** Builds an image from a folder. Rejects with `driver/failed` and the builder's own last words. */
export async function buildImage(engine: Engine, o: ImageBuild): Promise<void> {
  await engine.call(
    `build the image ${o.tag}`,
    async (abortSignal) => {
      const stream = await engine.docker.buildImage(
        { context: o.context, src: readdirSync(o.context) },
        {
          t: o.tag,
          forcerm: true,
          ...(o.args ? { buildargs: o.args } : {}),
          ...(o.labels ? { labels: o.labels } : {}),
          abortSignal,
        },
      );
      await followProgress(stream, (line) => o.onLine(shortened(line)));
    },
    { timeoutMs: BUILT_WITHIN_MS, ...(o.signal ? { signal: o.signal } : {}) },
  );
}

/** A step of the builder repeats the whole command of the Dockerfile, which may be long. */
function shortened(line: string): string {
  return /^Step \d+\/\d+ :/.test(line) && line.length > WIDEST_STEP
    ? `${line.slice(0, WIDEST_STEP - 2).replaceAll(/\s+/g, ' ')} …`
    : line;
}

/**
 * Reads the Engine's lines of JSON to their end. An error comes in the middle of them under status 200, so that each has to be
 * looked at.
 */
export async function followProgress(stream: NodeJS.ReadableStream, onLine: (line: string) => void): Promise<void> {
  let rest = '';
  const take = (line: string) => {
    if (line.trim() === '') return;
    let said: { stream?: string; status?: string; id?: string; error?: string; progress?: string };
    try {
      said = JSON.parse(line) as typeof said;
    } catch (cause) {
      throw new AcademyError('driver/failed', `The Docker Engine said what is no JSON: ${messageOf(cause)}`, { cause });
    }
    if (said.error !== undefined) throw engineError('finish', new Error(said.error));
    const text = said.stream ?? (said.progress ? '' : [said.id, said.status].filter(Boolean).join(': '));
    for (const each of text.split('\n')) if (each.trim() !== '') onLine(each.trimEnd());
  };
  for await (const chunk of stream) {
    const lines = (rest + String(chunk)).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) take(line);
  }
  take(rest);
}
