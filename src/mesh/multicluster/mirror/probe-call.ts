import { request } from 'node:http';
import type { ContainerContext } from '#kube/images/program.ts';

/** `GET url` from the pod, on a connection of its own; resolves with the status. Rejects when nothing came in time. */
export async function probeCall(
  { net, uid, clock }: Pick<ContainerContext, 'net' | 'uid' | 'clock'>,
  url: string,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<number> {
  const { hostname, port, pathname, search, host } = new URL(url);
  const late = new AbortController();
  const timer = clock.setTimeout(() => late.abort(new Error('context deadline exceeded')), timeoutMs);
  const ended = AbortSignal.any([signal, late.signal]);
  try {
    const connection = await net.dial(hostname, Number(port || 80), { uid, signal: ended });
    const stop = () => connection.destroy();
    ended.addEventListener('abort', stop, { once: true });
    try {
      return await new Promise<number>((resolve, reject) => {
        const call = request(
          {
            createConnection: () => connection as never,
            path: `${pathname}${search}`,
            setHost: false,
            headers: { host, 'user-agent': 'Go-http-client/1.1', 'accept-encoding': 'gzip' },
          },
          (response) => {
            response.resume();
            resolve(response.statusCode ?? 0);
          },
        );
        call.on('error', reject);
        call.end();
      });
    } finally {
      connection.destroy();
    }
  } catch (error) {
    throw late.signal.aborted ? late.signal.reason : error;
  } finally {
    timer.cancel();
  }
}
