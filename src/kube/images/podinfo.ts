import { randomUUID } from 'node:crypto';
import { GoFlagError, parseGoFlags } from './go-flags.ts';
import { type GoProgram, type HttpExchange, startGoProgram } from './go-program.ts';
import { healthMethods, serveGrpc } from './grpc/server.ts';
import { goDialError, httpCall } from './http-call.ts';
import { bodyOf, drained } from './http-service.ts';
import { ended, printer } from './process.ts';
import type { ContainerContext, Image, Process } from './program.ts';

const FLAGS = {
  host: 'string',
  port: 'int',
  'port-metrics': 'int',
  'grpc-port': 'int',
  'grpc-service-name': 'string',
  level: 'string',
  'backend-url': 'string',
  'ui-message': 'string',
  'ui-color': 'string',
  'ui-logo': 'string',
  'random-delay': 'bool',
  'random-delay-max': 'int',
  'random-delay-min': 'int',
  'random-delay-unit': 'string',
  'random-error': 'bool',
  unhealthy: 'bool',
  unready: 'bool',
} as const;

const JSON_TYPE = { 'Content-Type': 'application/json; charset=utf-8', 'X-Content-Type-Options': 'nosniff' };
const SHUTDOWN_MS = 5_000;
const RANDOM_STATUSES = [400, 409, 500];

const pretty = (value: unknown): string => JSON.stringify(value, null, 2);

function startPodinfo(context: ContainerContext): Process {
  let values: Map<string, string>;
  try {
    ({ values } = parseGoFlags(context.argv.slice(1), FLAGS));
  } catch (error) {
    printer(context, 'stderr')(error instanceof GoFlagError ? `Error: ${error.message}` : String(error));
    return ended(2);
  }
  return startGoProgram(context, (program) => run(program, values));
}

function run(program: GoProgram, values: Map<string, string>): void {
  const { context, running } = program;
  const { clock, env } = context;
  const setting = (name: string, otherwise: string) =>
    values.get(name) ?? env[`PODINFO_${name.toUpperCase().replaceAll('-', '_')}`] ?? otherwise;
  const version = /:v?(\d+\.\d+\.\d+)/.exec(context.image)?.[1] ?? '6.9.2';
  const hostname = env['HOSTNAME'] ?? context.pod.name;
  const port = Number(setting('port', '9898'));
  const isRandom = {
    error: setting('random-error', 'false') === 'true',
    delay: setting('random-delay', 'false') === 'true',
  };
  let healthy = setting('unhealthy', 'false') !== 'true';
  let ready = setting('unready', 'false') !== 'true';
  let requests = 0;

  const log = (level: string, message: string, fields: Record<string, unknown> = {}) => {
    const ts = new Date(clock.now()).toISOString();
    program.print(JSON.stringify({ level, ts, caller: 'podinfo', msg: message, ...fields }));
  };
  const about = () => ({
    hostname,
    version,
    revision: 'unknown',
    color: setting('ui-color', '#34577c'),
    logo: setting('ui-logo', ''),
    message: setting('ui-message', `greetings from podinfo v${version}`),
    goos: 'linux',
    goarch: 'amd64',
    runtime: 'go1.25.1',
    num_goroutine: '8',
    num_cpu: '2',
  });
  const state = (good: boolean, { reply }: HttpExchange) =>
    good ? reply(200, pretty({ status: 'OK' }), JSON_TYPE) : reply(503, '');

  const echo = async (exchange: HttpExchange) => {
    const backends = setting('backend-url', '').split(',').filter(Boolean);
    const body = await bodyOf(exchange.request);
    if (backends.length === 0) return exchange.reply(202, body, { 'Content-Type': 'text/plain; charset=utf-8' });
    const answers = await Promise.all(
      backends.map(async (url) => {
        try {
          return (await httpCall(context, url, { method: 'POST', body, signal: running.signal })).body.toString();
        } catch (error) {
          return `backend call failed: ${goDialError(error, new URL(url).host)}`;
        }
      }),
    );
    exchange.reply(202, pretty(answers), JSON_TYPE);
  };

  const routes: Record<string, (exchange: HttpExchange) => void | Promise<void>> = {
    '/': ({ request, reply }) => {
      const isBrowser = String(request.headers['user-agent'] ?? '').includes('Mozilla');
      const { message, color } = about();
      if (!isBrowser) return reply(200, pretty(about()), JSON_TYPE);
      const page = `<!DOCTYPE html>\n<html><head><title>podinfo</title></head><body style="background:${color}"><h1>${message}</h1><p>${hostname}</p></body></html>\n`;
      reply(200, page, { 'Content-Type': 'text/html; charset=utf-8' });
    },
    '/api/info': ({ reply }) => reply(200, pretty(about()), JSON_TYPE),
    '/version': ({ reply }) => reply(200, pretty({ commit: 'unknown', version }), JSON_TYPE),
    '/healthz': (exchange) => state(healthy, exchange),
    '/readyz': (exchange) => state(ready, exchange),
    '/readyz/enable': ({ reply }) => {
      ready = true;
      reply(202, '');
    },
    '/readyz/disable': ({ reply }) => {
      ready = false;
      reply(202, '');
    },
    '/healthz/disable': ({ reply }) => {
      healthy = false;
      reply(202, '');
    },
    '/env': ({ reply }) =>
      reply(200, pretty(Object.entries(env).map(([name, value]) => `${name}=${value}`)), JSON_TYPE),
    '/headers': ({ request, reply }) => reply(200, pretty(request.headers), JSON_TYPE),
    '/echo': echo,
    '/api/echo': echo,
    '/panic': () => {
      log('fatal', 'Panic command received');
      running.exit(255);
    },
    '/token': ({ reply }) => reply(200, pretty({ token: randomUUID() }), JSON_TYPE),
    '/metrics': ({ reply }) =>
      reply(200, `# TYPE http_requests_total counter\nhttp_requests_total ${requests}\n`, {
        'Content-Type': 'text/plain; version=0.0.4; charset=utf-8',
      }),
  };

  const service = program.http(
    port,
    async (exchange) => {
      const { url, request, reply } = exchange;
      requests++;
      log('debug', 'request started', {
        proto: `HTTP/${request.httpVersion}`,
        uri: request.url,
        method: request.method,
      });
      const isProbe = /^\/(healthz|readyz|metrics)/.test(url.pathname);
      if (isRandom.delay && !isProbe) {
        const [low, high] = [Number(setting('random-delay-min', '0')), Number(setting('random-delay-max', '5'))];
        const unit = setting('random-delay-unit', 's') === 'ms' ? 1 : 1_000;
        await clock.sleep((low + Math.random() * (high - low)) * unit, running.signal).catch(() => {});
      }
      if (isRandom.error && !isProbe && Math.random() < 1 / 3) {
        return reply(RANDOM_STATUSES[Math.floor(Math.random() * RANDOM_STATUSES.length)]!, '');
      }
      const route = routes[url.pathname];
      if (route) return route(exchange);
      const [, status] = /^\/status\/(\d{3})$/.exec(url.pathname) ?? [];
      if (status) return reply(Number(status), pretty({ status: Number(status) }), JSON_TYPE);
      const [, seconds] = /^\/delay\/(\d+)$/.exec(url.pathname) ?? [];
      if (seconds) {
        await clock.sleep(Number(seconds) * 1_000, running.signal).catch(() => {});
        return reply(200, pretty({ delay: Number(seconds) }), JSON_TYPE);
      }
      reply(404, '404 page not found\n');
    },
    { http2: true },
  );
  if (!service) return;
  const grpcPort = Number(setting('grpc-port', '0'));
  if (grpcPort > 0) {
    const name = setting('grpc-service-name', 'podinfo');
    const grpc = serveGrpc(
      context.net,
      grpcPort,
      healthMethods((asked) => (asked === '' || asked === name ? healthy : undefined)),
    );
    running.onEnd(() => grpc.close());
    log('info', 'Starting GRPC Server.', { addr: `:${grpcPort}` });
  }
  log('info', 'Starting podinfo', { version, revision: 'unknown', port: String(port) });
  log('info', 'Starting HTTP Server.', { addr: `:${port}` });
  const stop = async () => {
    ready = false;
    log('info', 'Shutting down HTTP/HTTPS server', { timeout: SHUTDOWN_MS / 1_000 });
    await drained(service, clock, SHUTDOWN_MS, running.signal);
    running.exit(0);
  };
  running.onSignal('SIGTERM', () => void stop());
  running.onSignal('SIGINT', () => void stop());
}

/** podinfo: a small web service with switches for every kind of trouble. */
export const podinfoImages: Image[] = [
  'stefanprodan/podinfo',
  'ghcr.io/stefanprodan/podinfo',
  'quay.io/stefanprodan/podinfo',
].map((repository) => ({
  repository,
  summary: 'a small web service with version, delays, errors and health to switch (port 9898)',
  entrypoint: [],
  cmd: ['./podinfo'],
  user: 100,
  workingDir: '/home/app',
  hasShell: false,
  start: (context) => (context.argv[0]?.split('/').at(-1) === 'podinfo' ? startPodinfo(context) : undefined),
}));
