import { CurlUsage } from './failure.ts';

export interface CurlOptions {
  urls: string[];
  method: string | undefined;
  headers: string[];
  data: { kind: 'ascii' | 'binary' | 'raw' | 'urlencode' | 'json'; value: string }[];
  forms: string[];
  upload: string | undefined;
  /** One for each URL, in order. `-O` gives the name of the remote file. */
  outputs: (string | { remoteName: true })[];
  remoteNameAll: boolean;
  createDirectories: boolean;
  dumpHeader: string | undefined;
  include: boolean;
  head: boolean;
  get: boolean;
  silent: boolean;
  showError: boolean;
  verbose: boolean;
  fail: 'no' | 'early' | 'with-body';
  location: boolean;
  maxRedirects: number;
  insecure: boolean;
  caCert: string | undefined;
  cert: string | undefined;
  key: string | undefined;
  tlsMin: 'TLSv1.2' | 'TLSv1.3' | undefined;
  tlsMax: 'TLSv1.2' | 'TLSv1.3' | undefined;
  user: string | undefined;
  bearer: string | undefined;
  agent: string | undefined;
  referer: string | undefined;
  cookie: string | undefined;
  range: string | undefined;
  writeOut: string | undefined;
  maxTimeMs: number | undefined;
  connectTimeoutMs: number | undefined;
  retries: number;
  retryDelayMs: number | undefined;
  retryMaxMs: number | undefined;
  retryRefused: boolean;
  retryAll: boolean;
  resolve: string[];
  connectTo: string[];
  http: '1.0' | '1.1' | '2' | 'prior-knowledge';
  /** What the request line says instead of the URL's path. */
  requestTarget: string | undefined;
  pathAsIs: boolean;
  compressed: boolean;
  glob: boolean;
  failEarly: boolean;
  maxFileSize: number | undefined;
  version: boolean;
  help: boolean;
}

const SHORT: Record<string, string> = {
  X: 'request',
  H: 'header',
  d: 'data',
  F: 'form',
  T: 'upload-file',
  o: 'output',
  O: 'remote-name',
  D: 'dump-header',
  i: 'include',
  I: 'head',
  G: 'get',
  s: 'silent',
  S: 'show-error',
  v: 'verbose',
  f: 'fail',
  L: 'location',
  k: 'insecure',
  E: 'cert',
  u: 'user',
  A: 'user-agent',
  e: 'referer',
  b: 'cookie',
  r: 'range',
  w: 'write-out',
  m: 'max-time',
  g: 'globoff',
  N: 'no-buffer',
  '4': 'ipv4',
  '6': 'ipv6',
  '0': 'http1.0',
  '#': 'progress-bar',
  V: 'version',
  h: 'help',
  q: 'disable',
  x: 'proxy',
  K: 'config',
  c: 'cookie-jar',
  ':': 'next',
  Z: 'parallel',
  y: 'speed-time',
  Y: 'speed-limit',
  '2': 'tlsv1.2',
};

type Setter = (options: CurlOptions, value: string) => void;

const seconds = (name: string, value: string): number => {
  const number = Number(value);
  if (value.trim() === '' || !Number.isFinite(number) || number < 0)
    throw new CurlUsage(`option --${name}: expected a proper numerical parameter`);
  return number * 1000;
};
const whole = (name: string, value: string): number => {
  if (!/^-?\d+$/.test(value)) throw new CurlUsage(`option --${name}: expected a proper numerical parameter`);
  return Number(value);
};
const dataOf =
  (kind: CurlOptions['data'][number]['kind']): Setter =>
  (options, value) => {
    options.data.push({ kind, value });
  };

/** Options with a value. */
const VALUES: Record<string, Setter> = {
  request: (o, value) => (o.method = value),
  header: (o, value) => o.headers.push(value),
  data: dataOf('ascii'),
  'data-ascii': dataOf('ascii'),
  'data-binary': dataOf('binary'),
  'data-raw': dataOf('raw'),
  'data-urlencode': dataOf('urlencode'),
  json: dataOf('json'),
  form: (o, value) => o.forms.push(value),
  'upload-file': (o, value) => (o.upload = value),
  output: (o, value) => o.outputs.push(value),
  'dump-header': (o, value) => (o.dumpHeader = value),
  'max-redirs': (o, value) => (o.maxRedirects = whole('max-redirs', value)),
  cacert: (o, value) => (o.caCert = value),
  cert: (o, value) => (o.cert = value),
  key: (o, value) => (o.key = value),
  user: (o, value) => (o.user = value),
  'oauth2-bearer': (o, value) => (o.bearer = value),
  'user-agent': (o, value) => (o.agent = value),
  referer: (o, value) => (o.referer = value),
  cookie: (o, value) => (o.cookie = value),
  range: (o, value) => (o.range = value),
  'write-out': (o, value) => (o.writeOut = value),
  'max-time': (o, value) => (o.maxTimeMs = seconds('max-time', value)),
  'connect-timeout': (o, value) => (o.connectTimeoutMs = seconds('connect-timeout', value)),
  retry: (o, value) => (o.retries = whole('retry', value)),
  'retry-delay': (o, value) => (o.retryDelayMs = seconds('retry-delay', value)),
  'retry-max-time': (o, value) => (o.retryMaxMs = seconds('retry-max-time', value)),
  'request-target': (o, value) => (o.requestTarget = value),
  resolve: (o, value) => o.resolve.push(value),
  'connect-to': (o, value) => o.connectTo.push(value),
  url: (o, value) => o.urls.push(value),
  'max-filesize': (o, value) => (o.maxFileSize = whole('max-filesize', value)),
  'tls-max': (o, value) => (o.tlsMax = value === '1.2' ? 'TLSv1.2' : 'TLSv1.3'),
  'cert-type': () => {},
  'key-type': () => {},
  'keepalive-time': () => {},
  'expect100-timeout': () => {},
};

/** Options without one; `false` for their `--no-` form. */
const FLAGS: Record<string, (options: CurlOptions, on: boolean) => void> = {
  'remote-name': (o) => o.outputs.push({ remoteName: true }),
  'remote-name-all': (o, on) => (o.remoteNameAll = on),
  'create-dirs': (o, on) => (o.createDirectories = on),
  include: (o, on) => (o.include = on),
  'show-headers': (o, on) => (o.include = on),
  head: (o, on) => (o.head = on),
  get: (o, on) => (o.get = on),
  silent: (o, on) => (o.silent = on),
  'show-error': (o, on) => (o.showError = on),
  verbose: (o, on) => (o.verbose = on),
  fail: (o, on) => (o.fail = on ? 'early' : 'no'),
  'fail-with-body': (o, on) => (o.fail = on ? 'with-body' : 'no'),
  'fail-early': (o, on) => (o.failEarly = on),
  location: (o, on) => (o.location = on),
  'location-trusted': (o, on) => (o.location = on),
  insecure: (o, on) => (o.insecure = on),
  'retry-connrefused': (o, on) => (o.retryRefused = on),
  'retry-all-errors': (o, on) => (o.retryAll = on),
  'http1.0': (o) => (o.http = '1.0'),
  'http1.1': (o) => (o.http = '1.1'),
  http2: (o) => (o.http = '2'),
  'http2-prior-knowledge': (o) => (o.http = 'prior-knowledge'),
  compressed: (o, on) => (o.compressed = on),
  globoff: (o, on) => (o.glob = !on),
  'path-as-is': (o, on) => (o.pathAsIs = on),
  version: (o, on) => (o.version = on),
  help: (o, on) => (o.help = on),
  tlsv1: (o) => (o.tlsMin = 'TLSv1.2'),
  'tlsv1.2': (o) => (o.tlsMin = 'TLSv1.2'),
  'tlsv1.3': (o) => (o.tlsMin = 'TLSv1.3'),
};

/** Accepted and without effect here: nothing is buffered, there is one address family and no progress meter. */
const IGNORED = new Set([
  'no-buffer',
  'buffer',
  'ipv4',
  'ipv6',
  'progress-bar',
  'progress-meter',
  'disable',
  'keepalive',
  'tcp-nodelay',
  'alpn',
  'styled-output',
  'tcp-fastopen',
  'sessionid',
  'parallel',
  'ssl-reqd',
]);

export function defaultOptions(): CurlOptions {
  return {
    urls: [],
    method: undefined,
    headers: [],
    data: [],
    forms: [],
    upload: undefined,
    outputs: [],
    remoteNameAll: false,
    createDirectories: false,
    dumpHeader: undefined,
    include: false,
    head: false,
    get: false,
    silent: false,
    showError: false,
    verbose: false,
    fail: 'no',
    location: false,
    maxRedirects: 50,
    insecure: false,
    caCert: undefined,
    cert: undefined,
    key: undefined,
    tlsMin: undefined,
    tlsMax: undefined,
    user: undefined,
    bearer: undefined,
    agent: undefined,
    referer: undefined,
    cookie: undefined,
    range: undefined,
    writeOut: undefined,
    maxTimeMs: undefined,
    connectTimeoutMs: undefined,
    retries: 0,
    retryDelayMs: undefined,
    retryMaxMs: undefined,
    retryRefused: false,
    retryAll: false,
    resolve: [],
    connectTo: [],
    http: '2',
    requestTarget: undefined,
    pathAsIs: false,
    compressed: false,
    glob: true,
    failEarly: false,
    maxFileSize: undefined,
    version: false,
    help: false,
  };
}

/** Reads a command line of curl. Throws {@link CurlUsage}. */
export function parseCurl(args: readonly string[]): CurlOptions {
  const options = defaultOptions();
  for (let i = 0; i < args.length; i++) {
    const arg = args[i]!;
    if (arg === '--') {
      options.urls.push(...args.slice(i + 1));
      break;
    }
    if (arg.startsWith('--')) {
      const name = arg.slice(2);
      if (setFlag(options, name)) continue;
      const setter = Object.hasOwn(VALUES, name) ? VALUES[name] : undefined;
      if (!setter) throw unknown(`--${name}`, name);
      const value = args[++i];
      if (value === undefined) throw new CurlUsage(`option --${name}: requires parameter`);
      setter(options, value);
      continue;
    }
    if (!/^-./.test(arg)) {
      options.urls.push(arg);
      continue;
    }
    for (let at = 1; at < arg.length; at++) {
      const name = SHORT[arg[at]!];
      if (name === undefined) throw unknown(`-${arg[at]}`, '');
      if (setFlag(options, name)) continue;
      const setter = VALUES[name];
      if (!setter) throw unknown(`-${arg[at]}`, name);
      const value = arg.slice(at + 1) || args[++i];
      if (value === undefined) throw new CurlUsage(`option -${arg[at]}: requires parameter`);
      setter(options, value);
      break;
    }
  }
  return options;
}

function setFlag(options: CurlOptions, name: string): boolean {
  const on = !name.startsWith('no-') || name === 'no-buffer';
  const base = on ? name : name.slice(3);
  if (IGNORED.has(base)) return true;
  if (!Object.hasOwn(FLAGS, base)) return false;
  FLAGS[base]!(options, on);
  return true;
}

/** Options of curl that are not modelled are named as such, so that nobody looks for a typing mistake. */
function unknown(shown: string, name: string): CurlUsage {
  const real = [
    'proxy',
    'config',
    'cookie-jar',
    'next',
    'speed-time',
    'speed-limit',
    'unix-socket',
    'limit-rate',
    'http3',
    'interface',
    'trace',
    'trace-ascii',
    'stderr',
    'digest',
    'ntlm',
    'negotiate',
  ];
  if (real.includes(name)) return new CurlUsage(`option ${shown}: is not available in this lab's curl`);
  return new CurlUsage(`option ${shown}: is unknown`);
}
