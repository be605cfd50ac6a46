import { readFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname, join, normalize } from 'node:path';
import { type WebSocket, WebSocketServer } from 'ws';
import {
  type ClientMessage,
  clientMessage,
  type FileView,
  type ServerMessage,
  type SessionView,
} from '#schema/protocol.ts';
import { SECURITY_HEADERS } from '#server/http/guard.ts';
import { Scrollback } from '#server/sessions/scrollback.ts';

const TYPES: Record<string, string> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.woff2': 'font/woff2',
  '.ttf': 'font/ttf',
};

/** A scripted session: what it holds, and what it does with what the page says. */
export interface Script {
  view: SessionView;
  files: FileView[];
  /** Called for every message that the academy itself does not answer. */
  on(message: ClientMessage, session: FakeSession): void;
}

/**
 * The built site with a session that follows a script in place of a cluster: for tests of what a page does with states
 * that a real session enters rarely, or at its own time. The protocol and its offsets are those of the server.
 */
export class FakeAcademy {
  readonly sessions = new Map<string, FakeSession>();
  readonly received: ClientMessage[] = [];
  progress: Record<string, unknown> = {};
  readonly #siteDir: string;
  readonly #scripts: Record<string, () => Script>;
  readonly #server: Server;
  readonly #wss = new WebSocketServer({ noServer: true });
  /** While true, sockets are refused and requests answered with 503. */
  away = false;

  constructor(siteDir: string, scripts: Record<string, () => Script>) {
    this.#siteDir = siteDir;
    this.#scripts = scripts;
    this.#server = createServer((req, res) => void this.#answer(req, res));
    this.#server.on('upgrade', (req, socket, head) => {
      const lab = /^\/api\/labs\/([a-z0-9-]+)\/ws$/.exec(req.url ?? '')?.[1] ?? '';
      const session = this.sessions.get(lab);
      if (!session || this.away) return socket.end('HTTP/1.1 404 Refused\r\nconnection: close\r\n\r\n');
      this.#wss.handleUpgrade(req, socket, head, (ws) => this.#serve(ws, session));
    });
  }

  async listen(port = 0): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(port, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async close(): Promise<void> {
    for (const client of this.#wss.clients) client.terminate();
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  /** Breaks every connection, as a lost network does. */
  drop(): void {
    for (const client of this.#wss.clients) client.terminate();
  }

  #serve(ws: WebSocket, session: FakeSession): void {
    let attached = false;
    let name = '';
    const page = (message: ServerMessage) => ws.readyState === ws.OPEN && ws.send(JSON.stringify(message));
    ws.on('close', () => session.detach(page));
    ws.on('message', (data) => {
      const message = clientMessage.parse(JSON.parse(String(data)));
      this.received.push(message);
      if (message.type === 'hello' && !attached) {
        attached = true;
        name = message.page ?? '';
        session.attach(page, message.since);
      } else if (message.type === 'ping')
        page({ type: 'pong', at: Date.now(), received: session.received.get(name) ?? 0 });
      else if (message.type === 'terminal.input' && message.n !== undefined) {
        if (message.n <= (session.received.get(name) ?? 0)) return;
        session.received.set(name, message.n);
        session.handle(message);
      } else session.handle(message);
    });
  }

  async #answer(req: IncomingMessage, res: ServerResponse): Promise<void> {
    const path = new URL(req.url ?? '/', 'http://academy').pathname;
    for (const [name, value] of Object.entries(SECURITY_HEADERS)) res.setHeader(name, value);
    const json = (status: number, body: unknown) => {
      res.writeHead(status, { 'content-type': 'application/json' });
      res.end(JSON.stringify(body));
    };
    if (this.away) return json(503, { error: { code: 'internal', message: 'Away.', hint: '' } });
    if (path === '/api/progress') return json(200, { labs: this.progress });
    if (path === '/api/academy') {
      const driver = { name: 'embedded', why: 'this is a test' };
      return json(200, { version: '0', driver, labs: Object.keys(this.#scripts) });
    }
    const lab = /^\/api\/labs\/([a-z0-9-]+)\/session$/.exec(path)?.[1];
    if (lab) {
      let session = this.sessions.get(lab);
      const over =
        session === undefined || session.script.view.state === 'ended' || session.script.view.state === 'failed';
      if (req.method === 'POST' && over && this.#scripts[lab]) {
        session = new FakeSession(this.#scripts[lab]());
        this.sessions.set(lab, session);
      }
      if (!session) return json(404, { error: { code: 'session/unknown', message: 'No session.', hint: '' } });
      return json(200, session.script.view);
    }
    await this.#file(path, res);
  }

  async #file(path: string, res: ServerResponse): Promise<void> {
    const wanted = join(this.#siteDir, normalize(path));
    for (const candidate of extname(wanted) ? [wanted] : [join(wanted, 'index.html')]) {
      const content = await readFile(candidate).catch(() => undefined);
      if (!content) continue;
      res.writeHead(200, { 'content-type': TYPES[extname(candidate)] ?? 'application/octet-stream' });
      res.end(content);
      return;
    }
    res.writeHead(404, { 'content-type': 'text/html; charset=utf-8' });
    res.end(await readFile(join(this.#siteDir, '404.html')).catch(() => 'Not found'));
  }
}

type Page = (message: ServerMessage) => void;

export class FakeSession {
  readonly script: Script;
  readonly scrollback = new Map<string, Scrollback>();
  readonly received = new Map<string, number>();
  readonly #pages = new Set<Page>();

  constructor(script: Script) {
    this.script = script;
  }

  attach(page: Page, since: Record<string, number>): void {
    this.#pages.add(page);
    page({ type: 'session', session: this.script.view });
    page({ type: 'files', files: this.script.files });
    for (const [terminal, scrollback] of this.scrollback) {
      page({ type: 'terminal.opened', terminal });
      const replay = scrollback.since(since[terminal] ?? 0);
      const reset = replay.reset || since[terminal] === undefined;
      page({
        type: 'terminal.output',
        terminal,
        offset: replay.offset,
        data: replay.data,
        ...(reset ? { reset } : {}),
      });
    }
  }

  detach(page: Page): void {
    this.#pages.delete(page);
  }

  handle(message: ClientMessage): void {
    if (message.type === 'terminal.open' && !this.scrollback.has(message.terminal)) {
      this.scrollback.set(message.terminal, new Scrollback());
      this.tell({ type: 'terminal.opened', terminal: message.terminal });
    }
    if (message.type === 'file.write') {
      const old = this.script.files.find(({ path }) => path === message.path);
      const stale = old && message.baseVersion !== undefined && message.baseVersion !== old.version;
      if (stale && old.content !== message.content) this.setFile(`${message.path}.orig`, old.content);
      return this.setFile(message.path, message.content);
    }
    if (message.type === 'file.delete') return this.setFile(message.path, null);
    this.script.on(message, this);
  }

  setFile(path: string, content: string | null): void {
    const version = (this.script.files.find((file) => file.path === path)?.version ?? 0) + 1;
    this.script.files = this.script.files.filter((file) => file.path !== path);
    if (content !== null) this.script.files.push({ path, content, version });
    this.tell({ type: 'file', path, content, version });
  }

  print(terminal: string, data: string): void {
    const offset = this.scrollback.get(terminal)?.append(data) ?? 0;
    this.tell({ type: 'terminal.output', terminal, offset, data });
  }

  /** Changes the session and tells every page. */
  become(change: Partial<SessionView>): void {
    Object.assign(this.script.view, change);
    this.tell({ type: 'session', session: this.script.view });
  }

  /** Changes one task and tells every page. */
  task(id: string, change: Partial<SessionView['tasks'][number]>): void {
    const { view } = this.script;
    view.tasks = view.tasks.map((task) => (task.id === id ? { ...task, ...change } : task));
    const task = view.tasks.find((other) => other.id === id)!;
    this.tell({ type: 'task', task, points: view.points });
  }

  tell(message: ServerMessage): void {
    for (const page of this.#pages) page(message);
  }
}
