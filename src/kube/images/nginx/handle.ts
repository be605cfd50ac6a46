import type { IncomingMessage, ServerResponse } from 'node:http';
import { posix } from 'node:path';
import type { Connection } from '#kube/network/network.ts';
import type { ContainerContext } from '../program.ts';
import type { Handling, Location, ServerBlock } from './config.ts';
import { decode } from './paths.ts';
import { proxy } from './proxy.ts';
import { reasonFor } from './reasons.ts';

const TYPES: Record<string, string> = {
  html: 'text/html',
  htm: 'text/html',
  css: 'text/css',
  xml: 'text/xml',
  gif: 'image/gif',
  jpeg: 'image/jpeg',
  jpg: 'image/jpeg',
  js: 'application/javascript',
  txt: 'text/plain',
  png: 'image/png',
  svg: 'image/svg+xml',
  ico: 'image/x-icon',
  json: 'application/json',
  pdf: 'application/pdf',
  wasm: 'application/wasm',
};

/** Inner redirects that a request may make (nginx allows ten). */
const MOST_REDIRECTS = 10;

/** How a running nginx serves one request. */
export class Exchange {
  readonly context: ContainerContext;
  readonly version: string;
  readonly server: ServerBlock;
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly addresses: ReadonlyMap<string, string[]>;
  readonly onError: (message: string) => void;
  sent = 0;
  uri: string;
  args: string;
  #captures: string[] = [];
  #redirects = 0;
  readonly turn: number;

  constructor(options: {
    context: ContainerContext;
    version: string;
    server: ServerBlock;
    request: IncomingMessage;
    response: ServerResponse;
    /** What the names of upstreams resolved to at the start. */
    addresses: ReadonlyMap<string, string[]>;
    onError(message: string): void;
    /** A number that counts up, to take turns between addresses. */
    turn: number;
  }) {
    this.context = options.context;
    this.version = options.version;
    this.server = options.server;
    this.request = options.request;
    this.response = options.response;
    this.addresses = options.addresses;
    this.onError = options.onError;
    this.turn = options.turn;
    const [path = '/', args = ''] = (this.request.url ?? '/').split(/\?(.*)/s);
    this.uri = decode(path);
    this.args = args;
  }

  async run(): Promise<void> {
    const { returns, rewrites } = this.server;
    if (!/^(\/|https?:)/i.test(this.request.url ?? '/')) return this.fail(this.server, 400);
    this.#rewrite(rewrites);
    if (returns) return this.#return(this.server, returns);
    const location = this.#find();
    await this.#serve(location ?? this.server, location);
  }

  #find(): Location | undefined {
    const { locations } = this.server;
    const exact = locations.find(({ kind, path }) => kind === 'exact' && path === this.uri);
    if (exact) return exact;
    const longest = locations
      .filter(({ kind, path }) => kind.endsWith('prefix') && this.uri.startsWith(path))
      .sort((a, b) => b.path.length - a.path.length)[0];
    if (longest?.kind === 'final-prefix') return longest;
    for (const location of locations) {
      const match = location.pattern?.exec(this.uri);
      if (!match) continue;
      this.#captures = [...match];
      return location;
    }
    return longest;
  }

  async #serve(handling: Handling, location: Location | undefined): Promise<void> {
    const before = this.uri;
    const last = this.#rewrite(handling.rewrites);
    if (last === 'last' && this.uri !== before && this.#redirects++ < MOST_REDIRECTS) {
      const next = this.#find();
      return this.#serve(next ?? this.server, next);
    }
    if (last === 'redirect' || last === 'permanent') {
      return this.#return(handling, { status: last === 'redirect' ? 302 : 301, text: this.uri });
    }
    if (handling.returns) return this.#return(handling, handling.returns);
    if (handling.denied) return this.fail(handling, 403);
    if (handling.stubStatus) {
      return this.#send(handling, 200, 'Active connections: 1 \n', { 'Content-Type': 'text/plain' });
    }
    if (handling.proxyPass) return proxy(this, handling, handling.proxyPass, location);
    return this.#static(handling, location);
  }

  #rewrite(rewrites: Handling['rewrites']): string {
    for (const { pattern, to, flag } of rewrites) {
      const match = pattern.exec(this.uri);
      if (!match) continue;
      this.#captures = [...match];
      this.uri = this.expand(to);
      if (flag || /^https?:/.test(this.uri)) return flag || 'redirect';
    }
    return '';
  }

  async #static(handling: Handling, location: Location | undefined): Promise<void> {
    if (!['GET', 'HEAD'].includes(this.request.method ?? '')) return this.fail(handling, 405);
    if (handling.tryFiles) {
      for (const candidate of handling.tryFiles.slice(0, -1)) {
        const uri = this.expand(candidate);
        if (this.#file(handling, location, uri)) return this.#sendFile(handling, location, uri);
      }
      const fallback = handling.tryFiles.at(-1)!;
      if (fallback.startsWith('=')) return this.fail(handling, Number(fallback.slice(1)));
      const named = this.server.locations.find(({ kind, path }) => kind === 'named' && path === fallback);
      if (named) return this.#serve(named, named);
      this.uri = this.expand(fallback).split('?')[0]!;
      if (this.#redirects++ > MOST_REDIRECTS) return this.fail(handling, 500);
      const next = this.#find();
      if (next && next !== location) return this.#serve(next, next);
      return this.#sendFile(handling, location, this.uri);
    }
    return this.#sendFile(handling, location, this.uri);
  }

  #path(handling: Handling, location: Location | undefined, uri: string): string {
    if (handling.alias !== undefined && location) {
      return posix.join('/', this.expand(handling.alias), uri.slice(location.path.length));
    }
    return posix.join('/', this.expand(handling.root ?? '/etc/nginx/html'), posix.join('/', uri));
  }

  #file(handling: Handling, location: Location | undefined, uri: string): Uint8Array | undefined {
    const path = this.#path(handling, location, uri);
    if (!uri.endsWith('/')) return this.context.files.readFile(path);
    for (const index of handling.index ?? ['index.html']) {
      const found = this.context.files.readFile(posix.join(path, index));
      if (found) return found;
    }
    return undefined;
  }

  #sendFile(handling: Handling, location: Location | undefined, uri: string): Promise<void> {
    const path = this.#path(handling, location, uri);
    const found = this.#file(handling, location, uri);
    if (found) {
      const name = uri.endsWith('/') ? 'index.html' : posix.basename(uri);
      const type = TYPES[posix.extname(name).slice(1)] ?? handling.defaultType ?? 'text/plain';
      return this.#send(handling, 200, found, { 'Content-Type': type });
    }
    const isFolder = this.context.files.list(path) !== undefined;
    if (isFolder && !uri.endsWith('/')) {
      return this.#return(handling, { status: 301, text: `${uri}/` });
    }
    if (isFolder) {
      this.onError(`directory index of "${path}" is forbidden`);
      return this.fail(handling, 403);
    }
    this.onError(`open() "${path}" failed (2: No such file or directory)`);
    return this.fail(handling, 404);
  }

  async #return(handling: Handling, { status, text }: { status: number; text?: string }): Promise<void> {
    if (status === 444) {
      const { socket } = this.request;
      socket.end(() => socket.destroy());
      return;
    }
    if (status >= 300 && status < 400 && text !== undefined)
      return this.#send(handling, status, this.page(status), {
        'Content-Type': 'text/html',
        Location: this.#absolute(this.expand(text)),
      });
    if (text === undefined) return this.fail(handling, status);
    return this.#send(handling, status, this.expand(text), { 'Content-Type': handling.defaultType ?? 'text/plain' });
  }

  /** A place on this server with its name and, unless it is 80, its port (`absolute_redirect`, `port_in_redirect`). */
  #absolute(place: string): string {
    if (!place.startsWith('/')) return place;
    const port = this.variable('server_port');
    return `http://${this.variable('host')}${port === '80' || port === '' ? '' : `:${port}`}${place}`;
  }

  async fail(handling: Handling, status: number): Promise<void> {
    const own = handling.errorPages.find(({ codes }) => codes.includes(status));
    if (own?.uri.startsWith('/') && this.#redirects++ < MOST_REDIRECTS) {
      this.uri = own.uri;
      const location = this.#find();
      const found = this.#file(location ?? this.server, location, own.uri);
      if (found) return this.#send(handling, status, found, { 'Content-Type': 'text/html' });
    }
    if (status === 204) return this.#send(handling, status, '', {});
    if (status < 400) return this.#send(handling, status, '', { 'Content-Type': handling.defaultType ?? 'text/plain' });
    // There is a page for the statuses that it has a line for.
    if (reasonFor(status) === '') return this.#send(handling, status, '', {});
    return this.#send(handling, status, this.page(status), { 'Content-Type': 'text/html' });
  }

  /** nginx's own page for a status. */
  page(status: number): string {
    const title = `${status} ${status === 302 ? 'Found' : reasonFor(status)}`;
    return `<html>\r\n<head><title>${title}</title></head>\r\n<body>\r\n<center><h1>${title}</h1></center>\r\n<hr><center>nginx/${this.version}</center>\r\n</body>\r\n</html>\r\n`;
  }

  async #send(
    handling: Handling,
    status: number,
    body: string | Uint8Array,
    headers: Record<string, string>,
  ): Promise<void> {
    const bytes = typeof body === 'string' ? Buffer.from(body) : body;
    const sized: Record<string, string> =
      status !== 204 && status !== 304 ? { 'Content-Length': String(bytes.length) } : {};
    this.head(handling, status, { ...headers, ...sized });
    this.sent = this.request.method === 'HEAD' ? 0 : bytes.length;
    const { limitRate } = handling;
    if (limitRate && this.request.method !== 'HEAD') await this.#slowly(bytes, limitRate);
    else this.response.end(this.request.method === 'HEAD' ? undefined : bytes);
  }

  /** As much a second as `limit_rate` lets through. */
  async #slowly(bytes: Uint8Array, rate: number): Promise<void> {
    const { response } = this;
    for (let at = 0; at < bytes.length && !response.destroyed; at += rate) {
      response.write(bytes.subarray(at, at + rate));
      if (at + rate < bytes.length) await this.context.clock.sleep(1000);
    }
    response.end();
  }

  /** Status and headers, with those that nginx adds. */
  head(handling: Handling, status: number, headers: Record<string, string | string[]>): void {
    const { response } = this;
    response.sendDate = false;
    response.statusCode = status;
    response.setHeader('Server', `nginx/${this.version}`);
    response.setHeader('Date', new Date(this.context.clock.now()).toUTCString());
    const given = Object.entries(headers);
    const place = ([name]: [string, unknown]): number => FIRST.indexOf(name.toLowerCase());
    const early = given.filter((each) => place(each) >= 0).sort((a, b) => place(a) - place(b));
    for (const [name, value] of early) response.setHeader(name, value);
    if (this.request.httpVersionMajor < 2) {
      // Node has a word of its own for no words at all.
      response.statusMessage = reasonFor(status) || ' ';
      response.setHeader('Connection', response.shouldKeepAlive ? 'keep-alive' : 'close');
    }
    for (const [name, value] of given.filter((each) => place(each) < 0)) response.setHeader(name, value);
    for (const { name, value, always } of handling.headers)
      if (always || (status < 400 && status !== 304)) response.setHeader(name, this.expand(value));
  }

  /** Replaces nginx's variables. */
  expand(text: string): string {
    return text.replace(/\$(?:\{(\w+)\}|(\w+))/g, (_all, braced?: string, bare?: string) =>
      this.variable(braced ?? bare!),
    );
  }

  variable(name: string): string {
    const { request } = this;
    const { headers, socket } = request;
    if (/^\d$/.test(name)) return this.#captures[Number(name)] ?? '';
    if (name.startsWith('http_')) return String(headers[name.slice(5).replaceAll('_', '-')] ?? '');
    if (name.startsWith('arg_')) return new URLSearchParams(this.args).get(name.slice(4)) ?? '';
    const host = (headers.host ?? String(headers[':authority'] ?? '')).replace(/:\d+$/, '');
    const forwarded = headers['x-forwarded-for'];
    switch (name) {
      case 'host':
        return host || this.server.names[0] || '';
      case 'hostname':
        return this.context.env['HOSTNAME'] ?? this.context.pod.name;
      case 'uri':
      case 'document_uri':
        return this.uri;
      case 'request_uri':
        return request.url ?? '/';
      case 'args':
      case 'query_string':
        return this.args;
      case 'is_args':
        return this.args ? '?' : '';
      case 'remote_addr':
        return socket.remoteAddress ?? '';
      case 'remote_port':
        return String(socket.remotePort ?? '');
      case 'server_addr':
        return this.context.net.ip;
      case 'server_port':
        return String((socket as unknown as Connection).localPort ?? '');
      case 'server_name':
        return this.server.names[0] ?? '';
      case 'server_protocol':
        return `HTTP/${request.httpVersion}`;
      case 'scheme':
        return 'http';
      case 'request_method':
        return request.method ?? '';
      case 'request':
        return `${request.method} ${request.url} HTTP/${request.httpVersion}`;
      case 'status':
        return String(this.response.statusCode);
      case 'body_bytes_sent':
        return String(this.sent);
      case 'content_type':
        return headers['content-type'] ?? '';
      case 'nginx_version':
        return this.version;
      case 'time_iso8601':
        return new Date(this.context.clock.now()).toISOString().replace(/\.\d+Z$/, '+00:00');
      case 'proxy_add_x_forwarded_for':
        return [forwarded, socket.remoteAddress].flat().filter(Boolean).join(', ');
      case 'proxy_host':
        return '$proxy_host';
      default:
        return '';
    }
  }
}

/** Headers that nginx writes before `Connection`. */
const FIRST = ['content-type', 'content-length', 'last-modified', 'location'];
