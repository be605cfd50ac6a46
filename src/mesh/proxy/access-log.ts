import type { Clock } from '#base/clock.ts';
import type { ByteWriter } from '#shell/stdio.ts';
import type { Exchange } from './exchange.ts';

export type AccessLogFormat = 'apache' | 'json';

/** Who asks: his address with the port, and his identity where he has one. */
interface Caller {
  address: string;
  identity: string | undefined;
}

/** One request as the proxy's log of requests has it; each value as it is printed. */
interface Access {
  caller: Caller;
  timestamp: string;
  exchange: Exchange;
  headers: Exchange['headers'];
  uri: string;
  answered?: Answered;
}

/** Absent of a request that ended without an answer. */
interface Answered {
  status: number;
  responseBytes: string | undefined;
  /** From the request's head to the answer's, ns. */
  totalNs: number;
  /** How much of it the proxy itself worked, ns. */
  processingNs: number;
}

/**
 * Writes a line for each request on the inbound side when it is answered, refused ones included, to standard error
 * (`config.linkerd.io/access-log`; linkerd/http/access-log, linkerd/tracing/src/access_log.rs). The real proxy writes one
 * for which it opened a connection to the application only when that connection has gone, which was seen to take from 5 s
 * to 100 s; this one does not wait.
 */
export class AccessLog {
  readonly #format: AccessLogFormat;
  readonly #write: ByteWriter;
  readonly #clock: Clock;

  constructor(options: { format: AccessLogFormat; stderr: ByteWriter; clock: Clock }) {
    this.#format = options.format;
    this.#write = options.stderr;
    this.#clock = options.clock;
  }

  /** Lets the request be served; the answer is written down when it is given. */
  around(exchange: Exchange, caller: Caller, serve: () => void): void {
    const begun = this.#clock.now();
    const workBegun = performance.now();
    let workedMs: number | undefined;
    // What a proxy takes off on the way in is still here.
    const headers = { ...exchange.headers };
    const uri = exchange.version === 'HTTP/2.0' ? `http://${exchange.authority}${exchange.path}` : exchange.path;
    const worked = () => workedMs ?? performance.now() - workBegun;
    let isWritten = false;
    const write = (answered?: Answered) => {
      if (isWritten) return;
      isWritten = true;
      const access = { caller, timestamp: nanos(begun), exchange, headers, uri, ...(answered ? { answered } : {}) };
      const line = this.#format === 'json' ? jsonLine(access) : apacheLine(access);
      void this.#write.write(`${line}\n`).catch(() => {});
    };
    const respond = exchange.respond.bind(exchange);
    exchange.respond = (answer) => {
      const length = answer.headers['content-length'];
      write({
        status: answer.status,
        responseBytes: typeof length === 'string' ? length : undefined,
        totalNs: Math.round(Math.max(this.#clock.now() - begun, worked()) * 1e6),
        processingNs: Math.round(worked() * 1e6),
      });
      respond(answer);
    };
    exchange.onDone(() => write());
    serve();
    workedMs = performance.now() - workBegun;
  }
}

/** `apache` or `json` in any case; undefined with the words of the proxy's complaint for anything else. */
export function accessLogFormat(text: string): { format: AccessLogFormat } | { complaint: string } {
  const lower = text.toLowerCase();
  if (lower === 'apache' || lower === 'json') return { format: lower };
  return {
    complaint: `Invalid LINKERD2_PROXY_ACCESS_LOG=${JSON.stringify(text)}: expected either 'apache' or 'json'`,
  };
}

const nanos = (at: number): string => new Date(at).toISOString().replace('Z', '000000Z');

function apacheLine({ caller, timestamp, exchange, uri, answered }: Access): string {
  const who = caller.identity ?? '-';
  const status = answered ? ` ${answered.status}` : '';
  return `${caller.address} ${who} - [${timestamp}] "${exchange.method} ${uri} ${exchange.version}"${status}`;
}

function jsonLine({ caller, timestamp, exchange, headers, uri, answered }: Access): string {
  const header = (name: string) => (typeof headers[name] === 'string' ? headers[name] : undefined);
  const { responseBytes } = answered ?? {};
  const fields: Record<string, string | number | undefined> = {
    'client.addr': caller.address,
    'client.id': caller.identity ?? '-',
    // A request that came in HTTP/2 from the start names its host in another place.
    host: exchange.version === 'HTTP/2.0' && exchange.isNative ? '' : exchange.authority,
    method: exchange.method,
    processing_ns: answered && String(answered.processingNs),
    request_bytes: header('content-length') ?? '',
    response_bytes: responseBytes,
    status: answered?.status,
    timestamp,
    total_ns: answered && String(answered.totalNs),
    trace_id: header('x-b3-traceid') ?? header('x-request-id') ?? header('x-amzn-trace-id') ?? '',
    uri,
    user_agent: header('user-agent') ?? '',
    version: exchange.version,
  };
  return JSON.stringify(fields);
}
