import { type GoProgram, goJson, type HttpExchange, startGoProgram } from '../go-program.ts';
import { GrpcClient } from '../grpc/client.ts';
import { encodeFields, numberOf, textOf } from '../grpc/protobuf.ts';
import { type GrpcCall, serveGrpc } from '../grpc/server.ts';
import { GrpcFailure } from '../grpc/status.ts';
import { goDialError, httpCall } from '../http-call.ts';
import { bodyOf, remoteAddress } from '../http-service.ts';
import { printer } from '../process.ts';
import type { ContainerContext, Process } from '../program.ts';
import { colorOf, shownFor, smileyOf, Trouble } from './trouble.ts';

const DEFAULT_PORT = 8000;

/** Go's slog, text form. */
function logger(context: ContainerContext, provider: string): (level: string, message: string) => void {
  const error = printer(context, 'stderr');
  const isDebug = context.env['DEBUG_ENABLED'] === 'true';
  return (level, message) => {
    if (level === 'DEBUG' && !isDebug) return;
    const text = /[\s"=]/.test(message) ? JSON.stringify(message) : message;
    error(`time=${new Date(context.clock.now()).toISOString()} level=${level} msg=${text} provider=${provider}`);
  };
}

interface Asked {
  /** `center` or `edge`. */
  part: string;
  row: number;
  column: number;
  user: string;
  userAgent: string;
}

function askedOf(exchange: HttpExchange, userHeader: string): Asked {
  const { searchParams, pathname } = exchange.url;
  const { headers } = exchange.request;
  const number = (name: string) => {
    const value = searchParams.get(name);
    return value !== null && /^-?\d+$/.test(value) ? Number(value) : -1;
  };
  return {
    part: pathname.split('/')[1] ?? '',
    row: number('row'),
    column: number('col'),
    user: String(headers[userHeader.toLowerCase()] ?? 'unknown'),
    userAgent: headers['user-agent'] || 'unknown',
  };
}

const userHeaderOf = ({ env }: ContainerContext): string => env['USER_HEADER_NAME'] || 'X-Faces-User';

/** An HTTP workload of the set: `answer` gives what is added to the JSON that all of them send. */
function startHttp(
  context: ContainerContext,
  name: string,
  answer: (asked: Asked, program: GoProgram) => Promise<Record<string, unknown>> | Record<string, unknown>,
  put?: (body: Buffer) => { status: number; body: string },
): Process {
  return startGoProgram(context, (program) => {
    const trouble = new Trouble(context, name);
    const log = logger(context, `${name}Provider`);
    for (const line of trouble.describe()) log('INFO', line);
    const userHeader = userHeaderOf(context);
    const port = Number(context.env['PORT'] ?? DEFAULT_PORT);
    log('INFO', `Starting server on :${port}`);
    program.http(port, async (exchange) => {
      const { request, reply, url } = exchange;
      if (url.pathname === '/healthz') return reply(200, 'ok');
      const asked = askedOf(exchange, userHeader);
      const send = (status: number, data: Record<string, unknown>) => {
        const body = goJson({
          client_address: remoteAddress(request),
          headers: request.headers,
          method: request.method,
          path: url.pathname,
          status,
          ...data,
        });
        reply(status, body, {
          'Content-Type': 'application/json',
          [userHeader]: asked.user === 'unknown' ? '' : asked.user,
          'User-Agent': request.headers['user-agent'] ?? '',
          'X-Faces-Pod': trouble.host,
        });
      };
      if (request.method === 'HEAD') return send(200, {});
      if (request.method === 'PUT' && put) {
        const { status, body } = put(await bodyOf(request));
        return reply(status, body, status === 200 ? { 'Content-Type': 'application/json' } : {});
      }
      if (request.method !== 'GET') return send(405, { errors: [`method ${request.method} not allowed`] });
      const { status, message } = await trouble.verdict(program.running.signal);
      if (status !== 200) {
        log(
          'WARN',
          `${status === 429 ? 'RATELIMIT' : 'ERROR'}(${asked.row}, ${asked.column}) => ${status}, ${message}`,
        );
        return send(status, { errors: [message] });
      }
      const data = await answer(asked, program);
      log('DEBUG', `OK(${asked.row}, ${asked.column}) => ${status}`);
      send(status, data);
    });
  });
}

/** `faces-smiley`: a smiley over HTTP. */
export function startSmiley(context: ContainerContext): Process {
  let smiley = smileyOf(context.env['SMILEY'] || 'Grinning') ?? '&#x1F92E;';
  return startHttp(
    context,
    'Smiley',
    () => ({ smiley }),
    (body) => {
      let wanted = '';
      try {
        wanted = (JSON.parse(body.toString()) as { smiley?: string }).smiley ?? '';
      } catch (error) {
        return { status: 400, body: `Invalid JSON: ${(error as Error).message}\n` };
      }
      const found = smileyOf(wanted);
      if (!found) return { status: 400, body: `Failed to set smiley: unknown smiley '${wanted}'\n` };
      smiley = found;
      return { status: 200, body: goJson({ message: 'Smiley updated successfully', smiley }) };
    },
  );
}

/** `faces-color`: a colour over gRPC. */
export function startColor(context: ContainerContext): Process {
  return startGoProgram(context, (program) => {
    const trouble = new Trouble(context, 'Color');
    const log = logger(context, 'ColorProvider');
    for (const line of trouble.describe()) log('INFO', line);
    const color = colorOf(context.env['COLOR'] || 'blue');
    const answer = async ({ request }: GrpcCall) => {
      const where = `${numberOf(request, 1)}, ${numberOf(request, 2)}`;
      const { status, message } = await trouble.verdict(program.running.signal);
      if (status === 429) {
        log('WARN', `RATELIMIT(${where}) => ${message}`);
        throw new GrpcFailure(8, `rate limited: ${message}`);
      }
      if (status !== 200) {
        log('WARN', `ERROR(${where}) => ${status}, ${message}`);
        throw new GrpcFailure(13, `failed to get color: ${message}`);
      }
      return encodeFields([[1, color]]);
    };
    const port = Number(context.env['PORT'] ?? DEFAULT_PORT);
    const service = serveGrpc(context.net, port, { '/ColorService/Center': answer, '/ColorService/Edge': answer });
    program.running.onEnd(() => service.close());
    log('INFO', `listening on [::]:${port}`);
  });
}

/** Statuses of HTTP that a gRPC failure stands for, where the face tells them apart. */
const HTTP_OF: Record<number, number> = { 4: 504, 8: 429 };

/** `faces-face`: one cell, of a smiley by HTTP and a colour by gRPC. */
export function startFace(context: ContainerContext): Process {
  const { env } = context;
  const withPort = (host: string) => (/:\d+$/.test(host) ? host : `${host}:80`);
  const smileyHost = env['SMILEY_SERVICE'] || 'smiley';
  const colorHost = withPort(env['COLOR_SERVICE'] || 'color');
  const color = new GrpcClient(context, colorHost);
  const userHeader = userHeaderOf(context);
  return startHttp(context, 'Face', async (asked, program) => {
    const { signal } = program.running;
    program.running.onEnd(() => color.close());
    const errors: string[] = [];
    const askSmiley = async (): Promise<string> => {
      const url = `http://${smileyHost}/${asked.part}/?row=${asked.row}&col=${asked.column}`;
      try {
        const headers = { [userHeader]: asked.user, 'User-Agent': asked.userAgent };
        const { status, body } = await httpCall(context, url, { headers, signal });
        if (status === 200) return String((JSON.parse(body.toString()) as { smiley?: string }).smiley);
        const text = body.length > 0 ? ` (${body.toString()})` : '';
        errors.push(`smiley: error from ${smileyHost}: ${String(status).padStart(3, '0')}${text}`);
        return shownFor('smiley', status);
      } catch (error) {
        errors.push(`smiley: couldn't make request to ${smileyHost}: ${goDialError(error, smileyHost)}`);
        return shownFor('smiley', 500);
      }
    };
    const askColor = async (): Promise<string> => {
      const method = asked.part === 'center' ? 'Center' : 'Edge';
      const message = encodeFields([
        [1, Math.max(0, asked.row)],
        [2, Math.max(0, asked.column)],
      ]);
      try {
        const headers = { [userHeader.toLowerCase()]: asked.user };
        return textOf(await color.call(`/ColorService/${method}`, message, { signal, headers }), 1);
      } catch (error) {
        errors.push(`color: couldn't get color from ${colorHost}: ${(error as Error).message}`);
        return shownFor('color', error instanceof GrpcFailure ? (HTTP_OF[error.code] ?? 500) : 500);
      }
    };
    const [smiley, shown] = await Promise.all([askSmiley(), askColor()]);
    return { smiley, color: shown, ...(errors.length > 0 ? { errors } : {}) };
  });
}

const PAGE = `<!DOCTYPE html>
<html><head><meta charset="UTF-8"><title>Faces</title>
<style>table{border-spacing:4px}td{width:4em;height:4em;font-size:1.5em;text-align:center}</style></head>
<body><table id="grid"></table><script src="faces.js"></script></body></html>
`;

const SCRIPT = (size: number, edge: number) => `const grid = document.getElementById('grid');
for (let row = 0; row < ${size}; row++) {
  const line = grid.insertRow();
  for (let col = 0; col < ${size}; col++) {
    const cell = line.insertCell();
    const outer = Math.min(row, col, ${size - 1} - row, ${size - 1} - col) < ${edge};
    const draw = async () => {
      try {
        const answer = await fetch('face/' + (outer ? 'edge' : 'center') + '/?row=' + row + '&col=' + col);
        const data = await answer.json();
        cell.innerHTML = data.smiley ?? '&#x1F92C;';
        cell.style.background = data.color ?? '#AA3377';
      } catch {
        cell.style.background = '#AA3377';
      }
      setTimeout(draw, 1000);
    };
    draw();
  }
}
`;

/** `faces-gui`: the grid, and `/face/` passed on to the face workload. */
export function startGui(context: ContainerContext): Process {
  return startGoProgram(context, (program) => {
    const { env } = context;
    const log = logger(context, 'GUIProvider');
    const trouble = new Trouble(context, 'GUI');
    const faceHost = env['FACE_SERVICE'] || 'face';
    const userHeader = userHeaderOf(context);
    const port = Number(env['PORT'] ?? DEFAULT_PORT);
    const number = (name: string, otherwise: number) => Number(env[name] ?? otherwise) || otherwise;
    log('INFO', `booted on ${trouble.host}`);
    log('INFO', `Starting server on :${port}`);
    program.http(port, async ({ url, request, reply }) => {
      const headers = {
        [userHeader]: String(request.headers[userHeader.toLowerCase()] ?? 'unknown'),
        'X-Faces-User-Agent': request.headers['user-agent'] ?? 'unknown',
        'X-Faces-Pod': trouble.host,
      };
      const send = (status: number, type: string, body: string) =>
        reply(status, body, { ...headers, 'Content-Type': type });
      const path = url.pathname.replace(/^\/faces\//, '/');
      if (path === '/ready') return send(200, 'text/plain', 'Ready and waiting!');
      if (path.startsWith('/face/')) {
        const target = `http://${faceHost}/${path.slice(6)}${url.search}`;
        const passed: Record<string, string> = {};
        for (const [name, value] of Object.entries(request.headers))
          if (typeof value === 'string' && !['host', 'connection'].includes(name)) passed[name] = value;
        try {
          const answer = await httpCall(context, target, { headers: passed, signal: program.running.signal });
          return send(answer.status, answer.headers['content-type'] ?? 'text/plain', answer.body.toString());
        } catch (error) {
          return send(500, 'text/plain', `Get ${JSON.stringify(target)}: ${goDialError(error, faceHost)}`);
        }
      }
      if (path === '/' || path === '/index.html') return send(200, 'text/html', PAGE);
      if (path === '/faces.js')
        return send(200, 'application/javascript', SCRIPT(number('GRID_SIZE', 4), number('EDGE_SIZE', 1)));
      send(404, 'text/plain', `error loading ${path}: no such file or directory`);
    });
  });
}
