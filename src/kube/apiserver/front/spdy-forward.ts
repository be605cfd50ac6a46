import type { ChannelSocket } from '#kube/api/http.ts';
import type { SpdyConnection, SpdyStream } from './spdy.ts';

export type ConnectPort = (port: number) => Promise<ChannelSocket>;

/** Each forwarded connection is a pair of streams, `error` and `data`, that share a request id. */
export function serveForward(spdy: SpdyConnection, connect: ConnectPort): void {
  const errors = new Map<string, SpdyStream>();
  spdy.onStream((stream) => {
    const type = stream.headers.streamtype;
    const id = stream.headers.requestid ?? '';
    const port = Number(stream.headers.port);
    stream.reply();
    if (type === 'error') errors.set(id, stream);
    else if (type === 'data') {
      void forward(stream, errors.get(id), port, connect);
      errors.delete(id);
    } else stream.reset();
  });
}

async function forward(
  stream: SpdyStream,
  error: SpdyStream | undefined,
  port: number,
  connect: ConnectPort,
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
