import { request } from 'node:http';
import { parseGoDuration } from '#base/go-duration.ts';
import type { ContainerContext, Process } from '#kube/images/program.ts';

const PERIOD_MS = 1_000;

/** linkerd-await: ends when the pod's proxy is ready, with 69 when it is not within the timeout. */
export function startAwait(context: ContainerContext): Process {
  const { clock, net } = context;
  const given = (name: string) => context.argv.find((word) => word.startsWith(`--${name}=`))?.slice(name.length + 3);
  const port = Number(given('port') ?? 4191);
  const timeoutMs = parseGoDuration(given('timeout')) ?? Number.POSITIVE_INFINITY;
  const abort = new AbortController();
  const ready = async (): Promise<boolean> => {
    const connection = await net.dial('127.0.0.1', port, { uid: context.uid });
    return new Promise((resolve) => {
      const sent = request(
        { path: '/ready', host: 'localhost', createConnection: () => connection as never },
        (got) => {
          got.resume();
          connection.destroy();
          resolve(got.statusCode === 200);
        },
      );
      sent.on('error', () => resolve(false));
      sent.end();
    });
  };
  const wait = async (): Promise<number> => {
    const until = clock.now() + timeoutMs;
    while (!abort.signal.aborted) {
      if (await ready().catch(() => false)) return 0;
      if (clock.now() + PERIOD_MS > until) return 69;
      await clock.sleep(PERIOD_MS, abort.signal).catch(() => {});
    }
    return 143;
  };
  return { exited: wait(), kill: () => abort.abort() };
}
