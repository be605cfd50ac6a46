import { rfc3339 } from '#base/rfc3339.ts';
import { GoFlagError, parseGoDuration, parseGoFlags } from './go-flags.ts';
import { startGoProgram } from './go-program.ts';
import { goDialError, httpCall } from './http-call.ts';
import { ended, printer } from './process.ts';
import type { ContainerContext, Image, Process } from './program.ts';

const FLAGS = {
  qps: 'int',
  concurrency: 'int',
  host: 'string',
  method: 'string',
  interval: 'string',
  noreuse: 'bool',
  compress: 'bool',
  noLatencySummary: 'bool',
  help: 'bool',
  totalRequests: 'int',
  header: 'string',
  data: 'string',
  'metric-addr': 'string',
} as const;

const pad = (value: number, width: number): string => String(value).padStart(width);

function startSlowCooker(context: ContainerContext): Process {
  const stderr = printer(context, 'stderr');
  const usage = (message: string) => {
    stderr(message);
    stderr('Try --help for help.');
    return ended(64);
  };
  let flags: ReturnType<typeof parseGoFlags>;
  try {
    flags = parseGoFlags(context.argv.slice(1), FLAGS);
  } catch (error) {
    stderr(error instanceof GoFlagError ? error.message : String(error));
    return ended(2);
  }
  const { values, args } = flags;
  const [url] = args;
  if (args.length !== 1 || !url || !URL.canParse(url))
    return usage('Expecting one argument: the target url to test, e.g. http://localhost:4140/');
  const qps = Number(values.get('qps') ?? 1);
  const concurrency = Number(values.get('concurrency') ?? 1);
  if (qps < 1) return usage('qps must be at least 1');
  if (concurrency < 1) return usage('concurrency must be at least 1');
  const intervalText = values.get('interval') ?? '10s';
  const intervalMs = parseGoDuration(intervalText) ?? 10_000;
  const total = Number(values.get('totalRequests') ?? 0);
  const method = values.get('method') ?? 'GET';
  const hosts = (values.get('host') ?? '').split(',');
  const [headerName = '', headerValue = ''] = (values.get('header') ?? '').split(/:\s*(.*)/s);

  return startGoProgram(context, ({ running, print }) => {
    const { clock } = context;
    let good = 0;
    let bad = 0;
    let failed = 0;
    let sent = 0;
    let latencies: number[] = [];
    const send = async () => {
      const host = hosts[Math.floor(Math.random() * hosts.length)]!;
      const headers: Record<string, string> = { 'Sc-Req-Id': String(++sent) };
      if (host) headers['host'] = host;
      if (headerName) headers[headerName] = headerValue;
      const began = performance.now();
      try {
        const data = values.get('data');
        const { status } = await httpCall(context, url, {
          method,
          headers,
          ...(data ? { body: data } : {}),
          signal: running.signal,
        });
        latencies.push(Math.floor(performance.now() - began));
        if (status >= 200 && status < 500) good++;
        else bad++;
      } catch (error) {
        if (running.signal.aborted) return;
        failed++;
        stderr(`${method} ${JSON.stringify(url)}: ${goDialError(error, new URL(url).host)}`);
      }
    };
    const goal = Math.floor((qps * concurrency * intervalMs) / 1_000);
    const report = () => {
      const sorted = latencies.sort((a, b) => a - b);
      const at = (quantile: number) => sorted[Math.min(sorted.length - 1, Math.floor(quantile * sorted.length))] ?? 0;
      const reached = Math.min(100, Math.floor(((good + bad) / goal) * 100));
      const time = rfc3339(clock.now());
      const spread = `${pad(at(0), 3)} [${pad(at(0.5), 3)} ${pad(at(0.95), 3)} ${pad(at(0.99), 3)} ${pad(at(0.999), 4)} ] ${pad(sorted.at(-1) ?? 0, 4)}`;
      print(
        `${time} ${pad(good, 6)}/${bad}/${failed} ${goal} ${pad(reached, 3)}% ${intervalText} ${spread} ${pad(0, 6)} `,
      );
      good = 0;
      bad = 0;
      failed = 0;
      latencies = [];
      if (total > 0 && sent > total) running.exit(0);
    };
    print(`# sending ${qps * concurrency} ${method} req/s with concurrency=${concurrency} to ${url} ...`);
    print(
      `# ${' '.repeat(20)} good/b/f t   goal% ${' '.repeat(intervalText.length - 2)} min [p50 p95 p99  p999]  max bhash change`,
    );
    // A loop, not an interval: a clock that is moved by a day must not send a day's requests.
    const sendOn = async () => {
      while (!running.signal.aborted) {
        const due = clock.now() + 1_000 / qps;
        await send();
        await clock.sleep(Math.max(0, due - clock.now()), running.signal).catch(() => {});
      }
    };
    for (let i = 0; i < concurrency; i++) void sendOn();
    const reports = clock.setInterval(report, intervalMs);
    running.onEnd(() => reports.cancel());
    running.onSignal('SIGINT', () => running.exit(0));
  });
}

/** `buoyantio/slow_cooker`: steady load, with a line about it every interval. */
export const slowCookerImages: Image[] = ['buoyantio/slow_cooker', 'ghcr.io/buoyantio/slow_cooker'].map(
  (repository) => ({
    repository,
    summary: 'steady load on a URL: -qps, -concurrency, -interval, -host',
    entrypoint: ['/slow_cooker/slow_cooker'],
    cmd: [],
    user: 0,
    workingDir: '/',
    hasShell: false,
    start: (context) => (context.argv[0]?.split('/').at(-1) === 'slow_cooker' ? startSlowCooker(context) : undefined),
  }),
);
