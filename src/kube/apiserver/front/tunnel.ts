import type { WebSocket } from 'ws';
import { SpdyConnection } from './spdy.ts';
import { type ConnectPort, serveForward } from './spdy-forward.ts';

/** How kubectl since 1.31 forwards ports: SPDY/3.1 inside a WebSocket. Source: k8s.io/apimachinery portforward, KEP-4006. */
export const TUNNEL_PROTOCOL = 'SPDY/3.1+portforward.k8s.io';

export function serveTunnelledForward(ws: WebSocket, connect: ConnectPort): void {
  const spdy = new SpdyConnection((bytes) => ws.readyState === ws.OPEN && ws.send(bytes));
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
  serveForward(spdy, connect);
}
