import type { IncomingMessage, ServerResponse } from 'node:http';
import { stringify } from 'yaml';
import type { ApiHandler, ApiRequest, ApiResponse } from '#kube/api/http.ts';
import { failure, StatusError } from '#kube/api/status.ts';
import type { KubeList } from '#kube/api/types.ts';
import { wantsYaml } from '../accept.ts';
import { MAX_BODY_BYTES } from '../body.ts';
import { listBytes } from './list-bytes.ts';

/** A client must send its whole body within this. */
const BODY_WITHIN_MS = 30_000;

/** Kubernetes over HTTP/1.1: turns a request into an ApiRequest and writes what comes back. For any Node HTTP server. */
export function createFront(handler: ApiHandler): (req: IncomingMessage, res: ServerResponse) => void {
  return (req, res) => {
    serve(handler, req, res).catch((error: unknown) => {
      if (res.headersSent) {
        res.destroy();
        return;
      }
      const { status } = error instanceof StatusError ? error : failure('InternalError', 'Internal error occurred');
      send(res, status.code ?? 500, 'application/json', JSON.stringify(status));
    });
  };
}

async function serve(handler: ApiHandler, req: IncomingMessage, res: ServerResponse): Promise<void> {
  const gone = new AbortController();
  res.on('close', () => gone.abort(new DOMException('the client went away', 'AbortError')));
  res.on('error', () => {});
  const request = await requestOf(req, gone.signal);
  const answer = await handler.handle(request);
  for (const [name, value] of Object.entries(answer.headers ?? {})) res.setHeader(name, value);
  if (answer.warnings?.length)
    res.setHeader(
      'warning',
      answer.warnings.map((text) => `299 - ${JSON.stringify(text)}`),
    );
  if (!res.hasHeader('cache-control')) res.setHeader('cache-control', 'no-cache, private');
  await write(answer, req, res);
}

/** Reads head and body of a request. Throws RequestEntityTooLarge and, for a client that is too slow, Timeout. */
export async function requestOf(req: IncomingMessage, signal: AbortSignal): Promise<ApiRequest> {
  const url = new URL(req.url ?? '/', 'http://cluster');
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(req.headers))
    if (value !== undefined) headers[name] = Array.isArray(value) ? value.join(', ') : value;
  const body = await bodyOf(req);
  return {
    method: (req.method ?? 'GET') as ApiRequest['method'],
    path: url.pathname,
    query: url.searchParams,
    headers,
    signal,
    ...(body.length > 0 ? { body } : {}),
  };
}

async function bodyOf(req: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  const timer = setTimeout(() => req.destroy(new Error('the body took too long')), BODY_WITHIN_MS);
  try {
    for await (const chunk of req as AsyncIterable<Buffer>) {
      size += chunk.length;
      if (size > MAX_BODY_BYTES)
        throw failure('RequestEntityTooLarge', `Request entity too large: limit is ${MAX_BODY_BYTES}`);
      chunks.push(chunk);
    }
  } finally {
    clearTimeout(timer);
  }
  return Buffer.concat(chunks);
}

async function write({ status, body }: ApiResponse, req: IncomingMessage, res: ServerResponse): Promise<void> {
  switch (body.type) {
    case 'object':
      if (wantsYaml(req.headers.accept))
        return send(res, status, 'application/yaml', stringify(body.value, { sortMapEntries: true }));
      if (body.stored && req.method !== 'HEAD' && indentFor(req) === 0)
        return sendParts(res, status, listBytes(body.value as KubeList));
      return send(
        res,
        status,
        String(res.getHeader('content-type') ?? 'application/json'),
        req.method === 'HEAD' ? '' : jsonText(body.value, indentFor(req)),
      );
    case 'text':
      return send(res, status, body.contentType, body.value);
    case 'stream':
      res.writeHead(status, body.contentType ? { 'content-type': body.contentType } : {});
      res.flushHeaders();
      for await (const chunk of body.chunks) {
        if (res.destroyed) return;
        if (!res.write(chunk)) await drained(res);
      }
      res.end();
      return;
    case 'events':
      res.writeHead(status, { 'content-type': 'application/json', 'transfer-encoding': 'chunked' });
      res.flushHeaders();
      for await (const event of body.events) {
        if (res.destroyed) return;
        if (!res.write(`${JSON.stringify(event)}\n`)) await drained(res);
      }
      res.end();
  }
}

/** Indented text ends with its last sign, text in one line with the line. */
const jsonText = (value: unknown, indent: number): string =>
  indent > 0 ? JSON.stringify(value, null, indent) : `${JSON.stringify(value)}\n`;

/** People who look with curl or a browser get it indented. Source: apiserver/pkg/endpoints/handlers/negotiation. */
function indentFor(req: IncomingMessage): number {
  const { pathname, searchParams } = new URL(req.url ?? '/', 'http://cluster');
  if (pathname === '/version') return 2;
  const asked = searchParams.get('pretty');
  if (asked !== null) return asked === 'true' || asked === '1' ? 2 : 0;
  return /^(curl|Wget|Mozilla\/5\.0)/.test(req.headers['user-agent'] ?? '') ? 2 : 0;
}

/** Resolves when the client took what was written, or is gone. */
function drained(res: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      res.off('drain', done);
      res.off('close', done);
      resolve();
    };
    res.on('drain', done);
    res.on('close', done);
  });
}

function send(res: ServerResponse, status: number, type: string, text: string): void {
  res.writeHead(status, { ...(type ? { 'content-type': type } : {}), 'content-length': Buffer.byteLength(text) });
  res.end(text);
}

/** All pieces in one write, without putting them together first. */
function sendParts(res: ServerResponse, status: number, parts: Buffer[]): void {
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  res.writeHead(status, { 'content-type': 'application/json', 'content-length': length });
  res.cork();
  for (const part of parts) res.write(part);
  res.end();
  res.uncork();
}
