import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { type WebSocket, WebSocketServer } from 'ws';
import type { ApiHandler, ApiRequest, ChannelSocket } from '#kube/api/http.ts';
import { failure, StatusError } from '#kube/api/status.ts';
import { requestOf } from './front.ts';
import { SpdyConnection } from './spdy.ts';
import { serveCommand, streamsOf } from './spdy-command.ts';
import { serveForward } from './spdy-forward.ts';
import { serveTunnelledForward, TUNNEL_PROTOCOL } from './tunnel.ts';

const MAX_MESSAGE_BYTES = 2 * 1024 * 1024;
/** On v5 a message on this channel closes the channel that its one byte names. */
const CLOSE_CHANNEL = 255;
/** What Go clients speak in plain SPDY, without WebSockets. */
const SPDY = 'SPDY/3.1';
const SPDY_FORWARD = 'portforward.k8s.io';
const SPDY_COMMAND = 'v4.channel.k8s.io';
const CHANNEL_PROTOCOLS = ['v5.channel.k8s.io', 'v4.channel.k8s.io'];

/** exec, attach and port-forward over WebSockets and SPDY, for any Node HTTP server's `upgrade` event. */
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
  const upgrade = (req.headers.upgrade ?? '').toLowerCase();
  const request = await headOf(req, abort.signal);
  if (upgrade === SPDY.toLowerCase()) return openSpdy(handler, request, socket, head);
  const offered = listOf(req.headers['sec-websocket-protocol']);
  const chosen = pick(offered);
  if (!chosen || upgrade !== 'websocket') {
    // A client that falls back to another protocol tells what the last one said: the reason comes first.
    await mayConnect(handler, request);
    throw failure(
      'BadRequest',
      upgrade === 'websocket'
        ? `unable to upgrade: no protocol of [${offered.join(' ')}] is supported`
        : 'unable to upgrade: only WebSockets and SPDY/3.1 are served',
    );
  }
  if (chosen === TUNNEL_PROTOCOL) {
    await mayConnect(handler, request);
    tunnelled.add(req);
    delete req.headers['sec-websocket-protocol'];
    wss.handleUpgrade(req, socket, head, (ws) => serveTunnelledForward(ws, portsOf(handler, request)));
    return;
  }
  const channels = await handler.connect(request, [chosen]);
  wss.handleUpgrade(req, socket, head, (ws) => bridge(ws, channels));
}

async function openSpdy(handler: ApiHandler, request: ApiRequest, socket: Duplex, head: Buffer): Promise<void> {
  await mayConnect(handler, request);
  const offered = listOf(request.headers['x-stream-protocol-version']);
  const forwards = request.path.endsWith('/portforward');
  const chosen = forwards ? SPDY_FORWARD : SPDY_COMMAND;
  if (!offered.includes(chosen))
    throw failure(
      'Forbidden',
      `unable to upgrade: unable to negotiate protocol: client supports [${offered.join(' ')}], server accepts [${chosen}]`,
    );
  // The command is started first: what it fails for is an answer of HTTP.
  const channels = forwards ? undefined : await handler.connect(request, ['v5.channel.k8s.io']);
  socket.write(
    `HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: ${SPDY}\r\nX-Stream-Protocol-Version: ${chosen}\r\n\r\n`,
  );
  const spdy = new SpdyConnection((bytes) => socket.writable && socket.write(bytes));
  const receive = (bytes: Uint8Array) => {
    try {
      spdy.receive(bytes);
    } catch {
      socket.destroy();
    }
  };
  if (channels) serveCommand(spdy, channels, streamsOf(request.query), () => void spdy.sent().then(() => socket.end()));
  else serveForward(spdy, portsOf(handler, request));
  socket.on('data', receive);
  socket.on('close', () => {
    spdy.close();
    channels?.close();
  });
  if (head.length > 0) receive(head);
}

/** Rejects when the caller may not open this stream, or there is nothing to open it to. */
async function mayConnect(handler: ApiHandler, request: ApiRequest): Promise<void> {
  await handler.connect(request, []).catch((error: unknown) => {
    // Without a protocol every connection ends here, once all that comes before it was in order.
    if (!(error instanceof StatusError) || !error.message.startsWith('unable to upgrade')) throw error;
  });
}

const portsOf = (handler: ApiHandler, request: ApiRequest) => (port: number) =>
  handler.connect({ ...request, query: new URLSearchParams({ ports: String(port) }) }, ['v4.channel.k8s.io']);

const listOf = (header: string | string[] | undefined): string[] =>
  String(header ?? '')
    .split(',')
    .map((name) => name.trim())
    .filter(Boolean);

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
