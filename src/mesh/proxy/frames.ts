import { EventEmitter } from 'node:events';
import type { Readable } from 'node:stream';
import type { Histogram } from './metrics.ts';

interface Message {
  readonly body?: Readable | undefined;
  readonly whole?: Buffer;
}

/** Counts the sizes of a message's pieces as they pass through this proxy, in bytes. */
export function countFrames(message: Message, sizes: Histogram): void {
  if (message.whole) {
    sizes.observe(message.whole.length);
    return;
  }
  const { body } = message;
  // A stream's own `on` would let it flow, and those that it flows to are not there yet.
  if (body) EventEmitter.prototype.on.call(body, 'data', (piece: Buffer) => sizes.observe(piece.length));
}
