import { rfc3339 } from '#base/rfc3339.ts';
import { GoFlagError, parseGoDuration, parseGoFlags } from './go-flags.ts';
import { type GoProgram, startGoProgram } from './go-program.ts';
import { GrpcClient } from './grpc/client.ts';
import { encodeFields, textOf } from './grpc/protobuf.ts';
import { serveGrpc } from './grpc/server.ts';
import { httpCall } from './http-call.ts';
import { bodyOf } from './http-service.ts';
import { ended, printer } from './process.ts';
import type { ContainerContext, Image, Process } from './program.ts';

const STRATEGIES = ['terminus', 'point-to-point-channel', 'broadcast-channel', 'http-egress'];
const METHOD = '/buoyantio.bb.TheService/theFunction';

const FLAGS = {
  id: 'string',
  'grpc-server-port': 'int',
  'h1-server-port': 'int',
  'percent-failure': 'int',
  'sleep-in-millis': 'int',
  'terminate-after': 'int',
  'fire-and-forget': 'bool',
  'grpc-downstream-server': 'string',
  'h1-downstream-server': 'string',
  'downstream-timeout': 'string',
  'log-level': 'string',
  'response-text': 'string',
  url: 'string',
  method: 'string',
} as const;

interface Answer {
  requestUID: string;
  payload: string;
}

interface Downstream {
  id: string;
  send(uid: string): Promise<Answer>;
}

/** A flag that may be repeated, or hold a list. */
function listOf(words: string[], name: string): string[] {
  const out: string[] = [];
  for (const [index, word] of words.entries()) {
    if (word.startsWith(`--${name}=`)) out.push(word.slice(name.length + 3));
    else if (word === `--${name}`) out.push(words[index + 1] ?? '');
  }
  return out.flatMap((value) => value.split(','));
}

function startBb(context: ContainerContext): Process {
  const stderr = printer(context, 'stderr');
  const strategy = context.argv.slice(1).find((word) => STRATEGIES.includes(word));
  const words = context.argv.slice(1).filter((word) => word !== strategy);
  if (!strategy) {
    printer(context, 'stdout')(`Usage:\n  bb [command]\n\nAvailable Commands:\n  ${STRATEGIES.join('\n  ')}`);
    return ended(words.length === 0 || words.includes('--help') ? 0 : 1);
  }
  let values: Map<string, string>;
  try {
    ({ values } = parseGoFlags(words, FLAGS));
  } catch (error) {
    stderr(error instanceof GoFlagError ? `Error: ${error.message}` : String(error));
    return ended(1);
  }
  return startGoProgram(context, (program) => run(program, strategy, words, values));
}

function run(program: GoProgram, strategy: string, words: string[], values: Map<string, string>): void {
  const { context, running } = program;
  const { clock } = context;
  const error = printer(context, 'stderr');
  const log = (level: string, message: string) =>
    error(`time="${rfc3339(clock.now())}" level=${level} msg=${JSON.stringify(message)}`);
  const number = (name: string, otherwise: number) => Number(values.get(name) ?? otherwise);
  const grpcPort = number('grpc-server-port', -1);
  const h1Port = number('h1-server-port', -1);
  const id = values.get('id') || `${strategy}-grpc:${grpcPort}-h1:${h1Port}`;
  const timeoutMs = parseGoDuration(values.get('downstream-timeout') ?? '1m') ?? 60_000;
  const limit = number('terminate-after', 0);
  let requests = 0;

  const downstream: Downstream[] = [
    ...listOf(words, 'grpc-downstream-server').map((server): Downstream => {
      const client = new GrpcClient(context, server);
      running.onEnd(() => client.close());
      return {
        id: server,
        async send(uid) {
          const answer = await client.call(METHOD, encodeFields([[1, uid]]), { signal: running.signal });
          return { requestUID: textOf(answer, 1), payload: textOf(answer, 2) };
        },
      };
    }),
    ...listOf(words, 'h1-downstream-server').map(
      (server): Downstream => ({
        id: server,
        async send(uid) {
          const { body } = await httpCall(context, server, {
            method: 'POST',
            headers: { 'content-type': 'application/json' },
            body: JSON.stringify({ requestUID: uid }),
            timeoutMs,
            signal: running.signal,
          });
          const text = body.toString();
          try {
            return JSON.parse(text) as Answer;
          } catch {
            throw new Error(text);
          }
        },
      }),
    ),
  ];
  if (strategy.endsWith('channel') && downstream.length === 0)
    return program.fatal(`${strategy} needs at least one downstream server`);
  if (strategy === 'point-to-point-channel' && downstream.length > 1)
    return program.fatal(`${strategy} needs exactly one downstream server, got ${downstream.length}`);

  const send = (server: Downstream, uid: string): Promise<Answer> => {
    if (values.get('fire-and-forget') !== 'true') return server.send(uid);
    void server.send(uid).catch((failure: Error) => log('error', failure.message));
    const payload = `Stub response for fire-and-forget request to [${server.id}] for request UID [${uid}]`;
    return Promise.resolve({ requestUID: uid, payload });
  };
  const work = async (uid: string): Promise<Answer> => {
    if (strategy === 'terminus') return { requestUID: uid, payload: values.get('response-text') ?? '' };
    if (strategy === 'http-egress') {
      const { body } = await httpCall(context, values.get('url') ?? '', {
        method: values.get('method') ?? 'GET',
        timeoutMs,
      });
      return { requestUID: uid, payload: body.toString() };
    }
    const answers = await Promise.all(downstream.map((server) => send(server, uid)));
    return {
      requestUID: uid,
      payload: answers.map(({ payload }) => payload).join(strategy === 'broadcast-channel' ? ',' : ''),
    };
  };
  const handle = async (uid: string): Promise<Answer> => {
    const pause = number('sleep-in-millis', 0);
    if (pause > 0) await clock.sleep(pause, running.signal);
    if (Math.random() * 100 < number('percent-failure', 0)) throw new Error(`this error was injected by [${id}]`);
    requests++;
    const answer = { ...(await work(uid)), requestUID: uid };
    if (limit > 0 && requests >= limit) {
      log('info', `TerminateAfter limit hit (${limit}), stopping [${id}]`);
      clock.setTimeout(() => running.exit(0), 100);
    }
    return answer;
  };
  const newUid = (inbound: string) => `in:${inbound}-sid:${id}-${Math.floor(Math.random() * 1e9)}`;

  if (grpcPort > 0) {
    const service = serveGrpc(context.net, grpcPort, {
      [METHOD]: async ({ request }) => {
        const uid = textOf(request, 1) || newUid('grpc');
        const { requestUID, payload } = await handle(uid);
        log('info', `Received gRPC request [${uid}] Returning response [${payload}]`);
        return encodeFields([
          [1, requestUID],
          [2, payload],
        ]);
      },
    });
    running.onEnd(() => service.close());
    log('info', `gRPC server listening on port [${grpcPort}]`);
  }
  if (h1Port > 0) {
    program.http(h1Port, async ({ request, reply }) => {
      try {
        const text = (await bodyOf(request)).toString();
        const uid = text ? ((JSON.parse(text) as Partial<Answer>).requestUID ?? '') : newUid('http');
        const answer = await handle(uid);
        log(
          'info',
          `Received HTTP request [${uid}] [${request.method} ${request.url}] Returning response [${answer.payload}]`,
        );
        reply(200, JSON.stringify(answer));
      } catch (failure) {
        const message = `error handling http request: ${(failure as Error).message}`;
        log('error', `Error while handling HTTP request: ${message}`);
        reply(500, `${message}\n`, {
          'Content-Type': 'text/plain; charset=utf-8',
          'X-Content-Type-Options': 'nosniff',
        });
      }
    });
    log('info', `HTTP 1.1 server listening on port [${h1Port}]`);
  }
}

/** `buoyantio/bb`: a service of any shape, by its arguments. */
export const bbImages: Image[] = ['buoyantio/bb', 'ghcr.io/buoyantio/bb'].map((repository) => ({
  repository,
  summary: 'a service of any shape: terminus, point-to-point-channel, broadcast-channel, http-egress',
  entrypoint: ['/out/bb'],
  cmd: [],
  user: 0,
  workingDir: '/',
  hasShell: false,
  start: (context) => (context.argv[0]?.split('/').at(-1) === 'bb' ? startBb(context) : undefined),
}));
