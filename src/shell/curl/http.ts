import { request as httpRequest, type IncomingMessage } from 'node:http';
import { connect as connectHttp2 } from 'node:http2';
import type { Readable } from 'node:stream';
import type { Opened, Timings } from './connection.ts';
import { CurlFailure } from './failure.ts';
import type { Request } from './request.ts';
import type { Target } from './url.ts';

export interface Head {
  /** `1.1`, `2` */
  version: string;
  status: number;
  reason: string;
  headers: [name: string, value: string][];
}

export interface Response extends Head {
  /** Answers with a status below 200 that came before. */
  interim?: Head[];
  /** The request was not sent to its end, so that no other can follow it. */
  isUnsent?: boolean;
  body: Readable;
  /** Turns an error of the body's stream into curl's. */
  failureOf(error: Error & { code?: string }): CurlFailure;
}

/** Sends a request over an open connection and gives the response when its headers are there. */
export function send(
  opened: Opened,
  target: Target,
  request: Request,
  timings: Timings,
  signal: AbortSignal,
): Promise<Response> {
  return opened.isHttp2
    ? sendHttp2(opened, target, request, timings, signal)
    : sendHttp1(opened, target, request, timings, signal);
}

export function pathOf(target: Target, request: Request): string {
  return request.target ?? `${target.url.pathname}${target.url.search}`;
}

/** curl waits this long for leave to send a body. */
const LEAVE_MS = 1_000;

function sendHttp1(
  opened: Opened,
  target: Target,
  request: Request,
  timings: Timings,
  signal: AbortSignal,
): Promise<Response> {
  return new Promise((resolve, reject) => {
    if (!/^[!#$%&'*+.^`|~\w-]+$/.test(request.method))
      return reject(new CurlFailure(3, 'URL rejected: Malformed input to a URL function'));
    let req: ReturnType<typeof httpRequest>;
    try {
      req = httpRequest({
        createConnection: () => opened.stream as never,
        method: request.method,
        path: pathOf(target, request),
        headers: headerList(request.headers.filter(([name]) => !isExpect(name))),
        setHost: false,
        // A byte stream may hold any status line and header size that curl accepts.
        maxHeaderSize: 100 * 1024,
      });
    } catch (error) {
      return reject(new CurlFailure(43, (error as Error).message));
    }
    if (!request.headers.some(([name]) => name.toLowerCase() === 'connection')) req.removeHeader('connection');
    // The stream stays open; whether it is used again is decided when the answer is there.
    req.shouldKeepAlive = true;
    const interim: Response['interim'] = [];
    req.on('information', ({ httpVersion, statusCode, statusMessage, rawHeaders }) => {
      interim.push({ version: httpVersion, status: statusCode, reason: statusMessage, headers: pairs(rawHeaders) });
    });
    opened.freed = new Promise((free) => {
      opened.stream.once('free', () => free());
      opened.stream.once('close', () => free());
    });
    if (request.isOld) writeAsOld(opened.stream);
    const onAbort = () => req.destroy();
    signal.addEventListener('abort', onAbort, { once: true });
    req.on('error', (error: Error & { code?: string }) => {
      signal.removeEventListener('abort', onAbort);
      reject(signal.aborted ? signal.reason : replyFailure(error));
    });
    req.on('response', (res: IncomingMessage) => {
      timings.firstByte = performance.now() - timings.start;
      const expected = Number(res.headers['content-length']);
      let received = 0;
      res.on('data', (chunk: Buffer) => {
        received += chunk.length;
      });
      res.pause();
      res.on('close', () => signal.removeEventListener('abort', onAbort));
      resolve({
        version: res.httpVersion,
        status: res.statusCode ?? 0,
        reason: res.statusMessage ?? '',
        headers: pairs(res.rawHeaders),
        interim,
        // An answer instead of leave: the body is never sent.
        isUnsent: !req.writableEnded,
        body: res,
        failureOf: (error) => {
          if (opened.stream.errored && (opened.stream.errored as { code?: string }).code === 'ECONNRESET')
            return new CurlFailure(56, 'Recv failure: Connection reset by peer');
          if (Number.isFinite(expected))
            return new CurlFailure(18, `end of response with ${expected - received} bytes missing`);
          return error.code === 'ECONNRESET'
            ? new CurlFailure(18, 'transfer closed with outstanding read data remaining')
            : replyFailure(error);
        },
      });
    });
    timings.pretransfer = performance.now() - timings.start;
    const expects = request.headers.find(([name]) => isExpect(name));
    if (!expects) return void req.end(request.body);
    // Set after the request was made: Node sends the head at once where it is among the first headers.
    req.setHeader(...expects);
    if (!request.body || !/^100-continue$/i.test(expects[1])) return void req.end(request.body);
    req.flushHeaders();
    const go = () => {
      clearTimeout(late);
      if (!req.writableEnded) req.end(request.body);
    };
    const late = setTimeout(go, LEAVE_MS);
    req.once('continue', go);
    req.once('response', () => clearTimeout(late));
    req.once('close', () => clearTimeout(late));
  });
}

const isExpect = (name: string): boolean => name.toLowerCase() === 'expect';

function pairs(raw: readonly string[]): [string, string][] {
  const out: [string, string][] = [];
  for (let i = 0; i < raw.length; i += 2) out.push([raw[i]!, raw[i + 1]!]);
  return out;
}

/** The first line that goes out next says HTTP/1.0, which Node's client never says. */
function writeAsOld(stream: Opened['stream']): void {
  const write = stream.write;
  stream.write = ((chunk: string | Uint8Array, ...rest: unknown[]) => {
    stream.write = write;
    const old = Buffer.from(chunk as string, 'latin1')
      .toString('latin1')
      .replace(' HTTP/1.1\r\n', ' HTTP/1.0\r\n');
    const done = rest.find((each) => typeof each === 'function') as (() => void) | undefined;
    return write.call(stream, Buffer.from(old, 'latin1'), done as never);
  }) as typeof write;
}

/** Node takes repeated headers as arrays. */
function headerList(headers: readonly [string, string][]): Record<string, string | string[]> {
  const result: Record<string, string | string[]> = {};
  const names = new Map<string, string>();
  for (const [name, value] of headers) {
    const known = names.get(name.toLowerCase());
    if (known === undefined) {
      names.set(name.toLowerCase(), name);
      result[name] = value;
    } else result[known] = [result[known]!, value].flat();
  }
  return result;
}

function replyFailure(error: Error & { code?: string }): CurlFailure {
  if (error.code === 'ECONNRESET' && /socket hang up/.test(error.message))
    return new CurlFailure(52, 'Empty reply from server');
  if (error.code === 'ECONNRESET') return new CurlFailure(56, 'Recv failure: Connection reset by peer');
  if (error.code === 'EPIPE') return new CurlFailure(55, 'Send failure: Broken pipe');
  if (error.code?.startsWith('HPE_INVALID_CONSTANT')) return new CurlFailure(1, 'Received HTTP/0.9 when not allowed');
  if (error.code?.startsWith('HPE_')) return new CurlFailure(8, `Invalid response: ${error.message}`);
  if (error.code?.startsWith('ERR_SSL') || /alert/.test(error.message))
    return new CurlFailure(56, `OpenSSL SSL_read: ${error.message}, errno 0`);
  return new CurlFailure(56, `Recv failure: ${error.message}`);
}

function sendHttp2(
  opened: Opened,
  target: Target,
  request: Request,
  timings: Timings,
  signal: AbortSignal,
): Promise<Response> {
  return new Promise((resolve, reject) => {
    const session = connectHttp2(`${target.scheme}://${target.url.host}`, { createConnection: () => opened.stream });
    const host = request.headers.find(([name]) => name.toLowerCase() === 'host')?.[1] ?? target.url.host;
    const headers: Record<string, string | string[]> = {
      ':method': request.method,
      ':path': pathOf(target, request),
      ':scheme': target.scheme,
      ':authority': host,
    };
    for (const [name, value] of Object.entries(headerList(request.headers))) {
      const lower = name.toLowerCase();
      if (!['host', 'connection', 'transfer-encoding', 'keep-alive', 'upgrade'].includes(lower)) headers[lower] = value;
    }
    const end = () => session.destroy();
    signal.addEventListener('abort', end, { once: true });
    const fail = (error: Error & { code?: string }) => {
      signal.removeEventListener('abort', end);
      session.destroy();
      reject(signal.aborted ? signal.reason : http2Failure(error));
    };
    session.on('error', fail);
    const stream = session.request(headers, { endStream: request.body === undefined });
    stream.on('error', fail);
    stream.on('close', () => {
      signal.removeEventListener('abort', end);
      session.close();
    });
    let isAnswered = false;
    stream.on('end', () => {
      if (!isAnswered) fail(Object.assign(new Error('empty'), { code: 'EMPTY' }));
    });
    stream.on('response', (given, _flags, raw?: string[]) => {
      isAnswered = true;
      timings.firstByte = performance.now() - timings.start;
      const list: [string, string][] = [];
      const pairs =
        raw ?? Object.entries(given).flatMap(([name, value]) => [value].flat().flatMap((each) => [name, String(each)]));
      for (let i = 0; i < pairs.length; i += 2) if (!pairs[i]!.startsWith(':')) list.push([pairs[i]!, pairs[i + 1]!]);
      stream.off('error', fail);
      stream.on('error', () => {});
      resolve({
        version: '2',
        status: Number(given[':status']),
        reason: '',
        headers: list,
        body: stream,
        failureOf: http2Failure,
      });
    });
    timings.pretransfer = performance.now() - timings.start;
    if (request.body !== undefined) stream.end(request.body);
    else stream.end();
    stream.pause();
  });
}

function http2Failure(error: Error & { code?: string }): CurlFailure {
  const stream = /NGHTTP2_(\w+)/.exec(error.message)?.[1];
  if (error.code === 'ERR_HTTP2_STREAM_ERROR' && stream)
    return new CurlFailure(
      92,
      `HTTP/2 stream 1 was not closed cleanly: ${stream} (err ${error.message.match(/\d+$/)?.[0] ?? 2})`,
    );
  if (error.code === 'ERR_HTTP2_ERROR' || error.code === 'ERR_HTTP2_SESSION_ERROR')
    return new CurlFailure(16, 'Error in the HTTP2 framing layer');
  if (error.code === 'ECONNRESET') return new CurlFailure(56, 'Recv failure: Connection reset by peer');
  return new CurlFailure(52, 'Empty reply from server');
}
