import type { Duplex } from 'node:stream';
import { decode, encode, message } from '#mesh/api/protobuf.ts';

/** ALPN of connections whose first bytes name the port they are meant for. */
export const TRANSPORT_ALPN = 'transport.l5d.io/v1';
const PREFACE = Buffer.from(`${TRANSPORT_ALPN}\r\n\r\n`);

const nothing = message({});
const header = message({
  port: [1, 'uint32'],
  name: [2, 'string'],
  session_protocol: [3, message({ http_1: [1, nothing, 'oneof'], http_2: [2, nothing, 'oneof'] })],
});

export interface TransportHeader {
  port: number;
  /** A gateway is to send on to this name; absent: the port is the peer's own. */
  name?: string;
  protocol?: 'http1' | 'http2';
}

export function writeTransportHeader({ port, name, protocol: session }: TransportHeader): Buffer {
  const body = encode(header, {
    port,
    ...(name ? { name } : {}),
    ...(session ? { session_protocol: session === 'http1' ? { http_1: {} } : { http_2: {} } } : {}),
  });
  const size = Buffer.alloc(4);
  size.writeUInt32BE(body.length);
  return Buffer.concat([PREFACE, size, body]);
}

/** Takes the header off a stream; undefined when there is none. */
export function takeTransportHeader(stream: Duplex): Promise<TransportHeader | undefined> {
  return new Promise((resolve) => {
    let held: Buffer = Buffer.alloc(0);
    const settle = (found: TransportHeader | undefined) => {
      stream.off('readable', onReadable);
      stream.off('end', onEnd);
      stream.off('close', onEnd);
      resolve(found);
    };
    const onEnd = () => settle(undefined);
    const onReadable = () => {
      const chunk = stream.read() as Buffer | null;
      if (!chunk) return;
      held = held.length === 0 ? chunk : Buffer.concat([held, chunk]);
      const start = held.subarray(0, PREFACE.length);
      if (!PREFACE.subarray(0, start.length).equals(start)) return settle(undefined);
      if (held.length < PREFACE.length + 4) return;
      const size = held.readUInt32BE(PREFACE.length);
      if (size > 65_536) return settle(undefined);
      const end = PREFACE.length + 4 + size;
      if (held.length < end) return;
      try {
        const found = decode(header, held.subarray(PREFACE.length + 4, end));
        if (held.length > end) stream.unshift(held.subarray(end));
        const session = found['session_protocol'];
        settle({
          port: found['port'] ?? 0,
          ...(found['name'] ? { name: found['name'] as string } : {}),
          ...(session ? { protocol: session.http_2 ? ('http2' as const) : ('http1' as const) } : {}),
        });
      } catch {
        settle(undefined);
      }
    };
    stream.on('readable', onReadable);
    stream.once('end', onEnd);
    stream.once('close', onEnd);
  });
}
