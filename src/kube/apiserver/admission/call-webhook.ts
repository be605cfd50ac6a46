import { request } from 'node:http';
import type { Duplex } from 'node:stream';
import type tls from 'node:tls';
import type { Clock } from '#base/clock.ts';
import { REFUSALS } from '../proxy.ts';
import { secured } from '../service-tls.ts';
import type { ReviewCaller } from './webhooks.ts';

const MAX_ANSWER_BYTES = 3 * 1024 * 1024;

/** Posts reviews over the cluster's network. The server's chain must end in the caBundle and name the Service, at the cluster's time. */
export function createReviewCaller(
  dial: (host: string, port: number, timeoutMs: number) => Promise<Duplex>,
  clock: Clock,
): ReviewCaller {
  return async ({ namespace, name, port, path, caBundle, timeoutMs }, review) => {
    const host = `${name}.${namespace}.svc`;
    const stream = await dial(host, port, timeoutMs).catch((error: NodeJS.ErrnoException) => {
      throw asGo(error);
    });
    // A signal of its own: one that only time ends would hold the whole conversation until then.
    const stop = new AbortController();
    const timer = setTimeout(() => stop.abort(), timeoutMs);
    const { signal: timeout } = stop;
    try {
      const socket = await secured(stream, { host, caBundle, now: clock.now(), signal: timeout });
      return await post(socket, host, path, review, timeout);
    } finally {
      clearTimeout(timer);
      stream.destroy();
    }
  };
}

/** A failure of the network as Go words it: `dial tcp 10.96.0.7:443: connect: connection refused`. */
function asGo(error: NodeJS.ErrnoException): Error {
  const words = REFUSALS[error.code ?? ''];
  const [, address] = /(\d+\.\d+\.\d+\.\d+:\d+)$/.exec(error.message) ?? [];
  return words && address ? new Error(`dial tcp ${address}: ${words}`) : error;
}

function post(
  socket: tls.TLSSocket,
  host: string,
  path: string,
  review: unknown,
  signal: AbortSignal,
): Promise<unknown> {
  const body = JSON.stringify(review);
  return new Promise((resolve, reject) => {
    const headers = {
      host,
      'content-type': 'application/json',
      accept: 'application/json',
      'content-length': Buffer.byteLength(body),
    };
    const req = request({ createConnection: () => socket, method: 'POST', path, headers, signal }, (res) => {
      let text = '';
      res.setEncoding('utf8');
      res.on('data', (chunk: string) => {
        text += chunk;
        if (text.length > MAX_ANSWER_BYTES) req.destroy(new Error('the answer is too large'));
      });
      res.on('error', reject);
      res.on('end', () => {
        if (res.statusCode !== 200)
          return reject(new Error(`the server responded with the status code ${res.statusCode}`));
        try {
          resolve(JSON.parse(text));
        } catch {
          reject(new Error('the answer is not JSON'));
        }
      });
    });
    req.on('error', (error) => reject(signal.aborted ? new Error('context deadline exceeded') : error));
    req.end(body);
  });
}
