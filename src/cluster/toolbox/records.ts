import type { Duplex } from 'node:stream';
import { AcademyError } from '#base/errors.ts';

/** What one answer of a box may hold: its whole home in base64. */
const MAX_BYTES = 100 * 1024 * 1024;

/** Everything that a stream gives until its end. */
export async function bufferOf(stream: Duplex): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of stream) {
    chunks.push(chunk as Buffer);
    size += (chunk as Buffer).length;
    if (size > MAX_BYTES) throw new AcademyError('driver/failed', 'The lab terminal sent more than it may hold.');
  }
  return Buffer.concat(chunks);
}

/** Texts that are ended by a NUL each; what is not ended is left out. */
export function nulTerminated(data: Buffer): string[] {
  return data.toString('utf8').split('\0').slice(0, -1);
}
