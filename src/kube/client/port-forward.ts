import { Duplex } from 'node:stream';
import { failure } from '#kube/api/status.ts';
import type { Transport } from './client.ts';
import { pathOf } from './paths.ts';
import { drained } from './remote-command.ts';

/** kubelet/pkg/cri/streaming/portforward/websocket.go: two channels a port, each opens with the port as uint16, little-endian. */
export const PORT_FORWARD_PROTOCOL = 'v4.channel.k8s.io';
const CHANNEL = { data: 0, error: 1 } as const;

/** One byte stream to a port of a pod. Failures of the pod's side end the stream with an error. */
export async function portForward(
  transport: Transport,
  namespace: string,
  pod: string,
  port: number,
  signal?: AbortSignal,
): Promise<Duplex> {
  const socket = await transport.connect(
    {
      method: 'GET',
      path: pathOf({ group: '', version: 'v1', resource: 'pods', namespace }, pod, 'portforward'),
      query: new URLSearchParams({ ports: String(port) }),
      headers: {},
      ...(signal ? { signal } : {}),
    },
    [PORT_FORWARD_PROTOCOL],
  );
  const prefixed = [false, false];
  let closed = false;
  const stream = new Duplex({
    allowHalfOpen: true,
    read() {},
    write(chunk: Buffer, _encoding, done) {
      if (closed) return done(Object.assign(new Error('write EPIPE'), { code: 'EPIPE' }));
      socket.send(CHANNEL.data, chunk);
      if (socket.bufferedBytes > 0) drained(socket).then(() => done(), done);
      else done();
    },
    final(done) {
      // The channel protocol cannot half-close; the peer's answer, if one is under way, is let through.
      done();
    },
    destroy(error, done) {
      if (!closed) socket.close();
      done(error);
    },
  });
  socket.onMessage((channel, data) => {
    if (channel > 1) return;
    if (!prefixed[channel]) {
      prefixed[channel] = true;
      data = data.subarray(2);
    }
    if (data.length === 0) return;
    if (channel === CHANNEL.data) stream.push(Buffer.from(data));
    else stream.destroy(failure('InternalError', Buffer.from(data).toString('utf8')));
  });
  socket.onClose(() => {
    closed = true;
    if (!stream.destroyed) stream.push(null);
    if (!stream.writableEnded) stream.end();
  });
  return stream;
}
