import { deflateSync, gzipSync as gzip } from 'node:zlib';

/** The body with a line end, compressed. */
export const gzipSync = (text: string): Buffer => gzip(Buffer.from(`${text}\n`));
export const zlibDeflate = (text: string): Buffer => deflateSync(Buffer.from(`${text}\n`));
