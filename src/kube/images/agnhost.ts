import { startInToolbox, type Toolbox } from './container-shell.ts';
import { goJson, startGoProgram } from './go-program.ts';
import { healthMethods, serveGrpc } from './grpc/server.ts';
import { bodyOf, remoteAddress } from './http-service.ts';
import { ended, printer, startProcess } from './process.ts';
import type { ContainerContext, Image, Process } from './program.ts';
import { BUSYBOX, passwd } from './toolboxes.ts';

const TOOLBOX: Toolbox = { shells: ['sh', 'ash', 'bash'], programs: new Set([...BUSYBOX, 'curl']), dialect: 'ash' };

function flag(context: ContainerContext, name: string, otherwise: string): string {
  for (const [index, word] of context.argv.entries()) {
    if (word.startsWith(`--${name}=`)) return word.slice(name.length + 3);
    if (word === `--${name}`) return context.argv[index + 1] ?? otherwise;
  }
  return otherwise;
}

/** A server for network tests: who am I, who are you, echo, a chosen status. */
function startNetexec(context: ContainerContext): Process {
  return startGoProgram(context, (program) => {
    const port = Number(flag(context, 'http-port', '8080'));
    program.log(`Started HTTP server on port ${port}`);
    program.http(port, async ({ request, url, reply }) => {
      const { pathname, searchParams } = url;
      program.log(`GET ${pathname}`);
      if (pathname === '/hostname' || pathname === '/hostName')
        return reply(200, context.env['HOSTNAME'] ?? context.pod.name);
      if (pathname === '/clientip') return reply(200, remoteAddress(request));
      if (pathname === '/echo') return reply(Number(searchParams.get('code') ?? 200), searchParams.get('msg') ?? '');
      if (pathname === '/healthz') return reply(200, '');
      if (pathname === '/header')
        return reply(200, String(request.headers[(searchParams.get('key') ?? '').toLowerCase()] ?? ''));
      if (pathname === '/exit') {
        reply(200, '');
        context.clock.setTimeout(() => program.running.exit(Number(searchParams.get('code') ?? 0)), 10);
        return;
      }
      if (pathname === '/upload') return reply(200, goJson({ output: (await bodyOf(request)).length }));
      reply(200, `NOW: ${new Date(context.clock.now()).toISOString()}`);
    });
  });
}

/** Tries a connection once; says nothing when it works. */
function startConnect(context: ContainerContext): Process {
  const stderr = printer(context, 'stderr');
  const target = context.argv.slice(2).find((word) => !word.startsWith('-')) ?? '';
  const [, host = '', port = ''] = /^(.*):(\d+)$/.exec(target) ?? [];
  return startProcess(context, async (running) => {
    if (!host) {
      stderr('OTHER: address must be host:port');
      return 1;
    }
    try {
      const timeoutMs = Number.parseFloat(flag(context, 'timeout', '0')) * 1_000;
      const options = { uid: context.uid, signal: running.signal, ...(timeoutMs > 0 ? { timeoutMs } : {}) };
      (await context.net.dial(host, Number(port), options)).destroy();
      return 0;
    } catch (error) {
      const { code = '' } = error as { code?: string };
      const words: Record<string, string> = { ECONNREFUSED: 'REFUSED', ETIMEDOUT: 'TIMEOUT', ENOTFOUND: 'DNS' };
      stderr(words[code] ?? `OTHER: ${(error as Error).message}`);
      return 1;
    }
  });
}

/** `grpc.health.v1.Health`, serving until HTTP port 8080 is told otherwise. */
function startGrpcHealth(context: ContainerContext): Process {
  return startGoProgram(context, (program) => {
    const port = Number(flag(context, 'port', '5000'));
    const httpPort = Number(flag(context, 'http-port', '8080'));
    const service = flag(context, 'service', '');
    let serving = true;
    const delayMs = Number(flag(context, 'delay-unhealthy-sec', '-1')) * 1_000;
    if (delayMs >= 0) context.clock.setTimeout(() => (serving = false), delayMs);
    const grpc = serveGrpc(
      context.net,
      port,
      healthMethods((name) => (name === '' || name === service ? serving : undefined)),
    );
    program.running.onEnd(() => grpc.close());
    program.log(`gRPC server starting to listen on :${port}`);
    program.http(httpPort, ({ url, reply }) => {
      if (url.pathname === '/make-serving') serving = true;
      else if (url.pathname === '/make-not-serving') serving = false;
      else return reply(404, '404 page not found\n');
      reply(200, '');
    });
  });
}

const COMMANDS: Record<string, (context: ContainerContext) => Process> = {
  netexec: startNetexec,
  connect: startConnect,
  'grpc-health-checking': startGrpcHealth,
  'serve-hostname': startNetexec,
  pause: (context) =>
    startProcess(context, (running) => {
      printer(context, 'stdout')('Paused');
      running.onSignal('SIGTERM', () => running.exit(0));
      running.onSignal('SIGINT', () => running.exit(0));
    }),
};

/** `registry.k8s.io/e2e-test-images/agnhost`: small servers and clients for tests of a network. */
export const agnhostImage: Image = {
  repository: 'registry.k8s.io/e2e-test-images/agnhost',
  summary: 'netexec, connect, pause, grpc-health-checking; a shell with curl',
  entrypoint: ['/agnhost'],
  cmd: ['pause'],
  user: 0,
  workingDir: '/',
  hasShell: true,
  files: { '/etc/passwd': passwd() },
  start(context) {
    if (context.argv[0]?.split('/').at(-1) !== 'agnhost') return startInToolbox(context, TOOLBOX);
    const [, name = ''] = context.argv;
    const command = COMMANDS[name];
    if (command) return command(context);
    printer(
      context,
      'stderr',
    )(`Error: unknown command ${JSON.stringify(name)} for "app"; here are: ${Object.keys(COMMANDS).join(', ')}`);
    return ended(1);
  },
};
