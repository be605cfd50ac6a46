/**
 * Node cuts small buffers from pieces of 64 KiB, and one that is kept keeps its whole piece. A session keeps few and small
 * ones (keys, mounted files, lines of logs), so its pieces are small.
 */
const PIECE_BYTES = 1024;

export function keepBuffersSmall(): void {
  Buffer.poolSize = PIECE_BYTES;
}
