import { randomBytes } from 'node:crypto';
import type { CommandContext } from '../command.ts';
import { readAll } from '../pipe.ts';
import { openInput } from '../programs/input.ts';
import { CurlFailure } from './failure.ts';
import type { CurlOptions } from './options.ts';
import type { Target } from './url.ts';

export const CURL_VERSION = '8.11.1';

/** What is asked, ready to be written. Header names keep the case in which they were given. */
export interface Request {
  method: string;
  headers: [name: string, value: string][];
  body: Uint8Array | undefined;
  /** What the request line says, where it is not the URL's path. */
  target?: string;
  /** HTTP/1.0 was asked for. */
  isOld?: boolean;
}

async function fileOf(context: CommandContext, name: string): Promise<Uint8Array> {
  try {
    return await readAll(await openInput(context, name), context.signal);
  } catch (error) {
    if (context.signal.aborted) throw error;
    throw new CurlFailure(26, `Failed to open ${name}`);
  }
}

/** The body of `-d` and its kind: several are joined with `&`. */
export async function dataBody(context: CommandContext, options: CurlOptions): Promise<Uint8Array | undefined> {
  if (options.data.length === 0) return undefined;
  const parts: Uint8Array[] = [];
  for (const { kind, value } of options.data) {
    if (parts.length > 0 && kind !== 'json') parts.push(Buffer.from('&'));
    if (kind === 'urlencode') {
      const match = /^([^=@]*)([=@])([\s\S]*)$/.exec(value);
      const [, name = '', sign = '=', rest = value] = match ?? [];
      const text = sign === '@' ? Buffer.from(await fileOf(context, rest)).toString('utf8') : rest;
      parts.push(Buffer.from(`${name ? `${name}=` : ''}${encodeURIComponent(text)}`));
    } else if (value.startsWith('@') && kind !== 'raw') {
      const content = Buffer.from(await fileOf(context, value.slice(1)));
      parts.push(
        kind === 'ascii' ? Buffer.from(content.toString('latin1').replace(/[\r\n\0]/g, ''), 'latin1') : content,
      );
    } else parts.push(Buffer.from(value));
  }
  return Buffer.concat(parts);
}

async function formBody(
  context: CommandContext,
  forms: readonly string[],
): Promise<{ body: Uint8Array; type: string }> {
  const boundary = `------------------------${randomBytes(11).toString('hex')}`;
  const parts: Uint8Array[] = [];
  for (const form of forms) {
    const at = form.indexOf('=');
    if (at < 0) throw new CurlFailure(2, `Illegally formatted input field`);
    const name = form.slice(0, at);
    const value = form.slice(at + 1);
    const [first = '', ...attributes] = value.split(';');
    const isFile = /^[@<]/.test(value);
    const type = attributes.find((each) => each.startsWith('type='))?.slice(5);
    const content = isFile ? await fileOf(context, first.slice(1)) : Buffer.from(value);
    const file = value.startsWith('@') ? `; filename="${first.slice(1).replace(/^.*\//, '')}"` : '';
    const kind = value.startsWith('@') ? `Content-Type: ${type ?? 'application/octet-stream'}\r\n` : '';
    parts.push(
      Buffer.from(`--${boundary}\r\nContent-Disposition: form-data; name="${name}"${file}\r\n${kind}\r\n`),
      content,
      Buffer.from('\r\n'),
    );
  }
  parts.push(Buffer.from(`--${boundary}--\r\n`));
  return { body: Buffer.concat(parts), type: `multipart/form-data; boundary=${boundary}` };
}

/** Builds the first request of a transfer. */
export async function buildRequest(
  context: CommandContext,
  options: CurlOptions,
  target: Target,
  data: Uint8Array | undefined,
): Promise<Request> {
  const { url } = target;
  let body = options.get ? undefined : data;
  const headers: [string, string][] = [['Host', url.host]];
  const credentials =
    options.user ??
    (url.username ? `${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}` : undefined);
  if (credentials !== undefined)
    headers.push(['Authorization', `Basic ${Buffer.from(credentials).toString('base64')}`]);
  else if (options.bearer) headers.push(['Authorization', `Bearer ${options.bearer}`]);
  if (options.range) headers.push(['Range', `bytes=${options.range}`]);
  headers.push(['User-Agent', options.agent ?? `curl/${CURL_VERSION}`], ['Accept', '*/*']);
  if (options.compressed) headers.push(['Accept-Encoding', 'deflate, gzip, br']);
  if (options.referer) headers.push(['Referer', options.referer]);
  if (options.cookie?.includes('=')) headers.push(['Cookie', options.cookie]);
  if (options.upload !== undefined) body = await fileOf(context, options.upload);
  let type: string | undefined;
  if (options.forms.length > 0) ({ body, type } = await formBody(context, options.forms));
  else if (options.data.some(({ kind }) => kind === 'json')) {
    type = 'application/json';
    headers.splice(
      headers.findIndex(([name]) => name === 'Accept'),
      1,
      ['Content-Type', type],
      ['Accept', 'application/json'],
    );
    type = undefined;
  } else if (options.data.length > 0 && !options.get) type = 'application/x-www-form-urlencoded';
  if (body) headers.push(['Content-Length', String(body.length)]);
  if (type) headers.push(['Content-Type', type]);
  for (const line of await headerLines(context, options.headers)) applyHeader(headers, line);
  // A body in chunks needs no length.
  if (headers.some(([name, value]) => /^transfer-encoding$/i.test(name) && /chunked/i.test(value))) {
    const at = headers.findIndex(([name]) => name === 'Content-Length');
    if (at >= 0) headers.splice(at, 1);
  }
  const asked = options.requestTarget ?? (options.pathAsIs ? target.asIs : undefined);
  return {
    method: methodOf(options, body),
    headers,
    body,
    ...(asked === undefined ? {} : { target: asked }),
    ...(options.http === '1.0' ? { isOld: true } : {}),
  };
}

function methodOf(options: CurlOptions, body: Uint8Array | undefined): string {
  if (options.method) return options.method;
  if (options.head) return 'HEAD';
  if (options.upload !== undefined) return 'PUT';
  return body ? 'POST' : 'GET';
}

/** `-H @file` reads lines from a file. */
async function headerLines(context: CommandContext, given: readonly string[]): Promise<string[]> {
  const lines: string[] = [];
  for (const line of given) {
    if (line.startsWith('@'))
      lines.push(
        ...Buffer.from(await fileOf(context, line.slice(1)))
          .toString('utf8')
          .split(/\r?\n/)
          .filter((each) => each !== ''),
      );
    else lines.push(line);
  }
  return lines;
}

/** `Name: value` replaces a header of curl's own, `Name:` removes it, `Name;` sends it empty. */
function applyHeader(headers: [string, string][], line: string): void {
  const empty = /^([^:;]+);\s*$/.exec(line);
  const match = /^([^:]+):\s*([\s\S]*?)\s*$/.exec(line);
  const name = (empty?.[1] ?? match?.[1])?.trim();
  if (name === undefined) return;
  const value = empty ? '' : match![2]!.replace(/[\r\n]/g, '');
  const isRemoval = !empty && value === '';
  const own = [
    'host',
    'user-agent',
    'accept',
    'content-type',
    'content-length',
    'authorization',
    'accept-encoding',
    'referer',
    'cookie',
    'range',
  ];
  const at = own.includes(name.toLowerCase())
    ? headers.findIndex(([each]) => each.toLowerCase() === name.toLowerCase())
    : -1;
  if (isRemoval) {
    if (at >= 0) headers.splice(at, 1);
  } else if (at >= 0) headers[at] = [name, value];
  else headers.push([name, value]);
}

/** The request after a redirect: curl turns POST into GET on 301, 302 and 303 unless -X named the method. */
export function redirectedRequest(
  request: Request,
  options: CurlOptions,
  status: number,
  from: Target,
  to: Target,
): Request {
  const becomesGet =
    !options.method &&
    ((status === 303 && request.method !== 'HEAD') ||
      ((status === 301 || status === 302) && request.method === 'POST'));
  const isForeign = from.url.host !== to.url.host;
  const headers = request.headers
    .filter(([name]) => !(becomesGet && /^content-(length|type)$/i.test(name)))
    .filter(([name]) => !(isForeign && /^(authorization|cookie)$/i.test(name)))
    .map(([name, value]): [string, string] =>
      /^host$/i.test(name) && value === from.url.host ? [name, to.url.host] : [name, value],
    );
  const { target: _asked, ...kept } = request;
  return {
    ...kept,
    ...(options.requestTarget === undefined ? {} : { target: options.requestTarget }),
    method: becomesGet ? 'GET' : request.method,
    headers,
    body: becomesGet ? undefined : request.body,
  };
}
