import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { type WebSocket, WebSocketServer } from 'ws';
import { AcademyError, messageOf } from '#base/errors.ts';
import type { Log } from '#base/log.ts';
import { clientMessage, MAX_FILE_BYTES, MAX_FRAME_BYTES, type ServerMessage } from '#schema/protocol.ts';
import { LEARNER_COOKIE, learnerFromCookie } from '../http/app.ts';
import { checkOrigin, type GuardOptions } from '../http/guard.ts';
import type { Page } from '../sessions/pages.ts';
import type { SessionRegistry } from '../sessions/registry.ts';
import type { Session } from '../sessions/session.ts';
import type { Store } from '../store/store.ts';

/** A page that reads slower than this much behind is cut off; it reconnects and takes up where it was. */
const MAX_BEHIND_BYTES = 8 * 1024 * 1024;
/** A peer that answers no ping for this long is gone. */
const PING_EVERY_MS = 30_000;
/** Malformed frames from one connection before it is closed. */
const MAX_MALFORMED = 20;

export interface PagesOptions {
  guard: GuardOptions;
  store: Store;
  sessions: SessionRegistry;
  log: Log;
}

/** The WebSocket of a lesson's page: `/api/labs/:lab/ws`. Everything that arrives is checked before it is used. */
export function createPages(o: PagesOptions): (req: IncomingMessage, socket: Duplex, head: Buffer) => void {
  // A file of the largest size, escaped as JSON, is the longest frame a page has reason to send.
  const wss = new WebSocketServer({
    noServer: true,
    maxPayload: Math.max(MAX_FRAME_BYTES, 2 * MAX_FILE_BYTES),
    perMessageDeflate: false,
  });
  return (req, socket, head) => {
    const lab = /^\/api\/labs\/([a-z0-9-]{1,100})\/ws$/.exec((req.url ?? '').split('?')[0]!)?.[1];
    socket.on('error', () => socket.destroy());
    admit(o, req, lab).then(
      (session) => wss.handleUpgrade(req, socket, head, (ws) => serve(o, ws, session)),
      (error: unknown) => {
        const status = error instanceof AcademyError ? error.status : 500;
        const body = JSON.stringify({ error: { code: error instanceof AcademyError ? error.code : 'internal' } });
        socket.end(
          `HTTP/1.1 ${status} Refused\r\nconnection: close\r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
        );
      },
    );
  };
}

async function admit(o: PagesOptions, req: IncomingMessage, lab: string | undefined): Promise<Session> {
  if (!lab) throw new AcademyError('request/not-found', 'There is nothing at this address.');
  if (!req.headers.origin) throw new AcademyError('request/origin', 'A WebSocket needs an Origin.');
  checkOrigin(o.guard, req.headers.host, req.headers.origin);
  const cookie = new RegExp(`(?:^|;\\s*)${LEARNER_COOKIE}=([^;]+)`).exec(req.headers.cookie ?? '')?.[1];
  const learner = learnerFromCookie(o.store, cookie);
  const session = learner ? await o.sessions.find(learner, lab) : undefined;
  if (!session) throw new AcademyError('session/unknown', 'You have no session in this lab.');
  return session;
}

function serve(o: PagesOptions, ws: WebSocket, session: Session): void {
  let malformed = 0;
  let attached = false;
  let alive = true;
  const page: Page = {
    send(message: ServerMessage) {
      if (ws.readyState !== ws.OPEN) return;
      if (ws.bufferedAmount > MAX_BEHIND_BYTES) return ws.terminate();
      ws.send(JSON.stringify(message));
    },
  };
  const sayError = (error: AcademyError) =>
    page.send({ type: 'error', error: { code: error.code, message: error.message, hint: error.hint } });

  const heartbeat = setInterval(() => {
    if (!alive) return ws.terminate();
    alive = false;
    ws.ping();
  }, PING_EVERY_MS);
  heartbeat.unref();
  ws.on('pong', () => {
    alive = true;
  });
  ws.on('close', () => {
    clearInterval(heartbeat);
    session.detach(page);
  });
  ws.on('error', (error) => o.log.debug('page connection failed', { message: messageOf(error) }));
  ws.on('message', (data, isBinary) => {
    alive = true;
    const parsed = isBinary ? undefined : parse(String(data));
    if (!parsed?.success) {
      const problem = parsed?.error.issues[0];
      const what = problem ? `${problem.path.join('.') || 'message'}: ${problem.message}` : 'not a JSON text message';
      sayError(new AcademyError('request/invalid', `That message was not understood. ${what}`));
      if (++malformed >= MAX_MALFORMED) ws.close(1008, 'too many malformed messages');
      return;
    }
    const message = parsed.data;
    try {
      if (message.type === 'hello' && !attached) {
        attached = true;
        if (message.page) page.id = message.page;
        session.attach(page, message.since);
      } else if (message.type === 'ping') {
        page.send({ type: 'pong', at: Date.now(), received: session.received(page) });
      } else {
        session.handle(message, page);
      }
    } catch (error) {
      if (error instanceof AcademyError) return sayError(error);
      o.log.error('message failed', { type: message.type, message: messageOf(error) });
      sayError(new AcademyError('internal', 'Something went wrong here.'));
    }
  });
}

function parse(text: string) {
  try {
    return clientMessage.safeParse(JSON.parse(text));
  } catch {
    return undefined;
  }
}
