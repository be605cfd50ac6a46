import { randomUUID } from 'node:crypto';
import { parseGoDuration } from '../go-flags.ts';
import { bodyOf } from '../http-service.ts';
import { gzipSync, zlibDeflate } from './compress.ts';
import { Refusal, type Session } from './session.ts';

const MOST_SECONDS = 10;
const MOST_BYTES = 1024 * 1024;

/** The choice in whose share of the weights a point lies. */
function choose<T extends { weight: number }>(choices: T[], point: number): T {
  let rest = point;
  for (const choice of choices) {
    rest -= choice.weight;
    if (rest < 0) return choice;
  }
  return choices[0]!;
}

function status(session: Session, word: string): void {
  const choices = word.split(',').map((part) => {
    const [code = '', weight = '1'] = part.split(':');
    return { code: Number(code), weight: Number(weight) };
  });
  if (choices.some(({ code, weight }) => !(code >= 100 && code < 600) || Number.isNaN(weight)))
    throw new Refusal(400, 'Invalid status code');
  const total = choices.reduce((sum, { weight }) => sum + weight, 0);
  const { code } = choose(choices, Math.random() * total);
  if (code >= 300 && code < 400 && code !== 304) return session.send(code, '', { Location: '/redirect/1' });
  if (code === 401) return session.send(code, '', { 'WWW-Authenticate': 'Basic realm="Fake Realm"' });
  session.send(
    code,
    '',
    session.isGo ? { 'Content-Type': 'text/plain; charset=utf-8' } : { 'Content-Type': 'text/html; charset=utf-8' },
  );
}

const secondsOf = (word: string): number => {
  const ms = /^\d+(\.\d+)?$/.test(word) ? Number(word) * 1_000 : parseGoDuration(word);
  if (ms === undefined) throw new Refusal(400, `Invalid duration: ${word}`);
  return Math.min(ms, MOST_SECONDS * 1_000);
};

function basicAuth(session: Session, user: string, password: string, refusedWith: number): void {
  const given = session.exchange.request.headers.authorization ?? '';
  const right = given === `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
  if (right) return session.json({ authenticated: true, ...(session.isGo ? { authorized: true } : {}), user });
  const ask: Record<string, string> = refusedWith === 401 ? { 'WWW-Authenticate': 'Basic realm="Fake Realm"' } : {};
  if (session.isGo) return session.json({ authenticated: false, authorized: false, user: '' }, refusedWith, ask);
  session.send(refusedWith, '', ask);
}

function cookies(session: Session): void {
  const header = session.exchange.request.headers.cookie ?? '';
  const all = Object.fromEntries(
    header
      .split(/;\s*/)
      .filter(Boolean)
      .map((pair) => pair.split(/=(.*)/s).slice(0, 2)),
  );
  session.json(session.isGo ? all : { cookies: all });
}

async function stream(session: Session, count: number): Promise<void> {
  const { response } = session.exchange;
  response.sendDate = false;
  response.setHeader('Date', new Date(session.program.context.clock.now()).toUTCString());
  response.setHeader('Content-Type', 'application/json');
  for (let id = 0; id < Math.min(count, 100); id++) {
    const line = { id, args: session.args, headers: session.headers, origin: session.origin, url: session.url };
    response.write(`${JSON.stringify(line)}\n`);
  }
  response.end();
}

async function drip(session: Session): Promise<void> {
  const { response, url } = session.exchange;
  const { clock } = session.program.context;
  const number = (name: string, otherwise: number) => Number(url.searchParams.get(name) ?? otherwise);
  const count = Math.min(number('numbytes', 10), MOST_BYTES);
  const pauseMs = Math.min(number('duration', 2), MOST_SECONDS) * 1_000;
  await clock.sleep(Math.min(number('delay', session.isGo ? 2 : 0), MOST_SECONDS) * 1_000);
  response.statusCode = number('code', 200);
  response.setHeader('Content-Type', 'application/octet-stream');
  response.setHeader('Content-Length', String(count));
  for (let at = 0; at < count && !response.destroyed; at++) {
    response.write('*');
    if (at + 1 < count) await clock.sleep(pauseMs / count);
  }
  response.end();
}

/** Path patterns and what answers them; `:name` stands for one segment, `*` for the rest. */
const ROUTES: [
  methods: string,
  pattern: string,
  answer: (session: Session, ...parts: string[]) => void | Promise<void>,
][] = [
  [
    'GET',
    '/',
    (s) =>
      s.send(
        200,
        `<!DOCTYPE html>\n<html><head><title>${s.isGo ? 'go-httpbin' : 'httpbin.org'}</title></head><body><h1>${s.isGo ? 'go-httpbin' : 'httpbin'}</h1><p>A request and response service.</p></body></html>\n`,
        { 'Content-Type': 'text/html; charset=utf-8' },
      ),
  ],
  ['GET', '/get', (s) => s.json(s.mirror(false, false))],
  ['POST', '/post', (s) => s.json(s.mirror(true, false))],
  ['PUT', '/put', (s) => s.json(s.mirror(true, false))],
  ['PATCH', '/patch', (s) => s.json(s.mirror(true, false))],
  ['DELETE', '/delete', (s) => s.json(s.mirror(true, false))],
  ['ANY', '/anything', (s) => s.json(s.mirror(true, true))],
  ['ANY', '/anything/*', (s) => s.json(s.mirror(true, true))],
  ['GET', '/ip', (s) => s.json({ origin: s.origin })],
  ['GET', '/headers', (s) => s.json({ headers: s.headers })],
  ['GET', '/user-agent', (s) => s.json({ 'user-agent': s.exchange.request.headers['user-agent'] ?? '' })],
  ['GET', '/hostname', (s) => s.json({ hostname: s.program.context.env['HOSTNAME'] ?? s.program.context.pod.name })],
  ['GET', '/uuid', (s) => s.json({ uuid: randomUUID() })],
  ['ANY', '/status/:codes', (s, codes = '') => status(s, codes)],
  [
    'GET',
    '/unstable',
    (s) => s.send(Math.random() < Number(s.exchange.url.searchParams.get('failure_rate') ?? 0.5) ? 500 : 200, ''),
  ],
  [
    'ANY',
    '/delay/:time',
    async (s, time = '') => {
      await s.program.context.clock.sleep(secondsOf(time), s.program.running.signal);
      s.json(s.mirror(true, false));
    },
  ],
  ['GET', '/drip', drip],
  ['GET', '/stream/:n', (s, n) => stream(s, Number(n))],
  [
    'GET',
    '/bytes/:n',
    (s, n) =>
      s.send(200, Buffer.alloc(Math.min(Number(n), MOST_BYTES), 'x'), { 'Content-Type': 'application/octet-stream' }),
  ],
  [
    'GET',
    '/redirect/:n',
    (s, n) => s.send(302, '', { Location: Number(n) > 1 ? `/relative-redirect/${Number(n) - 1}` : '/get' }),
  ],
  [
    'GET',
    '/relative-redirect/:n',
    (s, n) => s.send(302, '', { Location: Number(n) > 1 ? `/relative-redirect/${Number(n) - 1}` : '/get' }),
  ],
  [
    'GET',
    '/redirect-to',
    (s) =>
      s.send(Number(s.exchange.url.searchParams.get('status_code') ?? 302), '', {
        Location: s.exchange.url.searchParams.get('url') ?? '',
      }),
  ],
  ['GET', '/basic-auth/:user/:password', (s, user = '', password = '') => basicAuth(s, user, password, 401)],
  ['GET', '/hidden-basic-auth/:user/:password', (s, user = '', password = '') => basicAuth(s, user, password, 404)],
  [
    'GET',
    '/bearer',
    (s) => {
      const [, token] = /^Bearer (.+)$/.exec(s.exchange.request.headers.authorization ?? '') ?? [];
      if (token) return s.json({ authenticated: true, token });
      s.send(401, '', { 'WWW-Authenticate': 'Bearer' });
    },
  ],
  ['GET', '/cookies', cookies],
  [
    'GET',
    '/cookies/set',
    (s) =>
      s.send(302, '', {
        'Set-Cookie': [...s.exchange.url.searchParams].map(([name, value]) => `${name}=${value}; Path=/`).join(', '),
        Location: '/cookies',
      }),
  ],
  ['GET', '/response-headers', (s) => s.json(s.args, 200, Object.fromEntries(s.exchange.url.searchParams))],
  [
    'GET',
    '/json',
    (s) =>
      s.json({
        slideshow: { author: 'Yours Truly', date: 'date of publication', title: 'Sample Slide Show', slides: [] },
      }),
  ],
  [
    'GET',
    '/html',
    (s) =>
      s.send(200, '<!DOCTYPE html>\n<html><body><h1>A page</h1><p>Some text.</p></body></html>\n', {
        'Content-Type': 'text/html; charset=utf-8',
      }),
  ],
  ['GET', '/robots.txt', (s) => s.send(200, 'User-agent: *\nDisallow: /deny\n', { 'Content-Type': 'text/plain' })],
  ['GET', '/deny', (s) => s.send(200, "YOU SHOULDN'T BE HERE\n", { 'Content-Type': 'text/plain' })],
  [
    'GET',
    '/gzip',
    (s) =>
      s.send(200, gzipSync(JSON.stringify({ gzipped: true, ...s.mirror(false, true) })), {
        'Content-Encoding': 'gzip',
        'Content-Type': 'application/json',
      }),
  ],
  [
    'GET',
    '/deflate',
    (s) =>
      s.send(200, zlibDeflate(JSON.stringify({ deflated: true, ...s.mirror(false, true) })), {
        'Content-Encoding': 'deflate',
        'Content-Type': 'application/json',
      }),
  ],
  [
    'GET',
    '/base64/:text',
    (s, text = '') =>
      s.send(200, Buffer.from(decodeURIComponent(text), 'base64url'), { 'Content-Type': 'text/html; charset=utf-8' }),
  ],
  [
    'GET',
    '/cache',
    (s) =>
      s.exchange.request.headers['if-modified-since'] || s.exchange.request.headers['if-none-match']
        ? s.send(304, '')
        : s.json(s.mirror(false, false)),
  ],
  [
    'GET',
    '/cache/:seconds',
    (s, seconds = '') => s.json(s.mirror(false, false), 200, { 'Cache-Control': `public, max-age=${seconds}` }),
  ],
];

function match(pattern: string, path: string): string[] | undefined {
  const wanted = pattern.split('/');
  const given = path.split('/');
  const parts: string[] = [];
  for (const [index, segment] of wanted.entries()) {
    if (segment === '*') return parts;
    const value = given[index];
    if (value === undefined) return undefined;
    if (segment.startsWith(':') && value) parts.push(value);
    else if (segment !== value) return undefined;
  }
  return given.length === wanted.length ? parts : undefined;
}

/** Answers by the path. Throws {@link Refusal}. */
export async function answer(session: Session): Promise<void> {
  const { request, url } = session.exchange;
  const method = request.method === 'HEAD' ? 'GET' : (request.method ?? 'GET');
  if (method === 'OPTIONS') {
    const allowed = 'GET, POST, HEAD, PUT, DELETE, PATCH, OPTIONS';
    return session.send(200, '', { 'Access-Control-Allow-Methods': allowed, 'Access-Control-Max-Age': '3600' });
  }
  let known = false;
  for (const [methods, pattern, handler] of ROUTES) {
    const parts = match(pattern, url.pathname);
    if (!parts) continue;
    known = true;
    if (methods !== 'ANY' && methods !== method) continue;
    session.body = await bodyOf(request);
    if (session.body.length > MOST_BYTES) throw new Refusal(413, 'request body too large');
    return handler(session, ...parts);
  }
  throw known ? new Refusal(405, 'method not allowed') : new Refusal(404, 'not found');
}
