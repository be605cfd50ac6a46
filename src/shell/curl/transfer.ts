import type { Readable } from 'node:stream';
import { createBrotliDecompress, createGunzip, createInflate } from 'node:zlib';
import type { CommandContext } from '../command.ts';
import { brokenPipe, isBrokenPipe } from '../pipe.ts';
import { type CurlWorld, type Note, type Opened, open } from './connection.ts';
import { CurlFailure } from './failure.ts';
import { pathOf, type Response, send } from './http.ts';
import type { CurlOptions } from './options.ts';
import { buildRequest, type Request, redirectedRequest } from './request.ts';
import { type Target, targetOf } from './url.ts';
import type { Summary } from './writeout.ts';

/** Where the body of a transfer goes. */
export interface Sink {
  write(data: Uint8Array | string): Promise<void>;
}

export function newSummary(url: string): Summary {
  const timings = { start: performance.now(), lookup: 0, connect: 0, tls: 0, pretransfer: 0, firstByte: 0, total: 0 };
  return {
    url,
    effectiveUrl: url,
    scheme: '',
    method: '',
    status: 0,
    version: '',
    headers: [],
    requestSize: 0,
    uploadSize: 0,
    headerSize: 0,
    bodySize: 0,
    redirects: 0,
    redirectUrl: '',
    redirectMs: 0,
    connects: 0,
    remoteIp: '',
    remotePort: 0,
    localIp: '',
    localPort: 0,
    verifyResult: 0,
    exitCode: 0,
    error: '',
    filename: '',
    timings,
  };
}

/** A limit of time, on the wall's clock: a cluster's clock that is moved by a year makes no request slow. */
class Limits {
  readonly #controller = new AbortController();
  readonly signal = this.#controller.signal;
  #timers: ReturnType<typeof setTimeout>[] = [];
  readonly #stop: () => void;

  constructor(context: CommandContext, options: CurlOptions, summary: Summary) {
    const onAbort = () => this.#controller.abort(context.signal.reason);
    if (context.signal.aborted) onAbort();
    context.signal.addEventListener('abort', onAbort, { once: true });
    this.#stop = () => context.signal.removeEventListener('abort', onAbort);
    const elapsed = () => Math.round(performance.now() - summary.timings.start);
    const limit = (ms: number | undefined, message: () => string | undefined) => {
      if (!ms) return;
      const timer = setTimeout(() => {
        const text = message();
        if (text !== undefined) this.#controller.abort(new CurlFailure(28, text));
      }, ms);
      this.#timers.push(timer);
    };
    limit(options.maxTimeMs, () =>
      summary.timings.connect === 0
        ? `Connection timed out after ${elapsed()} milliseconds`
        : `Operation timed out after ${elapsed()} milliseconds with ${summary.bodySize} bytes received`,
    );
    limit(options.connectTimeoutMs, () => {
      const isConnected = summary.scheme === 'https' ? summary.timings.tls > 0 : summary.timings.connect > 0;
      return isConnected ? undefined : `Connection timed out after ${elapsed()} milliseconds`;
    });
  }
  end(): void {
    for (const timer of this.#timers) clearTimeout(timer);
    this.#stop();
  }
}

/** One URL to its end, redirects followed. Failures are thrown as {@link CurlFailure}; the summary is filled either way. */
export async function transfer(
  world: CurlWorld,
  context: CommandContext,
  options: CurlOptions,
  url: string,
  data: Uint8Array | undefined,
  summary: Summary,
  sink: Sink,
  headerSink: Sink | undefined,
): Promise<void> {
  const note: Note = options.verbose ? (line) => context.stderr.write(`${line}\n`) : async () => {};
  const limits = new Limits(context, options, summary);
  // A request takes no time of a cluster's clock; one that is being moved waits for it.
  const release = context.clock.hold?.();
  try {
    let target = withQuery(targetOf(url), options, data);
    summary.scheme = target.scheme;
    let request = await buildRequest(context, options, target, data);
    for (;;) {
      summary.effectiveUrl = target.url.href;
      summary.scheme = target.scheme;
      summary.method = request.method;
      const next = await once(world, context, options, target, request, summary, sink, headerSink, limits.signal, note);
      if (!next) return;
      if (summary.redirects >= options.maxRedirects && options.maxRedirects >= 0)
        throw new CurlFailure(47, `Maximum (${options.maxRedirects}) redirects followed`);
      summary.redirects++;
      summary.redirectMs = performance.now() - summary.timings.start;
      await note(`* Issue another request to this URL: '${next.url.href}'`);
      request = redirectedRequest(request, options, summary.status, target, next);
      target = next;
    }
  } finally {
    release?.();
    limits.end();
    summary.timings.total = performance.now() - summary.timings.start;
  }
}

/** `-G`: the data goes to the query. */
function withQuery(target: Target, options: CurlOptions, data: Uint8Array | undefined): Target {
  if (!options.get || !data) return target;
  const text = Buffer.from(data).toString('utf8');
  target.url.search += `${target.url.search ? '&' : '?'}${text}`;
  return target;
}

/** One request; gives the target of a redirect that is to be followed. */
async function once(
  world: CurlWorld,
  context: CommandContext,
  options: CurlOptions,
  target: Target,
  request: Request,
  summary: Summary,
  sink: Sink,
  headerSink: Sink | undefined,
  signal: AbortSignal,
  note: Note,
): Promise<Target | undefined> {
  let opened: Opened | undefined;
  let isDone = false;
  try {
    opened = await idleTo(world, target, note);
    if (!opened) {
      opened = await open(world, context, options, target, summary.timings, signal, note);
      summary.connects++;
    }
    summary.remoteIp = opened.remoteIp;
    summary.remotePort = opened.remotePort;
    summary.localIp = opened.localIp;
    summary.localPort = opened.localPort;
    summary.verifyResult = opened.verifyResult;
    const head = requestHead(target, request, opened.isHttp2);
    summary.requestSize += head.length;
    summary.uploadSize = request.body?.length ?? 0;
    for (const line of options.verbose ? head.split('\r\n').slice(0, -1) : []) await note(`> ${line}`);
    const response = await send(opened, target, request, summary.timings, signal);
    if (options.verbose) await note('* Request completely sent off');
    const next = await receive(options, target, response, summary, sink, headerSink, signal, note);
    isDone = true;
    if (staysOpen(opened, request, response)) world.idle?.set(connectionKey(target), opened);
    await note(`* Connection #${Math.max(0, summary.connects - 1)} to host ${target.host} left intact`);
    return next;
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    if (error instanceof CurlFailure)
      await note(`* ${error.message.split('\n')[0]}\n* closing connection #${Math.max(0, summary.connects - 1)}`);
    throw error;
  } finally {
    // A finished exchange is ended in order, so that the server sees no reset.
    const isKept = opened !== undefined && world.idle?.get(connectionKey(target)) === opened;
    if (isDone && !isKept) opened?.stream.end();
    if (!isKept) setImmediate(() => opened?.stream.destroy());
  }
}

const connectionKey = ({ scheme, url }: Target): string => `${scheme}://${url.host}`;

/** A connection that an earlier URL of this command left open. */
async function idleTo(world: CurlWorld, target: Target, note: Note): Promise<Opened | undefined> {
  const key = connectionKey(target);
  const idle = world.idle?.get(key);
  if (!idle) return undefined;
  world.idle?.delete(key);
  await idle.freed;
  const { stream } = idle;
  if (stream.destroyed || stream.readableEnded || !stream.writable) return undefined;
  await note(`* Re-using existing ${target.scheme}: connection with host ${target.host}`);
  return idle;
}

function staysOpen(opened: Opened, request: Request, { version, headers, isUnsent }: Response): boolean {
  const ends = (list: [string, string][]) =>
    list.some(([name, value]) => name.toLowerCase() === 'connection' && /close/i.test(value));
  const sized = headers.some(([name]) => /^(content-length|transfer-encoding)$/i.test(name));
  return !opened.isHttp2 && !isUnsent && version === '1.1' && sized && !ends(headers) && !ends(request.headers);
}

function requestHead(target: Target, request: Request, isHttp2: boolean): string {
  const lines = request.headers.map(([name, value]) => `${isHttp2 ? name.toLowerCase() : name}: ${value}`);
  return `${request.method} ${pathOf(target, request)} HTTP/${isHttp2 ? '2' : request.isOld ? '1.0' : '1.1'}\r\n${lines.join('\r\n')}\r\n\r\n`;
}

async function receive(
  options: CurlOptions,
  target: Target,
  response: Response,
  summary: Summary,
  sink: Sink,
  headerSink: Sink | undefined,
  signal: AbortSignal,
  note: Note,
): Promise<Target | undefined> {
  const { status, headers, version } = response;
  summary.status = status;
  summary.version = version;
  summary.headers = headers;
  const heads = [...(response.interim ?? []), response].map((each) => [
    `HTTP/${each.version} ${each.status}${each.version === '2' ? ' ' : each.reason ? ` ${each.reason}` : ''}`,
    ...each.headers.map(([name, value]) => `${name}: ${value}`),
  ]);
  const head = heads.map((lines) => `${lines.join('\r\n')}\r\n\r\n`).join('');
  summary.headerSize += head.length;
  for (const lines of options.verbose ? heads : []) for (const line of [...lines, '']) await note(`< ${line}`);
  const location = headers.find(([name]) => name.toLowerCase() === 'location')?.[1];
  const next =
    location !== undefined && status >= 300 && status < 400 ? targetOf(new URL(location, target.url).href) : undefined;
  summary.redirectUrl = next && !options.location ? next.url.href : '';
  const follows = next !== undefined && options.location;
  if (options.fail === 'early' && status >= 400) {
    response.body.destroy();
    throw new CurlFailure(22, `The requested URL returned error: ${status}`);
  }
  if (options.include || options.head) await sink.write(head);
  await headerSink?.write(head);
  const length = Number(headers.find(([name]) => name.toLowerCase() === 'content-length')?.[1]);
  if (options.maxFileSize !== undefined && length > options.maxFileSize)
    throw new CurlFailure(63, 'Maximum file size exceeded');
  for await (const chunk of bodyOf(options, response, signal)) {
    summary.bodySize += chunk.length;
    if (options.maxFileSize !== undefined && summary.bodySize > options.maxFileSize)
      throw new CurlFailure(63, 'Exceeded the maximum allowed file size');
    // The body of a redirect that is followed is read and dropped.
    if (follows) continue;
    try {
      await sink.write(chunk);
    } catch (error) {
      if (isBrokenPipe(error)) throw brokenPipe();
      throw new CurlFailure(23, 'Failure writing output to destination');
    }
  }
  if (options.fail === 'with-body' && status >= 400)
    throw new CurlFailure(22, `The requested URL returned error: ${status}`);
  return follows ? next : undefined;
}

async function* bodyOf(options: CurlOptions, response: Response, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  const encoding = options.compressed
    ? response.headers.find(([name]) => name.toLowerCase() === 'content-encoding')?.[1]
    : undefined;
  let body: Readable = response.body;
  const decoder = { gzip: createGunzip, deflate: createInflate, br: createBrotliDecompress }[encoding ?? ''];
  if (decoder) {
    const decoded = decoder();
    response.body.on('error', (error) => decoded.destroy(error));
    body = response.body.pipe(decoded);
  }
  try {
    for await (const chunk of body) yield chunk as Uint8Array;
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    if (decoder && (error as { code?: string }).code?.startsWith('Z_'))
      throw new CurlFailure(61, 'Unrecognized or bad HTTP Content or Transfer-Encoding');
    throw response.failureOf(error as Error);
  }
}
