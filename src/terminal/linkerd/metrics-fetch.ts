import { request } from 'node:http';
import type { KubeObject } from '#kube/api/types.ts';
import type { Invocation } from './verb.ts';

const ANSWER_MS = 30_000;

/** `GET /metrics` on a port of a pod, over a port-forward. */
export async function fetchMetrics(
  { client, clock, context }: Pick<Invocation, 'client' | 'clock' | 'context'>,
  pod: KubeObject,
  port: number,
): Promise<string> {
  const stream = await client.portForward(pod.metadata.namespace ?? '', pod.metadata.name ?? '', port, context.signal);
  return new Promise((resolve, reject) => {
    const call = request(
      {
        createConnection: () => stream as never,
        path: '/metrics',
        headers: { host: `localhost:${port}`, connection: 'close' },
      },
      (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('error', reject);
        response.on('end', () => {
          timer.cancel();
          stream.destroy();
          if (response.statusCode === 200) resolve(Buffer.concat(chunks).toString());
          else reject(new Error(`unexpected status ${response.statusCode}`));
        });
      },
    );
    const timer = clock.setTimeout(() => call.destroy(new Error('timed out')), ANSWER_MS);
    call.on('error', (error) => {
      timer.cancel();
      stream.destroy();
      reject(error);
    });
    call.end();
  });
}
