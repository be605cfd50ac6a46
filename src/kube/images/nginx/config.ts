import { ConfigFailure, type Directive, parseConfig } from './syntax.ts';

export interface Upstream {
  name: string;
  servers: { host: string; port: number }[];
}

export interface ProxyPass {
  /** As written, with variables. */
  target: string;
  host: string;
  port: number;
  /** The path that replaces the location's prefix; absent: the request's own. */
  uri?: string;
  upstream?: Upstream;
  at: Directive;
}

/** What a location or a server does; what is absent is inherited. */
export interface Handling {
  root?: string;
  alias?: string;
  index?: string[];
  tryFiles?: string[];
  returns?: { status: number; text?: string };
  proxyPass?: ProxyPass;
  proxyHeaders: [string, string][];
  headers: { name: string; value: string; always: boolean }[];
  defaultType?: string;
  errorPages: { codes: number[]; uri: string }[];
  rewrites: { pattern: RegExp; to: string; flag: string }[];
  accessLog?: boolean;
  stubStatus?: boolean;
  denied?: boolean;
  readTimeoutMs?: number;
  connectTimeoutMs?: number;
  /** Bytes a second of an answer's body; 0: no limit. */
  limitRate?: number;
}

export interface Location extends Handling {
  kind: 'exact' | 'prefix' | 'regex' | 'final-prefix' | 'named';
  path: string;
  pattern?: RegExp;
}

export interface ServerBlock extends Handling {
  listens: { port: number; isDefault: boolean; http2: boolean }[];
  names: string[];
  locations: Location[];
}

export interface NginxConfig {
  servers: ServerBlock[];
}

/** Directives that change nothing that can be seen here. */
const QUIET = new Set(
  'user worker_processes pid events worker_connections include_mime types sendfile tcp_nopush tcp_nodelay keepalive_timeout keepalive_requests gzip gzip_types gzip_vary gzip_min_length gzip_proxied gzip_comp_level server_tokens client_max_body_size client_body_buffer_size error_log log_format charset autoindex types_hash_max_size server_names_hash_bucket_size proxy_http_version proxy_buffering proxy_buffers proxy_buffer_size proxy_busy_buffers_size proxy_redirect proxy_cache_bypass proxy_send_timeout proxy_request_buffering proxy_ssl_server_name resolver resolver_timeout worker_rlimit_nofile daemon master_process etag expires keepalive zone internal absolute_redirect port_in_redirect merge_slashes send_timeout client_body_timeout client_header_timeout reset_timedout_connection multi_accept use load_module least_conn'.split(
    ' ',
  ),
);

const emptyHandling = (): Handling => ({ proxyHeaders: [], headers: [], errorPages: [], rewrites: [] });

/** Reads a configuration from its main file, following `include`. Throws {@link ConfigFailure} as nginx would not start. */
export function readConfig(
  main: string,
  readFile: (path: string) => string | undefined,
  listFiles: (pattern: string) => string[],
): NginxConfig {
  const load = (path: string, from?: Directive): Directive[] => {
    const text = readFile(path);
    if (text === undefined) {
      const at = from ?? { file: path, line: 1 };
      throw new ConfigFailure(`open() "${path}" failed (2: No such file or directory)`, at);
    }
    return expand(parseConfig(text, path));
  };
  const expand = (list: Directive[]): Directive[] =>
    list.flatMap((directive) => {
      if (directive.name !== 'include')
        return [directive.block ? { ...directive, block: expand(directive.block) } : directive];
      const [pattern = ''] = directive.args;
      const path = pattern.startsWith('/') ? pattern : `/etc/nginx/${pattern}`;
      if (path.endsWith('mime.types')) return [];
      if (path.includes('*')) return listFiles(path).flatMap((file) => load(file, directive));
      return load(path, directive);
    });

  const top = load(main);
  const http = top.filter(({ name }) => name === 'http').flatMap(({ block }) => block ?? []);
  for (const directive of top) {
    if (directive.name !== 'http' && !QUIET.has(directive.name)) throw unknown(directive);
  }
  const shared = emptyHandling();
  const upstreams = new Map<string, Upstream>();
  for (const directive of http.filter(({ name }) => name === 'upstream')) {
    const [name = ''] = directive.args;
    const servers = (directive.block ?? [])
      .filter((one) => one.name === 'server')
      .map(({ args: [address = ''] }) => hostPort(address));
    upstreams.set(name, { name, servers });
  }
  const servers: ServerBlock[] = [];
  for (const directive of http) {
    if (directive.name === 'server') servers.push(readServer(directive, upstreams));
    else if (directive.name !== 'upstream') handle(directive, shared, upstreams);
  }
  for (const server of servers) {
    inherit(server, shared);
    for (const location of server.locations) inherit(location, server);
  }
  return { servers };
}

function inherit(own: Handling, above: Handling): void {
  own.index ??= above.index!;
  own.root ??= above.root!;
  own.defaultType ??= above.defaultType!;
  own.accessLog ??= above.accessLog!;
  own.readTimeoutMs ??= above.readTimeoutMs!;
  own.limitRate ??= above.limitRate!;
  own.connectTimeoutMs ??= above.connectTimeoutMs!;
  // These lists are inherited whole, or not at all when the inner level has one of its own.
  if (own.headers.length === 0) own.headers = above.headers;
  if (own.proxyHeaders.length === 0) own.proxyHeaders = above.proxyHeaders;
  if (own.errorPages.length === 0) own.errorPages = above.errorPages;
}

function readServer(directive: Directive, upstreams: Map<string, Upstream>): ServerBlock {
  const server: ServerBlock = { ...emptyHandling(), listens: [], names: [], locations: [] };
  for (const inner of directive.block ?? []) {
    if (inner.name === 'listen') {
      const [address = ''] = inner.args;
      if (inner.args.includes('ssl'))
        throw new ConfigFailure('"listen … ssl" is not modelled by this image; terminate TLS in the mesh', inner);
      // The network here has one address family.
      if (address.startsWith('[::]')) continue;
      server.listens.push({
        port: hostPort(/^\d+$/.test(address) ? `*:${address}` : address).port,
        isDefault: inner.args.includes('default_server'),
        http2: inner.args.includes('http2'),
      });
    } else if (inner.name === 'http2') for (const listen of server.listens) listen.http2 = inner.args[0] === 'on';
    else if (inner.name === 'server_name') server.names = inner.args;
    else if (inner.name === 'location') server.locations.push(readLocation(inner, upstreams));
    else handle(inner, server, upstreams);
  }
  if (server.listens.length === 0) server.listens.push({ port: 80, isDefault: false, http2: false });
  return server;
}

function readLocation(directive: Directive, upstreams: Map<string, Upstream>): Location {
  const [first = '', second] = directive.args;
  const location: Location = { ...emptyHandling(), kind: 'prefix', path: second ?? first };
  if (first === '=') location.kind = 'exact';
  else if (first === '^~') location.kind = 'final-prefix';
  else if (first === '~' || first === '~*') {
    location.kind = 'regex';
    location.pattern = new RegExp(second ?? '', first === '~*' ? 'i' : '');
  } else if (first.startsWith('@')) location.kind = 'named';
  for (const inner of directive.block ?? []) handle(inner, location, upstreams);
  return location;
}

function handle(directive: Directive, into: Handling, upstreams: Map<string, Upstream>): void {
  const { name, args } = directive;
  const [first = ''] = args;
  switch (name) {
    case 'root':
      into.root = first;
      return;
    case 'alias':
      into.alias = first;
      return;
    case 'index':
      into.index = args;
      return;
    case 'try_files':
      into.tryFiles = args;
      return;
    case 'default_type':
      into.defaultType = first;
      return;
    case 'access_log':
      into.accessLog = first !== 'off';
      return;
    case 'stub_status':
      into.stubStatus = true;
      return;
    case 'deny':
      into.denied ||= first === 'all';
      return;
    case 'allow':
      return;
    case 'add_header':
      into.headers.push({ name: first, value: args[1] ?? '', always: args.includes('always') });
      return;
    case 'proxy_set_header':
      into.proxyHeaders.push([first, args[1] ?? '']);
      return;
    case 'proxy_read_timeout':
      into.readTimeoutMs = seconds(first);
      return;
    case 'proxy_connect_timeout':
      into.connectTimeoutMs = seconds(first);
      return;
    case 'limit_rate':
      into.limitRate = bytes(first);
      return;
    case 'error_page': {
      const codes = args.slice(0, -1).map(Number).filter(Number.isInteger);
      into.errorPages.push({ codes, uri: args.at(-1) ?? '' });
      return;
    }
    case 'rewrite':
      into.rewrites.push({ pattern: new RegExp(first), to: args[1] ?? '', flag: args[2] ?? '' });
      return;
    case 'return':
      into.returns = /^\d+$/.test(first)
        ? { status: Number(first), ...(args[1] === undefined ? {} : { text: args[1] }) }
        : { status: 302, text: first };
      return;
    case 'proxy_pass':
      into.proxyPass = readProxyPass(directive, upstreams);
      return;
    default:
      if (!QUIET.has(name)) throw unknown(directive);
  }
}

const unknown = (directive: Directive) =>
  new ConfigFailure(`unknown directive "${directive.name}" (or one that this image does not model)`, directive);

const bytes = (text: string): number =>
  Number.parseInt(text, 10) * (/k$/i.test(text) ? 1024 : /m$/i.test(text) ? 1024 * 1024 : 1);

const seconds = (text: string): number => Number.parseFloat(text) * (text.endsWith('ms') ? 1 : 1_000);

function readProxyPass(directive: Directive, upstreams: Map<string, Upstream>): ProxyPass {
  const [target = ''] = directive.args;
  const [, scheme, authority = '', uri] = /^(https?):\/\/([^/]+)(\/.*)?$/.exec(target) ?? [];
  if (!scheme) throw new ConfigFailure('invalid URL prefix', directive);
  if (scheme === 'https')
    throw new ConfigFailure('proxy_pass to https is not modelled by this image; let the mesh encrypt', directive);
  const upstream = upstreams.get(authority);
  return {
    target,
    ...hostPort(authority),
    ...(uri === undefined ? {} : { uri }),
    ...(upstream ? { upstream } : {}),
    at: directive,
  };
}

function hostPort(address: string): { host: string; port: number } {
  const [, host = address, port] = /^(.*?)(?::(\d+))?$/.exec(address) ?? [];
  return { host, port: Number(port ?? 80) };
}
