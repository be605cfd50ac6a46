import { request } from 'node:http';
import type { KubeClient } from '#kube/client/client.ts';

/** One series of a proxy's metrics. */
export interface Series {
  name: string;
  labels: Record<string, string>;
  value: number;
}

const ADMIN_PORT = 4191;
const TIMEOUT_MS = 3_000;

/** The metrics of a pod's proxy, from its admin port. Rejects when it does not answer. */
export async function proxyMetrics(client: KubeClient, namespace: string, pod: string): Promise<Series[]> {
  const signal = AbortSignal.timeout(TIMEOUT_MS);
  const stream = await client.portForward(namespace, pod, ADMIN_PORT, signal);
  try {
    return parseMetrics(await get(stream as import('node:net').Socket, signal));
  } finally {
    stream.destroy();
  }
}

function get(socket: import('node:net').Socket, signal: AbortSignal): Promise<string> {
  return new Promise((resolve, reject) => {
    const headers = { host: `localhost:${ADMIN_PORT}`, connection: 'close' };
    const call = request({ createConnection: () => socket, path: '/metrics', headers, signal }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', reject);
      response.on('end', () => {
        if (response.statusCode === 200) resolve(Buffer.concat(chunks).toString('utf8'));
        else reject(new Error(`the proxy's metrics were answered ${response.statusCode}`));
      });
    });
    call.on('error', reject);
    call.end();
  });
}

/** The text format of Prometheus, as far as proxies use it. */
export function parseMetrics(text: string): Series[] {
  return text.split('\n').flatMap((line) => {
    const found = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})?\s+(\S+)/.exec(line);
    if (!found) return [];
    const labels = Object.fromEntries(
      [...(found[2] ?? '').matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)].map(([, key, value]) => [
        key!,
        value!.replace(/\\(.)/g, (_, c: string) => (c === 'n' ? '\n' : c)),
      ]),
    );
    return [{ name: found[1]!, labels, value: Number(found[3]) }];
  });
}
