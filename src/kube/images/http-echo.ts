import type { IncomingMessage, ServerResponse } from 'node:http';
import { formatGoDuration, GoFlagError, parseGoFlags } from './go-flags.ts';
import {
  drained,
  goListenError,
  goReply,
  type HttpService,
  remoteAddress,
  serveHttp,
  targetOf,
} from './http-service.ts';
import { ended, goLogTime, printer, startProcess } from './process.ts';
import type { ContainerContext, Image, Process } from './program.ts';

const FLAGS = { listen: 'string', text: 'string', 'status-code': 'int', version: 'bool' } as const;
const USAGE = `Usage of /http-echo:
  -listen string
    	address and port to listen (default ":5678")
  -status-code int
    	http response code, e.g.: 200 (default 200)
  -text string
    	text to put on the webpage
  -version
    	display version information`;

/** Requests that are under way at the end get this long. */
const SHUTDOWN_MS = 5_000;

function startHttpEcho(context: ContainerContext): Process {
  const { clock, net } = context;
  const stdout = printer(context, 'stdout');
  const stderr = printer(context, 'stderr');
  const fail = (code: number, ...lines: string[]) => {
    for (const line of lines) stderr(line);
    return ended(code);
  };
  let flags: ReturnType<typeof parseGoFlags>;
  try {
    flags = parseGoFlags(context.argv.slice(1), FLAGS);
  } catch (error) {
    if (!(error instanceof GoFlagError)) throw error;
    return /: -(h|help)$/.test(error.message) ? fail(0, USAGE) : fail(2, error.message, USAGE);
  }
  const { values, args } = flags;
  const tag = context.image.split(':').at(-1) ?? '';
  const version = /^\d+\.\d+\.\d+$/.test(tag) ? tag : /^\d+\.\d+$/.test(tag) ? `${tag}.0` : '1.0.0';
  if (values.get('version') === 'true') return fail(0, `http-echo v${version}`);
  const text = values.get('text') || context.env['ECHO_TEXT'] || '';
  if (!text) return fail(127, 'Missing -text option or ECHO_TEXT env var!');
  if (args.length > 0) return fail(127, 'Too many arguments!');
  const listen = values.get('listen') ?? ':5678';
  const [, host, port] = /^(.*):(\d+)$/.exec(listen) ?? [];
  const isLocal = host === '127.0.0.1' || host === 'localhost';
  const status = Number(values.get('status-code') ?? 200);
  const log = (line: string) => stderr(`${goLogTime(clock.now())} ${line}`);
  if (!port) {
    log(`[ERR] server exited with: listen tcp: address ${listen}: missing port in address`);
    return ended(1);
  }

  return startProcess(context, (running) => {
    const answer = (response: ServerResponse, code: number, body: string) =>
      goReply(clock, response, code, body, { 'X-App-Name': 'http-echo', 'X-App-Version': version });
    const handle = (request: IncomingMessage, response: ServerResponse) => {
      request.resume();
      const { pathname } = targetOf(request);
      if (pathname === '/health') return answer(response, 200, '{"status":"ok"}\n');
      const began = performance.now();
      answer(response, status, `${text}\n`);
      const took = formatGoDuration(performance.now() - began);
      const who = `${request.headers.host ?? ''} ${remoteAddress(request)}`;
      const what = `"${request.method} ${pathname} HTTP/${request.httpVersion}" ${status} ${Buffer.byteLength(text) + 1}`;
      stdout(`${goLogTime(clock.now())} ${who} ${what} "${request.headers['user-agent'] ?? ''}" ${took}`);
    };
    log(`[INFO] server is listening on ${listen}`);
    let service: HttpService;
    try {
      service = serveHttp(net, Number(port), handle, { host: isLocal ? '127.0.0.1' : '0.0.0.0' });
    } catch (error) {
      log(`[ERR] server exited with: ${goListenError(error, listen)}`);
      return running.exit(1);
    }
    running.onEnd(() => service.close());
    const stop = async () => {
      log('[INFO] received interrupt, shutting down...');
      if (await drained(service, clock, SHUTDOWN_MS, running.signal)) {
        // An interrupt is no clean end to this program, graceful as it was.
        running.exit(2);
      } else {
        log('[ERR] failed to shutdown server: context deadline exceeded');
        running.exit(1);
      }
    };
    running.onSignal('SIGTERM', () => void stop());
    running.onSignal('SIGINT', () => void stop());
  });
}

/** `hashicorp/http-echo`: answers every path with one text. */
export const httpEchoImage: Image = {
  repository: 'hashicorp/http-echo',
  summary: 'answers every request with the text of -text (port 5678, or -listen)',
  entrypoint: ['/http-echo'],
  cmd: [],
  user: 65532,
  workingDir: '/',
  hasShell: false,
  start(context) {
    return context.argv[0]?.split('/').at(-1) === 'http-echo' ? startHttpEcho(context) : undefined;
  },
};
