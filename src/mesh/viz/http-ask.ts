import { request } from 'node:http';
import type { Duplex } from 'node:stream';
import type { ContainerContext } from '#kube/images/program.ts';

export interface Asked {
  timeoutMs: number;
  signal?: AbortSignal;
  headers?: Record<string, string>;
  /** Posted as a form. */
  form?: Record<string, string>;
}

/** One HTTP/1 request from a program's pod, on a connection of its own. Rejects with the socket's error, or when it takes too long. */
export async function httpAsk(
  { net, uid, clock }: Pick<ContainerContext, 'net' | 'uid' | 'clock'>,
  url: string,
  { timeoutMs, signal, headers = {}, form }: Asked,
): Promise<{ status: number; reason: string; body: string }> {
  const { hostname, port, pathname, search, host } = new URL(url);
  const late = new AbortController();
  const timer = clock.setTimeout(() => late.abort(new Error('context deadline exceeded')), timeoutMs);
  const ended = signal ? AbortSignal.any([signal, late.signal]) : late.signal;
  try {
    const connection = await net.dial(hostname, Number(port || 80), { uid, signal: ended });
    const stop = () => connection.destroy(ended.reason);
    ended.addEventListener('abort', stop, { once: true });
    try {
      return await exchange(connection, { path: `${pathname}${search}`, headers: { host, ...headers } }, form);
    } finally {
      ended.removeEventListener('abort', stop);
      connection.destroy();
    }
  } finally {
    timer.cancel();
  }
}

/** A question and its answer on a connection. */
export function exchange(
  connection: Duplex,
  options: { path: string; headers: Record<string, string> },
  form: Record<string, string> | undefined,
): Promise<{ status: number; reason: string; body: string }> {
  const text = form && new URLSearchParams(form).toString();
  const type = form ? { 'content-type': 'application/x-www-form-urlencoded' } : {};
  return new Promise((resolve, reject) => {
    const call = request(
      {
        ...options,
        method: form ? 'POST' : 'GET',
        headers: { connection: 'close', ...options.headers, ...type },
        createConnection: () => connection as never,
      },
      (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('error', reject);
        response.on('end', () => {
          const { statusCode: status = 0, statusMessage: reason = '' } = response;
          resolve({ status, reason, body: Buffer.concat(chunks).toString() });
        });
      },
    );
    call.on('error', reject);
    call.end(text);
  });
}
