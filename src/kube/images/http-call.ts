import { type IncomingHttpHeaders, type IncomingMessage, request } from 'node:http';
import { isIP } from 'node:net';
import type { Connection } from '#kube/network/network.ts';
import type { ContainerContext } from './program.ts';

export interface CallOptions {
  method?: string;
  headers?: Record<string, string>;
  body?: string | Uint8Array;
  signal?: AbortSignal;
  /** Of the cluster's clock; rejects with code ETIMEDOUT. */
  timeoutMs?: number;
}

export interface CallResult {
  status: number;
  reason: string;
  headers: IncomingHttpHeaders;
  body: Buffer;
}

type Dialler = Pick<ContainerContext, 'net' | 'uid' | 'clock'>;

/** One HTTP/1.1 request from a container on a connection of its own. Rejects with the socket's error. */
export async function httpCall(context: Dialler, url: string, options: CallOptions = {}): Promise<CallResult> {
  const { response, connection } = await httpOpen(context, url, options);
  const chunks: Buffer[] = [];
  try {
    for await (const chunk of response) chunks.push(chunk as Buffer);
  } finally {
    connection.destroy();
  }
  const { statusCode: status = 0, statusMessage: reason = '', headers } = response;
  return { status, reason, headers, body: Buffer.concat(chunks) };
}

/** The same, up to the headers of the answer; the caller reads the body and destroys the connection. */
export async function httpOpen(
  context: Dialler,
  url: string,
  options: CallOptions = {},
): Promise<{ response: IncomingMessage; connection: Connection }> {
  const { protocol, hostname, port, pathname, search, host } = new URL(url);
  if (protocol !== 'http:') throw new Error(`unsupported protocol scheme ${JSON.stringify(protocol.slice(0, -1))}`);
  const target = hostname.replace(/^\[|\]$/g, '');
  const done = new AbortController();
  const timer =
    options.timeoutMs === undefined
      ? undefined
      : context.clock.setTimeout(
          () => done.abort(Object.assign(new Error('timed out'), { code: 'ETIMEDOUT' })),
          options.timeoutMs,
        );
  const signal = options.signal ? AbortSignal.any([options.signal, done.signal]) : done.signal;
  let connection: Connection | undefined;
  const stop = () => connection?.destroy();
  signal.addEventListener('abort', stop, { once: true });
  try {
    connection = await context.net.dial(target, Number(port || 80), { uid: context.uid, signal });
    const opened = connection;
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      const sent = request(
        {
          method: options.method ?? 'GET',
          path: `${pathname}${search}`,
          host: isIP(target) === 6 ? `[${target}]` : target,
          setHost: false,
          headers: { host, ...options.headers },
          createConnection: () => opened as never,
        },
        resolve,
      );
      // Go's client, which most callers stand for, sends no Connection header.
      if (!options.headers?.['connection']) sent.removeHeader('connection');
      sent.on('error', reject);
      sent.end(options.body);
    });
    return { response, connection };
  } catch (error) {
    connection?.destroy();
    signal.throwIfAborted();
    throw error;
  } finally {
    timer?.cancel();
  }
}

/** What Go's net package says of a failed dial: `dial tcp: lookup x: no such host`, `dial tcp 10.0.0.1:80: connect: …`. */
export function goDialError(error: unknown, host: string): string {
  const { code, message } = error as { code?: string; message: string };
  const address = /(\d+\.\d+\.\d+\.\d+:\d+)/.exec(message)?.[1] ?? host;
  if (code === 'ENOTFOUND') return `dial tcp: lookup ${host.replace(/:\d+$/, '')} on 10.96.0.10:53: no such host`;
  if (code === 'ECONNREFUSED') return `dial tcp ${address}: connect: connection refused`;
  if (code === 'EHOSTUNREACH') return `dial tcp ${address}: connect: no route to host`;
  if (code === 'ETIMEDOUT') return `dial tcp ${address}: i/o timeout`;
  if (code === 'ECONNRESET') return `read tcp ${address}: read: connection reset by peer`;
  return message;
}
