import WebSocket, { type ClientOptions } from 'ws';
import type { ChannelSocket } from '#kube/api/http.ts';
import { failure, type Status, StatusError } from '#kube/api/status.ts';

export interface Opening {
  url: string;
  headers: Record<string, string>;
  tls: object;
  socketPath?: string;
  signal?: AbortSignal;
  unreachable(error: Error): Error;
}

/** In v5 a message on this channel, one byte long, half-closes the channel that the byte names. */
export const CLOSE_CHANNEL = 255;

/** Opens a WebSocket whose binary messages begin with a channel number (remotecommand v4/v5 of Kubernetes). */
export function openChannels(opening: Opening, protocols: string[]): Promise<ChannelSocket> {
  return new Promise((resolve, reject) => {
    const options: ClientOptions & { socketPath?: string } = {
      headers: opening.headers,
      perMessageDeflate: false,
      ...opening.tls,
      ...(opening.socketPath ? { socketPath: opening.socketPath } : {}),
    };
    const socket = new WebSocket(opening.url, protocols, options);
    const onAbort = () => socket.terminate();
    opening.signal?.addEventListener('abort', onAbort, { once: true });
    socket.on('close', () => opening.signal?.removeEventListener('abort', onAbort));
    socket.once('unexpected-response', (_request, response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () => reject(refusal(response.statusCode ?? 500, Buffer.concat(chunks).toString('utf8'))));
    });
    socket.once('error', (error) =>
      reject(opening.signal?.aborted ? opening.signal.reason : opening.unreachable(error)),
    );
    const channels = wrap(socket);
    socket.once('open', () => resolve(channels));
    if (opening.signal?.aborted) onAbort();
  });
}

function refusal(code: number, text: string): StatusError {
  try {
    const status = JSON.parse(text) as Status;
    if (status.kind === 'Status') return new StatusError(status);
  } catch {
    // Not JSON: a proxy's page or plain text.
  }
  const error = failure('InternalError', text.trim() || `the server answered ${code}`);
  error.status.code = code;
  return error;
}

/** Messages that come before somebody listens are kept for the first listener. */
function wrap(socket: WebSocket): ChannelSocket {
  const early: Buffer[] = [];
  let onMessage: ((channel: number, data: Uint8Array) => void) | undefined;
  let onChannelClose: ((channel: number) => void) | undefined;
  const deliver = (data: Buffer) => {
    if (data.length === 0) return;
    const channel = data[0]!;
    if (channel === CLOSE_CHANNEL && socket.protocol.startsWith('v5.')) onChannelClose?.(data[1] ?? 0);
    else onMessage?.(channel, data.subarray(1));
  };
  socket.on('message', (data: Buffer) => {
    if (onMessage) deliver(data);
    else early.push(data);
  });
  return {
    get protocol() {
      return socket.protocol;
    },
    send(channel, data) {
      if (socket.readyState !== WebSocket.OPEN) return;
      const frame = Buffer.allocUnsafe(data.length + 1);
      frame[0] = channel;
      frame.set(data, 1);
      socket.send(frame);
    },
    get bufferedBytes() {
      return socket.bufferedAmount;
    },
    onMessage(listener) {
      onMessage = listener;
      for (const data of early.splice(0)) deliver(data);
    },
    onChannelClose(listener) {
      onChannelClose = listener;
    },
    onClose(listener) {
      if (socket.readyState === WebSocket.CLOSED) queueMicrotask(listener);
      else socket.once('close', listener);
    },
    close: (code, reason) => socket.close(code, reason),
  };
}
