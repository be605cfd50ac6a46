import { type HttpExchange, startGoProgram } from './go-program.ts';
import { remoteAddress } from './http-service.ts';
import type { ContainerContext, Image } from './program.ts';

interface SmallServer {
  repository: string;
  summary: string;
  entrypoint: string;
  port(context: ContainerContext): number;
  answer(exchange: HttpExchange, context: ContainerContext): void;
  starting?(context: ContainerContext, port: number): string;
}

const TEXT = { 'Content-Type': 'text/plain; charset=utf-8' };
const hostOf = ({ env, pod }: ContainerContext): string => env['HOSTNAME'] ?? pod.name;
const flag = ({ argv }: ContainerContext, pattern: RegExp): number | undefined => {
  const [, found] = pattern.exec(argv.join(' ')) ?? [];
  return found === undefined ? undefined : Number(found);
};

const canonical = (name: string): string => name.replace(/(^|-)[a-z]/g, (part) => part.toUpperCase());

const SERVERS: SmallServer[] = [
  {
    repository: 'ghcr.io/olix0r/hokay',
    summary: 'answers every request with 204 (port 8080)',
    entrypoint: '/hokay',
    port: (context) => flag(context, /--port[= ](\d+)/) ?? 8080,
    answer: ({ reply }) => reply(204, ''),
  },
  {
    repository: 'traefik/whoami',
    summary: 'tells of the request, its sender and itself (port 80)',
    entrypoint: '/whoami',
    port: (context) => flag(context, /--?port[= ](\d+)/) ?? Number(context.env['WHOAMI_PORT_NUMBER'] ?? 80),
    starting: (_context, port) => `Starting up on port ${port}`,
    answer({ url, request, reply }, context) {
      if (url.pathname === '/health') return reply(200, '');
      if (url.pathname === '/api') {
        const told = {
          hostname: hostOf(context),
          ip: ['127.0.0.1', context.net.ip],
          headers: request.headers,
          url: request.url,
        };
        return reply(200, `${JSON.stringify({ ...told, host: request.headers.host, method: request.method })}\n`, {
          'Content-Type': 'application/json',
        });
      }
      const headers = Object.entries(request.headers)
        .filter(([name]) => name !== 'host')
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .map(([name, value]) => `${canonical(name)}: ${value}\n`);
      const name = context.env['WHOAMI_NAME'];
      reply(
        200,
        `${name ? `Name: ${name}\n` : ''}Hostname: ${hostOf(context)}\nIP: 127.0.0.1\nIP: ${context.net.ip}\nRemoteAddr: ${remoteAddress(request)}\n${request.method} ${request.url} HTTP/1.1\nHost: ${request.headers.host}\n${headers.join('')}\n`,
        TEXT,
      );
    },
  },
  ...['gcr.io/google-samples/hello-app', 'us-docker.pkg.dev/google-samples/containers/gke/hello-app'].map(
    (repository): SmallServer => ({
      repository,
      summary: 'says hello with its version and host name (port 8080, PORT)',
      entrypoint: '/hello-app',
      port: ({ env }) => Number(env['PORT'] ?? 8080),
      starting: (_context, port) => `Server listening on port ${port}`,
      answer({ reply }, context) {
        const version = /:(\d+)\.(\d+)$/.exec(context.image);
        const text = version ? `${version[1]}.${version[2]}.0` : '1.0.0';
        reply(200, `Hello, world!\nVersion: ${text}\nHostname: ${hostOf(context)}\n`, TEXT);
      },
    }),
  ),
];

/** Servers of one answer. */
export const smallServerImages: Image[] = SERVERS.map((server) => ({
  repository: server.repository,
  summary: server.summary,
  entrypoint: [server.entrypoint],
  cmd: [],
  user: 0,
  workingDir: '/',
  hasShell: false,
  start(context) {
    if (context.argv[0] !== server.entrypoint) return undefined;
    return startGoProgram(context, (program) => {
      const port = server.port(context);
      const line = server.starting?.(context, port);
      if (line) program.log(line);
      program.http(port, (exchange) => {
        exchange.request.resume();
        server.answer(exchange, context);
      });
    });
  },
}));
