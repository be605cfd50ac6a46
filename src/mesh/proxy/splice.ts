import type { Duplex } from 'node:stream';

/** Lets bytes flow both ways until both sides have ended or either breaks. Counts what `a` sends and receives. */
export function splice(
  a: Duplex,
  b: Duplex,
  count?: { read(bytes: number): void; written(bytes: number): void },
): void {
  const link = (from: Duplex, to: Duplex) => {
    from.on('error', () => abort(to));
    from.on('close', () => {
      if (!from.readableEnded) abort(to);
    });
    from.pipe(to);
  };
  if (count) {
    a.on('data', (chunk: Buffer) => count.read(chunk.length));
    b.on('data', (chunk: Buffer) => count.written(chunk.length));
  }
  link(a, b);
  link(b, a);
}

/** Ends a connection so that its peer sees a reset. */
export function abort(stream: Duplex): void {
  const { reset } = stream as Duplex & { reset?: () => void };
  if (reset && !stream.destroyed) reset.call(stream);
  else stream.destroy();
}
