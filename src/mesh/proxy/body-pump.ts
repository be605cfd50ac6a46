import type { Readable } from 'node:stream';

export interface Sink {
  /** False when it is full; `onDrain` of {@link pump}'s result is to be called when it no longer is. */
  write(chunk: Buffer): boolean;
  end(): void;
  /** The body broke off before its end. */
  broken(): void;
}

/**
 * Lets a body flow into a sink that is no stream, with its back-pressure. Returns what takes the body up again after
 * the sink was full.
 */
export function pump(body: Readable, sink: Sink): () => void {
  let over = false;
  const broken = () => {
    if (over) return;
    over = true;
    sink.broken();
  };
  if (body.readableEnded) {
    sink.end();
    return () => {};
  }
  if (body.destroyed) {
    sink.broken();
    return () => {};
  }
  body.on('error', broken);
  body.on('aborted', broken);
  body.on('close', broken);
  body.on('end', () => {
    if (over) return;
    over = true;
    sink.end();
  });
  body.on('data', (chunk: Buffer) => {
    if (!over && !sink.write(chunk)) body.pause();
  });
  return () => {
    if (!over) body.resume();
  };
}
