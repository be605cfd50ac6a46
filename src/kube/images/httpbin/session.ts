import type { GoProgram, HttpExchange } from '../go-program.ts';

export interface Flavour {
  name: 'httpbin' | 'go-httpbin';
  defaultPort: number;
}

/** The two programs differ in how they write JSON: Python joins repeated values, Go always gives lists. */
type Value = string | string[];

const CORS = { 'Access-Control-Allow-Credentials': 'true' };

/** A request that is refused with a status. */
export class Refusal extends Error {
  readonly status: number;
  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

const canonical = (name: string): string =>
  name.replace(/(^|-)([a-z])/g, (_all, dash: string, letter: string) => dash + letter.toUpperCase());

/** One request, and the two ways of answering it. */
export class Session {
  readonly exchange: HttpExchange;
  readonly program: GoProgram;
  readonly isGo: boolean;
  body: Buffer = Buffer.alloc(0);

  constructor(exchange: HttpExchange, program: GoProgram, flavour: Flavour) {
    this.exchange = exchange;
    this.program = program;
    this.isGo = flavour.name === 'go-httpbin';
  }

  get headers(): Record<string, Value> {
    const out: Record<string, Value> = {};
    const entries = Object.entries(this.exchange.request.headers).sort(([a], [b]) => (a < b ? -1 : 1));
    for (const [name, value] of entries) {
      if (value === undefined) continue;
      out[canonical(name)] = this.isGo ? [value].flat() : [value].flat().join(',');
    }
    return out;
  }

  get args(): Record<string, Value> {
    return this.#pairs(this.exchange.url.searchParams);
  }

  #pairs(params: URLSearchParams): Record<string, Value> {
    const out: Record<string, Value> = {};
    for (const name of params.keys()) {
      const all = params.getAll(name);
      out[name] = this.isGo || all.length > 1 ? all : all[0]!;
    }
    return out;
  }

  get origin(): string {
    const { headers, socket } = this.exchange.request;
    const forwarded = [headers['x-forwarded-for']].flat()[0];
    const address = socket.remoteAddress ?? '';
    if (!this.isGo) return forwarded ? `${forwarded}, ${address}` : address;
    return forwarded?.split(',')[0]?.trim() || address;
  }

  get url(): string {
    return `http://${this.exchange.request.headers.host ?? 'localhost'}${this.exchange.request.url}`;
  }

  json(value: unknown, status = 200, headers: Record<string, string> = {}): void {
    const text = this.isGo ? JSON.stringify(value, null, 2) : sortedJson(value);
    const type = this.isGo ? 'application/json; charset=utf-8' : 'application/json';
    this.send(status, `${text}\n`, { 'Content-Type': type, ...headers });
  }

  send(status: number, body: string | Uint8Array, headers: Record<string, string> = {}): void {
    const origin = String(this.exchange.request.headers['origin'] ?? '*');
    const server: Record<string, string> = this.isGo ? {} : { Server: 'gunicorn/19.9.0' };
    this.exchange.reply(status, body, { 'Access-Control-Allow-Origin': origin, ...CORS, ...server, ...headers });
  }

  /** The request as a mirror shows it. */
  mirror(withBody: boolean, withMethod: boolean): object {
    const base = {
      args: this.args,
      headers: this.headers,
      ...(withMethod || this.isGo ? { method: this.exchange.request.method } : {}),
      origin: this.origin,
      url: this.url,
    };
    if (!withBody) return base;
    const type = this.exchange.request.headers['content-type'] ?? '';
    const text = this.body.toString();
    const isForm = type.startsWith('application/x-www-form-urlencoded');
    let json: unknown = null;
    if (!isForm)
      try {
        json = JSON.parse(text);
      } catch {
        json = null;
      }
    return {
      ...base,
      data: isForm ? '' : text,
      files: {},
      form: isForm ? this.#pairs(new URLSearchParams(text)) : {},
      json,
    };
  }
}

/** As Python's json.dumps(indent=2, sort_keys=True). */
function sortedJson(value: unknown): string {
  const sorted = (one: unknown): unknown => {
    if (Array.isArray(one)) return one.map(sorted);
    if (typeof one !== 'object' || one === null) return one;
    return Object.fromEntries(
      Object.entries(one)
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .map(([name, inner]) => [name, sorted(inner)]),
    );
  };
  return JSON.stringify(sorted(value), null, 2);
}
