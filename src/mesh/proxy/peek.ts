import type { Duplex } from 'node:stream';
import type { Clock } from '#base/clock.ts';

/**
 * Looks at the first bytes of a connection without taking them. `judge` is asked after every arrival and returns
 * undefined while it needs more. Resolves with its answer; with undefined when the stream ended, broke, went quiet for
 * `timeoutMs`, or sent more than `judge` should need.
 */
export function peek<T>(
  stream: Duplex,
  judge: (bytes: Buffer) => T | undefined,
  options: { clock: Clock; timeoutMs: number; mostBytes?: number },
): Promise<T | undefined> {
  return new Promise((resolve) => {
    let held: Buffer = Buffer.alloc(0);
    const timer = options.clock.setTimeout(() => settle(undefined), options.timeoutMs);
    const settle = (answer: T | undefined) => {
      timer.cancel();
      stream.off('readable', onReadable);
      stream.off('end', onEnd);
      stream.off('close', onEnd);
      if (held.length > 0 && !stream.destroyed && !stream.readableEnded) stream.unshift(held);
      resolve(answer);
    };
    const onEnd = () => settle(undefined);
    const onReadable = () => {
      const chunk = stream.read() as Buffer | null;
      if (!chunk) return;
      held = held.length === 0 ? chunk : Buffer.concat([held, chunk]);
      const answer = judge(held);
      if (answer !== undefined || held.length > (options.mostBytes ?? 16_384)) settle(answer);
    };
    stream.on('readable', onReadable);
    stream.once('end', onEnd);
    stream.once('close', onEnd);
  });
}

export type FirstBytes = { kind: 'tls'; sni: string | undefined } | { kind: 'other' };

/** Whether a connection starts with a TLS ClientHello, and the server name in it. For {@link peek}. */
export function readClientHello(bytes: Buffer): FirstBytes | undefined {
  if (bytes[0] !== 0x16) return { kind: 'other' };
  if (bytes.length < 9) return undefined;
  if (bytes[1] !== 3 || bytes[5] !== 1) return { kind: 'other' };
  // A hello with post-quantum shares may span several records; their bodies are joined first.
  const body: Buffer[] = [];
  for (let at = 0; at + 5 <= bytes.length && bytes[at] === 0x16; ) {
    const size = bytes.readUInt16BE(at + 3);
    body.push(bytes.subarray(at + 5, Math.min(bytes.length, at + 5 + size)));
    at += 5 + size;
  }
  const hello = Buffer.concat(body);
  if (hello.length < 4 || hello.length < 4 + hello.readUIntBE(1, 3)) return undefined;
  try {
    return { kind: 'tls', sni: serverName(hello) };
  } catch {
    return { kind: 'other' };
  }
}

/** Walks a complete ClientHello to its server_name extension (RFC 8446 4.1.2, RFC 6066 3). */
function serverName(hello: Buffer): string | undefined {
  let at = 4 + 2 + 32;
  at += 1 + hello.readUInt8(at);
  at += 2 + hello.readUInt16BE(at);
  at += 1 + hello.readUInt8(at);
  if (at + 2 > hello.length) return undefined;
  const end = at + 2 + hello.readUInt16BE(at);
  at += 2;
  while (at + 4 <= end) {
    const type = hello.readUInt16BE(at);
    const size = hello.readUInt16BE(at + 2);
    if (type === 0) return hello.toString('latin1', at + 9, at + 9 + hello.readUInt16BE(at + 7));
    at += 4 + size;
  }
  return undefined;
}

export type HttpVersion = 'http1' | 'http2' | 'none';
const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
const MOST_METHOD = 24;

/** Whether bytes are the start of HTTP (linkerd-http-detect looks for the preface, then for a request line). */
export function readHttp(bytes: Buffer): HttpVersion | undefined {
  const start = bytes.subarray(0, PREFACE.length);
  if (PREFACE.subarray(0, start.length).equals(start)) return start.length === PREFACE.length ? 'http2' : undefined;
  const line = bytes.indexOf(10);
  const text = bytes.toString('latin1', 0, line < 0 ? Math.min(bytes.length, 8_192) : line);
  if (line >= 0) return /^[A-Z-]+ \S+ HTTP\/1\.[01]\r?$/.test(text) ? 'http1' : 'none';
  if (/^[A-Z-]+ \S/.test(text)) return text.length >= 8_192 ? 'none' : undefined;
  return /^[A-Z-]*$/.test(text) && text.length < MOST_METHOD ? undefined : 'none';
}
