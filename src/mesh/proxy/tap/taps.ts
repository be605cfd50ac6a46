import { Transform } from 'node:stream';
import { tcpMessage } from '#mesh/api/addresses.ts';
import type { Message } from '#mesh/api/protobuf.ts';
import { INBOUND, OUTBOUND } from '#mesh/api/tap-api.ts';
import { durationOf, METHODS } from '#mesh/api/types.ts';
import type { Headers } from '#mesh/http2/headers.ts';
import { grpcStatusOf } from '../classify.ts';
import type { Answer, Exchange } from '../exchange.ts';
import type { Matcher, Place, Tapped } from './match.ts';

/** Where a request passes a tap, and between whom. */
export interface TapPoint {
  direction: 'inbound' | 'outbound';
  source: Place;
  destination: Place;
  sourceLabels: Record<string, string>;
  /** As discovery gave them. */
  destinationLabels: Record<string, string>;
  /** What is added to them: the state of TLS. */
  destinationTls: Record<string, string>;
  routeLabels?: Record<string, string>;
}

export interface TapOptions {
  base: number;
  /** Requests. */
  limit: number;
  matches: Matcher;
  headers: boolean;
  send(event: Message): void;
}

/** One who looks on: sees up to `limit` requests, and is done when the last of them is. */
export class Tap {
  readonly done: Promise<void>;
  readonly #options: TapOptions;
  #finish!: () => void;
  #count = 0;
  #open = 0;

  constructor(options: TapOptions) {
    this.#options = options;
    this.done = new Promise((resolve) => {
      this.#finish = resolve;
    });
  }

  get isFull(): boolean {
    return this.#count >= this.#options.limit;
  }

  /** What is to be told of this request further on; undefined when it is none of this tap's. */
  begin(point: TapPoint, seen: Tapped, exchange: Exchange): Told | undefined {
    const { base, headers, matches, send } = this.#options;
    if (this.isFull || !matches(seen)) return undefined;
    const id = { base, stream: this.#count++ };
    this.#open++;
    const told = new Told(id, point, { headers, send, over: () => this.#over() });
    told.request(seen, exchange);
    return told;
  }

  #over(): void {
    this.#open--;
    if (this.#open === 0 && this.isFull) this.#finish();
  }
}

/** The events of one request for one tap. */
class Told {
  readonly #id: Message;
  readonly #common: Message;
  readonly #to: { headers: boolean; send(event: Message): void; over(): void };
  readonly #startedAt = performance.now();
  #answeredAt: number | undefined;
  #over = false;

  constructor(id: Message, point: TapPoint, to: { headers: boolean; send(event: Message): void; over(): void }) {
    const { source, destination } = point;
    this.#id = id;
    this.#to = to;
    this.#common = {
      source: tcpMessage(source.ip, source.port),
      source_meta: { labels: point.sourceLabels },
      destination: tcpMessage(destination.ip, destination.port),
      destination_meta: { labels: { ...point.destinationLabels, ...point.destinationTls } },
      proxy_direction: point.direction === 'outbound' ? OUTBOUND : INBOUND,
      ...(point.routeLabels ? { route_meta: { labels: point.routeLabels } } : {}),
    };
  }

  #send(http: Message): void {
    this.#to.send({ ...this.#common, http });
  }

  request(seen: Tapped, exchange: Exchange): void {
    const { method, scheme, authority, path } = seen;
    const number = METHODS.indexOf(method);
    const pseudo = { ':method': method, ':scheme': scheme, ':authority': authority, ':path': exchange.path };
    const first: Headers = isHttp2(exchange) ? pseudo : { host: authority };
    this.#send({
      request_init: {
        id: this.#id,
        method: number < 0 ? { unregistered: method } : { registered: number },
        scheme: { registered: 0 },
        authority,
        path,
        ...(this.#to.headers ? { headers: headersMessage({ ...first, ...exchange.headers }) } : {}),
      },
    });
  }

  response(exchange: Exchange, { status, headers }: Answer): void {
    this.#answeredAt = performance.now();
    const first: Headers = isHttp2(exchange) ? { ':status': String(status) } : {};
    this.#send({
      response_init: {
        id: this.#id,
        since_request_init: durationOf(this.#answeredAt - this.#startedAt),
        http_status: status,
        ...(this.#to.headers ? { headers: headersMessage({ ...first, ...headers }) } : {}),
      },
    });
  }

  end(
    bytes: number,
    { grpcStatus, trailers }: { grpcStatus?: string | undefined; trailers?: Headers | undefined } = {},
  ) {
    if (this.#over) return;
    this.#over = true;
    const now = performance.now();
    this.#send({
      response_end: {
        id: this.#id,
        since_request_init: durationOf(now - this.#startedAt),
        ...(this.#answeredAt === undefined ? {} : { since_response_init: durationOf(now - this.#answeredAt) }),
        response_bytes: bytes,
        eos: grpcStatus !== undefined && /^\d+$/.test(grpcStatus) ? { grpc_status_code: Number(grpcStatus) } : {},
        ...(this.#to.headers && trailers ? { trailers: headersMessage(trailers) } : {}),
      },
    });
    this.#to.over();
  }
}

/** What HTTP/1 became between two proxies is HTTP/1 for those who look on. */
const isHttp2 = ({ version, isNative }: Exchange): boolean => version === 'HTTP/2.0' && isNative;

function headersMessage(headers: Headers): Message {
  const out: Message[] = [];
  for (const [name, value] of Object.entries(headers)) {
    if (value === undefined || name.startsWith('l5d-')) continue;
    for (const each of [value].flat()) out.push({ name, value: Buffer.from(String(each), 'latin1') });
  }
  return { headers: out };
}

/** Everybody who looks on at one proxy. While nobody does, a request costs one comparison. */
export class Taps {
  readonly #taps = new Set<Tap>();

  add(tap: Tap): () => void {
    this.#taps.add(tap);
    return () => this.#taps.delete(tap);
  }

  /** Whether anybody looks on. */
  get watched(): boolean {
    return this.#taps.size > 0;
  }

  /** Tells of a request that goes on its way; undefined when nobody wants to hear of it. */
  begin(exchange: Exchange, where: () => TapPoint): Telling | undefined {
    if (!this.watched) return undefined;
    const point = where();
    const seen: Tapped = {
      method: exchange.method,
      path: exchange.path.split('?')[0]!,
      authority: exchange.authority,
      scheme: 'http',
      source: point.source,
      destination: point.destination,
      destinationLabels: point.destinationLabels,
      routeLabels: point.routeLabels,
    };
    const told = [...this.#taps].flatMap((tap) => {
      const each = tap.begin(point, seen, exchange);
      if (tap.isFull) this.#taps.delete(tap);
      return each ?? [];
    });
    return told.length > 0 ? new Telling(exchange, told) : undefined;
  }
}

/** A request that is being told of. */
export class Telling {
  readonly #exchange: Exchange;
  readonly #told: Told[];

  constructor(exchange: Exchange, told: Told[]) {
    this.#exchange = exchange;
    this.#told = told;
  }

  /** What is on its way, told of whichever way it ends. */
  async through(sent: Promise<Answer>): Promise<Answer> {
    try {
      return this.answered(await sent);
    } catch (error) {
      this.failed();
      throw error;
    }
  }

  /** There will be no answer. */
  failed(): void {
    for (const each of this.#told) each.end(0);
  }

  /** The answer, to be sent on in place of the given one: its bytes are counted on their way. */
  answered(answer: Answer): Answer {
    for (const each of this.#told) each.response(this.#exchange, answer);
    const { body, whole } = answer;
    let bytes = whole?.length ?? 0;
    const end = () => {
      const trailers = answer.trailers?.();
      for (const each of this.#told) each.end(bytes, { grpcStatus: grpcStatusOf(answer), trailers });
    };
    if (!body) {
      end();
      return answer;
    }
    const counted = new Transform({
      transform(chunk: Buffer, _encoding, next) {
        bytes += chunk.length;
        next(null, chunk);
      },
      flush(next) {
        end();
        next();
      },
    });
    body.on('error', (error) => counted.destroy(error));
    body.on('close', () => body.readableEnded || counted.destroy());
    counted.on('close', () => {
      end();
      if (!body.readableEnded) body.destroy();
    });
    body.pipe(counted);
    return { ...answer, body: counted };
  }
}
