import { isIP } from 'node:net';
import { posix } from 'node:path';
import { startInToolbox, type Toolbox } from '../container-shell.ts';
import { type HttpService, serveHttp } from '../http-service.ts';
import { goLogTime, printer, type Running, startProcess } from '../process.ts';
import { processTable } from '../process-table.ts';
import type { ContainerContext, Image, Process } from '../program.ts';
import { DEBIAN, passwd } from '../toolboxes.ts';
import { type NginxConfig, readConfig, type ServerBlock } from './config.ts';
import { Exchange } from './handle.ts';
import { ConfigFailure } from './syntax.ts';

const MAIN = `user  nginx;
worker_processes  auto;

error_log  /var/log/nginx/error.log notice;
pid        /run/nginx.pid;

events {
    worker_connections  1024;
}

http {
    include       /etc/nginx/mime.types;
    default_type  application/octet-stream;
    sendfile        on;
    keepalive_timeout  65;
    include /etc/nginx/conf.d/*.conf;
}
`;

const defaultSite = (port: number) => `server {
    listen       ${port};
    server_name  localhost;

    location / {
        root   /usr/share/nginx/html;
        index  index.html index.htm;
    }

    error_page   500 502 503 504  /50x.html;
    location = /50x.html {
        root   /usr/share/nginx/html;
    }
}
`;

const page = (title: string, text: string) =>
  `<!DOCTYPE html>\n<html>\n<head>\n<title>${title}</title>\n</head>\n<body>\n<h1>${title}</h1>\n<p>${text}</p>\n</body>\n</html>\n`;

const TOOLBOX: Toolbox = { shells: ['sh', 'bash', 'dash'], programs: new Set([...DEBIAN, 'curl']), dialect: 'dash' };

/** The version that a tag such as `1.29`, `1.27.3` or `1.29-alpine` stands for. */
function versionOf(image: string): string {
  const [, found] = /:(\d+\.\d+(?:\.\d+)?)/.exec(image) ?? [];
  if (!found) return '1.29.3';
  return found.split('.').length === 3 ? found : `${found}.3`;
}

/** nginx: static files, fixed answers and reverse proxying by its own configuration files. */
function startNginx(context: ContainerContext): Process {
  const { clock, files, net } = context;
  const version = versionOf(context.image);
  const stdout = printer(context, 'stdout');
  const stderr = printer(context, 'stderr');
  const log = (level: string, message: string) => stderr(`${goLogTime(clock.now())} [${level}] 1#1: ${message}`);
  const textOf = (path: string) => {
    const bytes = files.readFile(path);
    return bytes && Buffer.from(bytes).toString();
  };
  const listFiles = (pattern: string) => {
    const folder = posix.dirname(pattern);
    const name = new RegExp(`^${posix.basename(pattern).replaceAll('.', '\\.').replaceAll('*', '[^/]*')}$`);
    return (files.list(folder) ?? []).filter((entry) => name.test(entry)).map((entry) => posix.join(folder, entry));
  };

  return startProcess(context, async (running) => {
    if (context.argv.includes('-v') || context.argv.includes('-V')) {
      stderr(`nginx version: nginx/${version}`);
      return 0;
    }
    const main = context.argv[context.argv.indexOf('-c') + 1];
    const mainFile = context.argv.includes('-c') && main ? main : '/etc/nginx/nginx.conf';
    const isTest = context.argv.includes('-t');
    if (context.argv.includes('-s')) {
      const signal = { reload: 'SIGHUP', quit: 'SIGQUIT', stop: 'SIGTERM' }[
        context.argv[context.argv.indexOf('-s') + 1] ?? ''
      ];
      const master = processTable(context)
        .all()
        .find(({ pid }) => pid === 1);
      if (signal && master) {
        log('notice', 'signal process started');
        master.kill(signal as NodeJS.Signals);
        return 0;
      }
      stderr(
        signal
          ? 'nginx: [error] open() "/run/nginx.pid" failed (2: No such file or directory)'
          : 'nginx: invalid option: "-s"',
      );
      return 1;
    }
    try {
      const config = readConfig(mainFile, textOf, listFiles);
      const addresses = await resolveUpstreams(context, config);
      if (isTest) {
        stderr(`nginx: the configuration file ${mainFile} syntax is ok`);
        stderr(`nginx: configuration file ${mainFile} test is successful`);
        return 0;
      }
      let services = listen(context, running, config, addresses, version, stdout, stderr);
      log('notice', `using the "epoll" event method`);
      log('notice', `nginx/${version}`);
      log('notice', 'start worker processes');
      const stop = async (signal: string) => {
        log('notice', `signal ${signal} received, ${signal.startsWith('2') ? 'exiting' : 'shutting down'}`);
        await Promise.all(services.map((service) => service.drain()));
        log('notice', 'exit');
        running.exit(0);
      };
      // The image's stop signal is SIGQUIT, the graceful one; a node that sends SIGTERM means the same.
      running.onSignal('SIGQUIT', () => void stop('3 (SIGQUIT)'));
      running.onSignal('SIGTERM', () => void stop('3 (SIGQUIT)'));
      running.onSignal('SIGINT', () => running.exit(0));
      const reload = async () => {
        log('notice', 'signal 1 (SIGHUP) received, reconfiguring');
        try {
          const next = readConfig(mainFile, textOf, listFiles);
          const found = await resolveUpstreams(context, next);
          for (const service of services) void service.drain();
          services = listen(context, running, next, found, version, stdout, stderr);
        } catch (error) {
          // The old configuration stays in force.
          log('emerg', (error as Error).message);
        }
      };
      running.onSignal('SIGHUP', () => void reload());
    } catch (error) {
      const message = (error as Error).message;
      if (error instanceof ConfigFailure) {
        log('emerg', message);
        stderr(`nginx: [emerg] ${message}`);
      } else {
        const taken = (error as { code?: string }).code === 'EADDRINUSE';
        const text = taken
          ? `bind() to ${message.match(/:::(\d+)/)?.[1] ?? ''} failed (98: Address already in use)`
          : message;
        log('emerg', text);
      }
      if (isTest) stderr(`nginx: configuration file ${mainFile} test failed`);
      return 1;
    }
    return new Promise<number>((resolve) => running.onEnd(() => resolve(0)));
  });

  function listen(
    container: ContainerContext,
    running: Running,
    config: NginxConfig,
    addresses: ReadonlyMap<string, string[]>,
    release: string,
    access: (line: string) => void,
    errors: (line: string) => void,
  ): HttpService[] {
    let turn = 0;
    const ports = new Set(config.servers.flatMap(({ listens }) => listens.map(({ port }) => port)));
    return [...ports].map((port) => {
      const own = config.servers.filter(({ listens }) => listens.some((each) => each.port === port));
      const http2 = own.some(({ listens }) => listens.some((each) => each.port === port && each.http2));
      const service = serveHttp(
        net,
        port,
        (request, response) => {
          const server = choose(own, port, String(request.headers.host ?? request.headers[':authority'] ?? ''));
          const exchange: Exchange = new Exchange({
            context: container,
            version: release,
            server,
            request,
            response,
            addresses,
            turn: turn++,
            onError: (message) => {
              const [what, upstream] = message.split(/, (?=upstream: )/);
              const where = `client: ${exchange.variable('remote_addr')}, server: ${server.names[0] ?? ''}, request: "${exchange.variable('request')}"`;
              const rest = [upstream, `host: "${request.headers.host ?? ''}"`].filter(Boolean).join(', ');
              errors(`${goLogTime(clock.now())} [error] 29#29: *${turn} ${what}, ${where}, ${rest}`);
            },
          });
          response.once('close', () => {
            if (server.accessLog === false) return;
            const v = (name: string) => exchange.variable(name) || '-';
            access(
              `${v('remote_addr')} - - [${commonLogTime(clock.now())}] "${v('request')}" ${v('status')} ${exchange.sent} "${v('http_referer')}" "${v('http_user_agent')}" "${v('http_x_forwarded_for')}"`,
            );
          });
          exchange.run().catch(() => response.destroy());
        },
        { http2 },
      );
      running.onEnd(() => service.close());
      return service;
    });
  }
}

/** Which server of a port answers for a host: its name, a wildcard, the default one, the first. */
function choose(servers: ServerBlock[], port: number, authority: string): ServerBlock {
  const host = authority.replace(/:\d+$/, '').toLowerCase();
  const wild = (name: string) =>
    name.startsWith('*.') ? host.endsWith(name.slice(1)) : name.startsWith('~') && new RegExp(name.slice(1)).test(host);
  return (
    servers.find(({ names }) => names.includes(host)) ??
    servers.find(({ names }) => names.some(wild)) ??
    servers.find(({ listens }) => listens.some((each) => each.port === port && each.isDefault)) ??
    servers[0]!
  );
}

/** nginx looks names up once, when it starts, and does not start when it cannot find one. */
async function resolveUpstreams(context: ContainerContext, config: NginxConfig): Promise<Map<string, string[]>> {
  const found = new Map<string, string[]>();
  for (const server of config.servers) {
    for (const { proxyPass } of [server, ...server.locations]) {
      if (!proxyPass) continue;
      for (const { host } of proxyPass.upstream?.servers ?? [proxyPass]) {
        if (isIP(host) || host.includes('$') || found.has(host)) continue;
        try {
          found.set(host, await context.net.resolve(host));
        } catch {
          throw new ConfigFailure(`host not found in upstream "${host}"`, proxyPass.at);
        }
      }
    }
  }
  return found;
}

/** `24/Nov/2026:10:03:05 +0000` */
function commonLogTime(ms: number): string {
  const [, day, month, year, time] = /^\w+, (\d+) (\w+) (\d+) (\S+)/.exec(new Date(ms).toUTCString())!;
  return `${day}/${month}/${year}:${time} +0000`;
}

/** `*.template` files become configuration, with the container's variables put in. */
function applyTemplates(context: ContainerContext): void {
  const folder = '/etc/nginx/templates';
  for (const name of context.files.list(folder) ?? []) {
    const content = context.files.readFile(`${folder}/${name}`);
    if (!name.endsWith('.template') || !content) continue;
    const text = Buffer.from(content)
      .toString()
      .replace(/\$\{(\w+)\}|\$(\w+)/g, (all, braced?: string, bare?: string) => context.env[braced ?? bare!] ?? all);
    context.files.writeFile(`/etc/nginx/conf.d/${name.slice(0, -'.template'.length)}`, text);
  }
}

function image(repository: string, port: number, user: number): Image {
  return {
    repository,
    summary: `web server and reverse proxy: default page on port ${port}, own /etc/nginx/conf.d and html`,
    entrypoint: ['/docker-entrypoint.sh'],
    cmd: ['nginx', '-g', 'daemon off;'],
    user,
    env: { NGINX_VERSION: '1.29.3', HOME: user === 0 ? '/root' : '/nonexistent' },
    workingDir: '/',
    hasShell: true,
    files: {
      '/etc/nginx/nginx.conf': MAIN,
      '/etc/nginx/conf.d/default.conf': defaultSite(port),
      '/usr/share/nginx/html/index.html': page(
        'Welcome to nginx!',
        'The web server runs and serves this page, because nobody has given it another one.',
      ),
      '/usr/share/nginx/html/50x.html': page('An error occurred.', 'The page is not available now.'),
      '/etc/passwd': passwd('nginx:x:101:101:nginx user:/nonexistent:/bin/false'),
      '/etc/os-release': 'PRETTY_NAME="Debian GNU/Linux 13 (trixie)"\nNAME="Debian GNU/Linux"\nID=debian\n',
    },
    start(context) {
      const isEntry = context.argv[0] === '/docker-entrypoint.sh';
      const argv = isEntry ? context.argv.slice(1) : context.argv;
      const name = posix.basename(argv[0] ?? '');
      if (name !== 'nginx' && name !== 'nginx-debug') return startInToolbox({ ...context, argv }, TOOLBOX);
      if (isEntry) {
        applyTemplates(context);
        printer(context, 'stdout')('/docker-entrypoint.sh: Configuration complete; ready for start up');
      }
      return startNginx({ ...context, argv });
    },
  };
}

export const nginxImages: Image[] = [image('nginx', 80, 0), image('nginxinc/nginx-unprivileged', 8080, 101)];
