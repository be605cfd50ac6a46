import type { WebSocket } from 'ws';
import type { ChannelSocket } from '#kube/api/http.ts';
import { SpdyConnection, type SpdyStream } from './spdy.ts';

/** How kubectl since 1.31 forwards ports: SPDY/3.1 inside a WebSocket. Source: k8s.io/apimachinery portforward, KEP-4006. */
export const TUNNEL_PROTOCOL = 'SPDY/3.1+portforward.k8s.io';

/** Each forwarded connection is a pair of streams, `error` and `data`, that share a request id. */
export function serveTunnelledForward(ws: WebSocket, connect: (port: number) => Promise<ChannelSocket>): void {
  const spdy = new SpdyConnection((bytes) => ws.readyState === ws.OPEN && ws.send(bytes));
  const errors = new Map<string, SpdyStream>();
  ws.on('message', (data: Buffer, isBinary) => {
    if (!isBinary) return ws.close(1003);
    try {
      spdy.receive(data);
    } catch {
      ws.close(1002, 'malformed SPDY');
    }
  });
  ws.on('close', () => spdy.close());
  ws.on('error', () => spdy.close());
  spdy.onStream((stream) => {
    const type = stream.headers.streamtype;
    const id = stream.headers.requestid ?? '';
    const port = Number(stream.headers.port);
    stream.reply();
    if (type === 'error') errors.set(id, stream);
    else if (type === 'data') void forward(stream, errors.get(id), port, connect);
    else stream.reset();
  });
}

async function forward(
  stream: SpdyStream,
  error: SpdyStream | undefined,
  port: number,
  connect: (port: number) => Promise<ChannelSocket>,
): Promise<void> {
  const early: Uint8Array[] = [];
  let channels: ChannelSocket | undefined;
  let ended = false;
  stream.onData((data) => (channels ? channels.send(0, data) : early.push(data)));
  stream.onEnd(() => {
    ended = true;
    channels?.send(255, Uint8Array.of(0));
  });
  stream.onReset(() => channels?.close());
  try {
    channels = await connect(port);
  } catch (cause) {
    error?.write(Buffer.from((cause as Error).message));
    error?.end();
    stream.reset();
    return;
  }
  const heads = new Set<number>();
  channels.onMessage((channel, data) => {
    // The first message of each channel repeats the port.
    if (!heads.has(channel)) {
      heads.add(channel);
      return;
    }
    if (channel === 0) stream.write(data);
    else error?.write(Buffer.from(`error forwarding port ${port} to pod: ${Buffer.from(data).toString()}`));
  });
  channels.onClose(() => {
    stream.end();
    error?.end();
  });
  for (const data of early) channels.send(0, data);
  if (ended) channels.send(255, Uint8Array.of(0));
}
