import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { WebSocket } from 'ws';
import type { ClientMessage, ServerMessage, SessionView, TaskView } from '#schema/protocol.ts';
import { findDrivers } from '#server/drivers.ts';
import { type RunningServer, startServer } from '#server/main.ts';
import { readSettings } from '#server/settings.ts';
import { ensureBuilt } from '../../src/cli/build/build.ts';
import { ROOT } from '../../src/cli/root.ts';

/** A server of its own on a free port of loopback, with a data folder that goes away with it. */
export class TestAcademy {
  readonly dataDir: string;
  #server: RunningServer | undefined;
  readonly #env: Record<string, string>;
  readonly #labsDir: string;
  readonly #kind: boolean;

  constructor(options: { env?: Record<string, string>; labsDir?: string; kind?: boolean } = {}) {
    this.dataDir = mkdtempSync(join(tmpdir(), 'academy-test-'));
    this.#env = options.env ?? {};
    this.#labsDir = options.labsDir ?? join(ROOT, 'labs');
    this.#kind = options.kind ?? false;
  }

  get url(): string {
    return this.server.url;
  }
  get server(): RunningServer {
    if (!this.#server) throw new Error('the academy is not started');
    return this.#server;
  }

  /** Starts, or starts again on the same data. */
  async start(): Promise<this> {
    const { workerEntry } = await ensureBuilt(() => {}, ['worker']);
    const siteDir = join(this.dataDir, 'site');
    await import('node:fs/promises').then((fs) => fs.mkdir(siteDir, { recursive: true }));
    writeFileSync(join(siteDir, 'index.html'), '<!doctype html><title>Mesh Academy</title>');
    const settings = readSettings({ PORT: '0', ACADEMY_DATA: this.dataDir, ACADEMY_LOG: 'error', ...this.#env });
    this.#server = await startServer({
      settings,
      version: 'test',
      drivers: this.#kind
        ? await findDrivers({ ...settings, driver: 'kind' })
        : { chosen: 'embedded', why: 'for a test', available: ['embedded'] },
      siteDir,
      labsDir: this.#labsDir,
      workerEntry,
    });
    return this;
  }

  async stop(): Promise<void> {
    await this.#server?.close();
    this.#server = undefined;
  }

  async remove(): Promise<void> {
    await this.stop();
    rmSync(this.dataDir, { recursive: true, force: true });
  }

  learner(): TestLearner {
    return new TestLearner(this);
  }
}

/** A browser without a screen: keeps its cookie, speaks REST and the WebSocket. */
export class TestLearner {
  cookie = '';
  readonly #academy: { readonly url: string };

  constructor(academy: { readonly url: string }) {
    this.#academy = academy;
  }

  async fetch(path: string, init: RequestInit = {}): Promise<Response> {
    const response = await fetch(new URL(path, this.#academy.url), {
      ...init,
      headers: { ...(this.cookie ? { cookie: this.cookie } : {}), ...(init.headers as Record<string, string>) },
    });
    const set = response.headers.get('set-cookie');
    if (set) this.cookie = set.split(';')[0]!;
    return response;
  }

  async startLab(lab: string): Promise<SessionView> {
    const response = await this.fetch(`/api/labs/${lab}/session`, { method: 'POST' });
    if (!response.ok) throw new Error(`${response.status} ${await response.text()}`);
    return (await response.json()) as SessionView;
  }

  connect(lab: string, options: { since?: Record<string, number>; headers?: Record<string, string> } = {}): TestPage {
    return new TestPage(this.#academy.url, lab, { cookie: this.cookie, ...options.headers }, options.since);
  }
}

/** One open page of a lab, and all that it was told. */
export class TestPage {
  readonly messages: ServerMessage[] = [];
  readonly #ws: WebSocket;
  readonly #watchers = new Set<() => void>();
  readonly #output = new Map<string, string>();
  /** Offsets after the last character of each terminal, as a page sends them with its next hello. */
  readonly ends: Record<string, number> = {};
  #session: SessionView | undefined;
  #tasks = new Map<string, TaskView>();
  /** HTTP status of a refused upgrade, or the close code. */
  closed: { status?: number; code?: number } | undefined;

  constructor(url: string, lab: string, headers: Record<string, string>, since: Record<string, number> = {}) {
    const address = new URL(`/api/labs/${lab}/ws`, url.replace('http', 'ws'));
    const all: Record<string, string> = { origin: new URL(url).origin, ...headers };
    for (const [name, value] of Object.entries(all)) if (value === '') delete all[name];
    this.#ws = new WebSocket(address, { headers: all });
    this.#ws.on('open', () => this.send({ type: 'hello', since }));
    this.#ws.on('message', (data) => this.#take(JSON.parse(String(data)) as ServerMessage));
    this.#ws.on('unexpected-response', (_request, response) => {
      this.closed = { status: response.statusCode ?? 0 };
      this.#ws.terminate();
      this.#changed();
    });
    this.#ws.on('close', (code) => {
      this.closed ??= { code };
      this.#changed();
    });
    this.#ws.on('error', () => {});
  }

  get session(): SessionView | undefined {
    return this.#session;
  }
  task(id: string): TaskView | undefined {
    return this.#tasks.get(id);
  }
  /** All that a terminal printed, without escape sequences. */
  text(terminal = 'main'): string {
    return plain(this.#output.get(terminal) ?? '');
  }
  raw(terminal = 'main'): string {
    return this.#output.get(terminal) ?? '';
  }

  send(message: ClientMessage): void {
    this.sendRaw(JSON.stringify(message));
  }
  sendRaw(data: string | Uint8Array): void {
    if (this.#ws.readyState === WebSocket.CONNECTING) this.#ws.once('open', () => this.#ws.send(data));
    else this.#ws.send(data);
  }

  /** Opens a terminal and resolves at its first prompt. */
  async openTerminal(terminal = 'main', size = { columns: 120, rows: 30 }): Promise<void> {
    this.send({ type: 'terminal.open', terminal, ...size });
    await this.until(() => /\$ $/.test(this.text(terminal)), 20_000, 'a prompt');
  }

  type(text: string, terminal = 'main'): void {
    this.send({ type: 'terminal.input', terminal, data: text });
  }

  /** Types a line and resolves with what was printed before the next prompt. */
  async run(line: string, timeoutMs = 30_000, terminal = 'main'): Promise<string> {
    const before = this.text(terminal).length;
    this.type(`${line}\r`, terminal);
    await this.until(
      () => {
        const after = this.text(terminal).slice(before);
        return after.includes('\n') && /(^|\n)[^\n]*\$ $/.test(after);
      },
      timeoutMs,
      `"${line}" to end`,
    );
    const printed = this.text(terminal).slice(before).split('\n');
    return printed.slice(1, -1).join('\n').replaceAll('\r', '');
  }

  async until(condition: () => boolean, timeoutMs: number, what: string): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      const finish = (settle: () => void) => {
        clearTimeout(timer);
        this.#watchers.delete(look);
        settle();
      };
      const look = () => condition() && finish(resolve);
      const timer = setTimeout(
        () =>
          finish(() =>
            reject(
              new Error(
                `timed out waiting for ${what}. The session is ${this.#session?.state}, the terminal says:\n${this.text().slice(-1500)}`,
              ),
            ),
          ),
        timeoutMs,
      );
      this.#watchers.add(look);
      look();
    });
  }

  close(): void {
    this.#ws.terminate();
  }

  #take(message: ServerMessage): void {
    this.messages.push(message);
    if (message.type === 'session') {
      this.#session = message.session;
      for (const task of message.session.tasks) this.#tasks.set(task.id, task);
    } else if (message.type === 'task') this.#tasks.set(message.task.id, message.task);
    else if (message.type === 'terminal.output') {
      const before = message.reset ? '' : (this.#output.get(message.terminal) ?? '');
      this.#output.set(message.terminal, before + message.data);
      this.ends[message.terminal] = message.offset + message.data.length;
    }
    this.#changed();
  }

  #changed(): void {
    for (const look of [...this.#watchers]) look();
  }
}

/** Text without the escape sequences of a terminal. */
function plain(text: string): string {
  return text
    .replace(/\x1b\][^\x07\x1b]*(\x07|\x1b\\)/g, '')
    .replace(/\x1b\[[0-9;?]*[ -/]*[@-~]/g, '')
    .replace(/\x1b[=>()][0-9A-B]?/g, '');
}
