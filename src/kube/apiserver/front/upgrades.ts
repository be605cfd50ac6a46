import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { type WebSocket, WebSocketServer } from 'ws';
import type { ApiHandler, ApiRequest, ChannelSocket } from '#kube/api/http.ts';
import { failure, StatusError } from '#kube/api/status.ts';
import { requestOf } from './front.ts';
import { serveTunnelledForward, TUNNEL_PROTOCOL } from './tunnel.ts';

const MAX_MESSAGE_BYTES = 2 * 1024 * 1024;
/** On v5 a message on this channel closes the channel that its one byte names. */
const CLOSE_CHANNEL = 255;
/** Bytes that a slow client may be behind before the other side is no longer read. */
const CHANNEL_PROTOCOLS = ['v5.channel.k8s.io', 'v4.channel.k8s.io'];

/** exec, attach and port-forward over WebSockets, for any Node HTTP server's `upgrade` event. */
export function createUpgrades(handler: ApiHandler): (req: IncomingMessage, socket: Duplex, head: Buffer) => void {
  const wss = new WebSocketServer({
    noServer: true,
    maxPayload: MAX_MESSAGE_BYTES,
    perMessageDeflate: false,
    handleProtocols: (offered) => pick([...offered]) || false,
  });
  // A name with slashes is no token of RFC 6455, and `ws` refuses it; kubectl and the API server say it nevertheless.
  wss.on('headers', (headers, req) => {
    if (tunnelled.has(req)) headers.push(`Sec-WebSocket-Protocol: ${TUNNEL_PROTOCOL}`);
  });
  return (req, socket, head) => {
    socket.on('error', () => socket.destroy());
    void open(handler, wss, req, socket, head).catch((error: unknown) => {
      const { status } = error instanceof StatusError ? error : failure('InternalError', 'Internal error occurred');
      refuse(socket, status.code ?? 500, JSON.stringify(status));
    });
  };
}

const tunnelled = new WeakSet<IncomingMessage>();

const pick = (offered: string[]): string | undefined =>
  [TUNNEL_PROTOCOL, ...CHANNEL_PROTOCOLS].find((known) => offered.includes(known));

async function open(
  handler: ApiHandler,
  wss: WebSocketServer,
  req: IncomingMessage,
  socket: Duplex,
  head: Buffer,
): Promise<void> {
  const abort = new AbortController();
  socket.on('close', () => abort.abort(new DOMException('the client went away', 'AbortError')));
  const isWebSocket = (req.headers.upgrade ?? '').toLowerCase() === 'websocket';
  const offered = (req.headers['sec-websocket-protocol'] ?? '')
    .split(',')
    .map((name) => name.trim())
    .filter(Boolean);
  const chosen = pick(offered);
  const request = await headOf(req, abort.signal);
  if (!chosen || !isWebSocket) {
    // kubectl falls back to SPDY when a WebSocket was refused, and tells what that says: the reason comes first.
    await handler.connect(request, []).catch((error: unknown) => {
      if (!(error instanceof StatusError) || !error.message.startsWith('unable to upgrade')) throw error;
    });
    throw failure(
      'BadRequest',
      isWebSocket
        ? `unable to upgrade: no protocol of [${offered.join(' ')}] is supported`
        : 'unable to upgrade: only WebSockets are served',
    );
  }
  if (chosen === TUNNEL_PROTOCOL) {
    const connect = (port: number) =>
      handler.connect({ ...request, query: new URLSearchParams({ ports: String(port) }) }, ['v4.channel.k8s.io']);
    tunnelled.add(req);
    delete req.headers['sec-websocket-protocol'];
    wss.handleUpgrade(req, socket, head, (ws) => serveTunnelledForward(ws, connect));
    return;
  }
  const channels = await handler.connect(request, [chosen]);
  wss.handleUpgrade(req, socket, head, (ws) => bridge(ws, channels));
}

/** The request of an upgrade, which has no body. */
async function headOf(req: IncomingMessage, signal: AbortSignal): Promise<ApiRequest> {
  const bodiless = Object.assign(req, { [Symbol.asyncIterator]: async function* () {} }) as IncomingMessage;
  return { ...(await requestOf(bodiless, signal)), method: 'GET' };
}

function bridge(ws: WebSocket, channels: ChannelSocket): void {
  ws.on('message', (data: Buffer, isBinary) => {
    if (!isBinary || data.length === 0) return;
    channels.send(data[0]!, data.subarray(1));
  });
  ws.on('close', () => channels.close());
  ws.on('error', () => channels.close());
  channels.onMessage((channel, data) => {
    const frame = Buffer.allocUnsafe(data.length + 1);
    frame[0] = channel;
    frame.set(data, 1);
    ws.send(frame);
  });
  channels.onChannelClose((channel) => ws.send(Buffer.from([CLOSE_CHANNEL, channel])));
  channels.onClose(() => ws.close(1000));
}

function refuse(socket: Duplex, status: number, body: string): void {
  socket.end(
    `HTTP/1.1 ${status} Refused\r\nconnection: close\r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  );
}
