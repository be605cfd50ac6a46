import type { ChannelSocket } from '#kube/api/http.ts';
import type { SpdyConnection, SpdyStream } from './spdy.ts';

const CHANNELS: Record<string, number> = { stdin: 0, stdout: 1, stderr: 2, error: 3, resize: 4 };
const CLOSE_CHANNEL = 255;

/**
 * exec and attach as Go clients speak them over SPDY: one stream a channel, which the client opens. `channels` speak v5,
 * where a client's end of input has a message. `done` is called when everything was said.
 * Source: client-go/tools/remotecommand v4.go, kubelet's httpstream.go.
 */
export function serveCommand(spdy: SpdyConnection, channels: ChannelSocket, wanted: string[], done: () => void): void {
  const streams = new Map<number, SpdyStream>();
  const begin = () => {
    channels.onMessage((channel, data) => streams.get(channel)?.write(data));
    channels.onClose(() => {
      for (const stream of streams.values()) stream.end();
      done();
    });
  };
  spdy.onStream((stream) => {
    const channel = CHANNELS[stream.headers.streamtype ?? ''];
    stream.reply();
    if (channel === undefined || streams.has(channel)) return stream.reset();
    streams.set(channel, stream);
    stream.onData((data) => channels.send(channel, data));
    stream.onEnd(() => channel === CHANNELS.stdin && channels.send(CLOSE_CHANNEL, Uint8Array.of(channel)));
    // Output waits for the streams that it goes to.
    if (streams.size === wanted.length) begin();
  });
}

/** The streams that a client of exec or attach opens, by the query of its request. */
export function streamsOf(query: URLSearchParams): string[] {
  const flag = (name: string) => ['true', '1'].includes(query.get(name) ?? '');
  const tty = flag('tty');
  return [
    'error',
    ...(['stdin', 'stdout', 'stderr'] as const).filter((name) => flag(name) && !(tty && name === 'stderr')),
    ...(tty ? ['resize'] : []),
  ];
}
