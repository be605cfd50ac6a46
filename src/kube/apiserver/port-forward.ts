import type { Duplex } from 'node:stream';
import type { ChannelSocket } from '#kube/api/http.ts';
import { failure } from '#kube/api/status.ts';
import { channelPair } from './channel-pair.ts';

/** A client that reads slower than this is waited for. */
const HIGH_WATER_BYTES = 1024 * 1024;

/**
 * The server's side of port-forward over channels: for the nth port, channel 2n carries data and 2n+1 errors; each begins
 * with the port as two bytes, little-endian. Source: k8s.io/kubelet portforward, websocket.go.
 */
export function portForwardServer(
  protocol: string,
  ports: number[],
  open: (port: number) => Promise<Duplex>,
): ChannelSocket {
  if (ports.length === 0 || ports.some((port) => !Number.isInteger(port) || port < 1 || port > 65_535)) {
    throw failure('BadRequest', 'query parameter "ports" is required');
  }
  const { client, server } = channelPair(protocol);
  const streams: (Duplex | undefined)[] = [];
  const early: Uint8Array[][] = ports.map(() => []);
  server.onMessage((channel, data) => {
    const index = channel >> 1;
    if (channel % 2 === 1 || index >= ports.length) return;
    const stream = streams[index];
    if (stream) stream.write(data);
    else early[index]!.push(data);
  });
  server.onChannelClose((channel) => streams[channel >> 1]?.end());
  server.onClose(() => {
    for (const stream of streams) stream?.destroy();
  });
  let left = ports.length;
  const done = () => {
    if (--left === 0) server.close();
  };
  for (const [index, port] of ports.entries()) {
    const head = Uint8Array.of(port & 0xff, port >> 8);
    server.send(2 * index, head);
    server.send(2 * index + 1, head);
    open(port).then(
      (stream) => {
        streams[index] = stream;
        for (const data of early[index]!.splice(0)) stream.write(data);
        stream.on('data', (chunk: Buffer) => {
          server.send(2 * index, chunk);
          if (server.bufferedBytes > HIGH_WATER_BYTES) {
            stream.pause();
            setImmediate(() => stream.resume());
          }
        });
        stream.on('error', () => {});
        stream.once('close', done);
        stream.once('end', () => stream.end());
      },
      (error: unknown) => {
        server.send(2 * index + 1, Buffer.from(error instanceof Error ? error.message : String(error)));
        done();
      },
    );
  }
  return client;
}
