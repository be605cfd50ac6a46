import type { Clock } from '#base/clock.ts';
import { AcademyError, ERRORS, type ErrorCode } from '#base/errors.ts';
import type { Log } from '#base/log.ts';
import type { DriverName } from '#cluster/driver.ts';
import type { KindSettings } from '#cluster/kind/settings.ts';
import { clusterNames } from '#schema/cluster-names.ts';
import { observationKey } from '#schema/observation.ts';
import {
  type ClientMessage,
  type FileView,
  MAX_FILE_BYTES,
  type ServerMessage,
  type SessionState,
  type SessionView,
  type StepView,
  type TaskView,
} from '#schema/protocol.ts';
import type { Store } from '../store/store.ts';
import type { FromWorker, SessionAccess, StartOrder } from './channel.ts';
import { IdleEnd } from './idle-end.ts';
import type { LoadedLab } from './lab-source.ts';
import { Scrollback } from './scrollback.ts';
import type { SessionWorker } from './session-worker.ts';

/** A connected page. */
export interface Page {
  /** A name that the page keeps when it reconnects. */
  id?: string;
  send(message: ServerMessage): void;
}

/** Which driver, why, and with which settings. */
export interface ChosenDriver {
  name: DriverName;
  why: string;
  kind?: KindSettings;
}

export interface SessionOptions {
  learner: string;
  lab: LoadedLab;
  driver: ChosenDriver;
  /** What the learner may choose from. */
  choices: DriverName[];
  /** What is used when the learner chooses. */
  choose(driver: DriverName): ChosenDriver;
  store: Store;
  clock: Clock;
  log: Log;
  idleMs: number;
  idleWarningMs: number;
  /** Takes a worker from the pool. */
  takeWorker(): SessionWorker;
  /** What a start order needs beside the lab and the learner's own things; a new socket and token at each call. */
  access(session: Session): SessionAccess;
  /** Names this session's clusters. */
  cluster: string;
  onEnded(session: Session): void;
}

type WatchMessage = Extract<ClientMessage, { type: 'views.watch' }>;

/** Pages whose input is remembered; a learner who reloads often leaves the oldest behind. */
const MOST_PAGES = 100;

const UNHANDLED_AFTER_END: ReadonlySet<string> = new Set(['hello', 'ping', 'session.reset', 'views.watch']);

/**
 * One learner in one lab: a worker that holds the cluster, the pages that look at it, what the terminals printed, and
 * the clock that ends it when nobody is there. Outlives its pages and, through the store, the server.
 */
export class Session {
  readonly learner: string;
  readonly lab: LoadedLab;
  readonly #o: SessionOptions;
  readonly #pages = new Set<Page>();
  readonly #scrollback = new Map<string, Scrollback>();
  readonly #openTerminals = new Set<string>();
  readonly #steps = new Map<string, StepView>();
  readonly #files = new Map<string, FileView>();
  #tasks: TaskView[] = [];
  #driver: ChosenDriver;
  #state: SessionState = 'starting';
  #worker: SessionWorker | undefined;
  #waiting: ClientMessage[] = [];
  #access: SessionAccess | undefined;
  #innerCa: Record<string, string> = {};
  #createdAt: number;
  #aheadMs = 0;
  #rebuilt: string | undefined;
  #error: { code: string; message: string; hint: string } | undefined;
  readonly #idle: IdleEnd;
  #queue: SessionView['queue'];
  /** Number of the last input that each page has sent, by the page's name. */
  readonly #received = new Map<string, number>();
  readonly #watching = new Map<Page, WatchMessage>();
  #views = new Map<string, ServerMessage>();

  constructor(options: SessionOptions) {
    this.#o = options;
    this.learner = options.learner;
    this.lab = options.lab;
    this.#driver = options.driver;
    this.#createdAt = options.clock.now();
    const { clock, idleMs, idleWarningMs } = options;
    this.#idle = new IdleEnd({
      clock,
      idleMs,
      warningMs: idleWarningMs,
      keep: (endsAt) => options.store.touchSession(this.learner, this.lab.id, endsAt),
      warn: (leftMs) => this.#warn(leftMs),
      putOff: () => this.#broadcastSession(),
      end: () => void this.end('ended'),
    });
  }

  get state(): SessionState {
    return this.#state;
  }
  get driver(): DriverName {
    return this.#driver.name;
  }
  get endsAt(): number {
    return this.#idle.at;
  }
  get access(): SessionAccess | undefined {
    return this.#access;
  }
  /** PEM of each cluster's own CA by its name, where there are several. */
  get innerCa(): Readonly<Record<string, string>> {
    return this.#innerCa;
  }
  get files(): ReadonlyMap<string, FileView> {
    return this.#files;
  }

  /** Brings the session up. `resume`: come back from what the store kept after a restart of the server. */
  start(resume = false): void {
    const { store, lab, learner } = this.#o;
    const stored = resume ? store.session(learner, lab.id) : undefined;
    const snapshot = stored?.snapshot;
    if (stored) {
      this.#createdAt = stored.createdAt;
      this.#rebuilt = snapshot
        ? 'The academy was restarted. Your cluster came back from its saved state: every object is as it was, and every pod was started again, as after a restart of its node.'
        : 'The academy was restarted before your cluster could be saved. It was built again from the start; your files and your command history are as they were.';
    } else {
      store.putSession({
        learner,
        lab: lab.id,
        driver: this.#driver.name,
        createdAt: this.#createdAt,
        endsAt: this.#idle.at,
      });
    }
    const files = store.files(learner, lab.id);
    this.#setState(resume ? 'rebuilding' : 'starting');
    this.#idle.touch();
    this.#launch({
      files: Object.keys(files).length > 0 ? files : undefined,
      history: store.history(learner, lab.id),
      hints: stored?.hints ?? {},
      snapshot,
    });
  }

  #launch(kept: Pick<StartOrder, 'files' | 'history' | 'hints' | 'snapshot'>): void {
    const worker = this.#o.takeWorker();
    this.#worker = worker;
    this.#access = this.#o.access(this);
    worker.listen(
      (message) => this.#worker === worker && this.#fromWorker(message),
      (code, message) => this.#worker === worker && this.#fail(code, message),
    );
    const { name, kind } = this.#driver;
    worker.send({
      type: 'start',
      lab: this.lab,
      driver: name,
      cluster: this.#o.cluster,
      ...(kind ? { kind } : {}),
      ...this.#access,
      ...kept,
    });
  }

  attach(page: Page, since: Record<string, number>): void {
    this.#pages.add(page);
    page.send({ type: 'session', session: this.view() });
    page.send({ type: 'files', files: [...this.#files.values()] });
    for (const [terminal, scrollback] of this.#scrollback) {
      page.send({ type: 'terminal.opened', terminal });
      const replay = scrollback.since(since[terminal] ?? 0);
      page.send({
        type: 'terminal.output',
        terminal,
        offset: replay.offset,
        data: replay.data,
        ...(replay.reset || since[terminal] === undefined ? { reset: true } : {}),
      });
      if (!this.#openTerminals.has(terminal)) page.send({ type: 'terminal.closed', terminal });
    }
    for (const message of this.#views.values()) page.send(message);
  }

  detach(page: Page): void {
    this.#pages.delete(page);
    if (this.#watching.delete(page) && this.#worker?.accepting) {
      this.#worker.send({ type: 'client', message: this.#watched() });
    }
  }

  /** How far a page's numbered input has arrived. */
  received(page: Page): number {
    return (page.id !== undefined && this.#received.get(page.id)) || 0;
  }

  /** Takes note of a numbered input; false when it arrived before, on a connection that broke. */
  #isNew(n: number | undefined, page: Page | undefined): boolean {
    if (n === undefined || page?.id === undefined) return true;
    if (n <= this.received(page)) return false;
    this.#received.delete(page.id);
    this.#received.set(page.id, n);
    if (this.#received.size > MOST_PAGES) this.#received.delete(this.#received.keys().next().value!);
    return true;
  }

  /** What any of the pages looks at. */
  #watched(): WatchMessage {
    const all = [...this.#watching.values()];
    const values = new Map(all.flatMap(({ observe }) => observe.map((one) => [observationKey(one), one])));
    return {
      type: 'views.watch',
      views: [...new Set(all.flatMap(({ views }) => views))],
      observe: [...values.values()],
      clusters: [...new Set(all.flatMap(({ clusters }) => clusters))],
    };
  }

  /** Handles one message of a page. Throws AcademyError for what can't be done; the session goes on. */
  handle(message: ClientMessage, page?: Page): void {
    if (message.type === 'ping' || message.type === 'hello') return;
    if ((this.#state === 'ended' || this.#state === 'failed') && !UNHANDLED_AFTER_END.has(message.type)) {
      throw new AcademyError('session/ended', 'This session has ended.');
    }
    this.#idle.touch();
    switch (message.type) {
      case 'session.reset':
        return this.reset(message.driver);
      case 'session.extend':
        return this.#broadcastSession();
      case 'session.end':
        void this.end('ended');
        return;
      case 'solution.show':
        this.#broadcast({ type: 'solution', ...this.lab.solution });
        return;
      case 'terminal.input':
        if (!this.#isNew(message.n, page)) return;
        break;
      case 'views.watch':
        if (page) this.#watching.set(page, message);
        if (page) message = this.#watched();
        break;
      case 'file.write':
        if (Buffer.byteLength(message.content) > MAX_FILE_BYTES) {
          throw new AcademyError('file/too-large', `${message.path} is larger than a file may be.`);
        }
        break;
      case 'clock.advance':
        if (this.lab.definition.cluster.clock !== 'movable') {
          throw new AcademyError('request/invalid', "This lab's clock can't be moved.");
        }
        break;
    }
    if (this.#worker?.accepting) this.#worker.send({ type: 'client', message });
    else if (this.#waiting.length < 200) this.#waiting.push(message);
  }

  /** A fresh cluster, of another kind if the learner wants one that may be had; files and history stay. */
  reset(wanted?: DriverName): void {
    const { store, learner, lab, choices } = this.#o;
    if (wanted && !choices.includes(wanted))
      throw new AcademyError('driver/unavailable', `This lab can't run on the ${wanted} cluster here.`);
    if (wanted && wanted !== this.#driver.name) this.#driver = this.#o.choose(wanted);
    this.#dropWorker();
    this.#createdAt = this.#o.clock.now();
    this.#rebuilt = undefined;
    this.#error = undefined;
    this.#aheadMs = 0;
    this.#tasks = [];
    this.#steps.clear();
    this.#views.clear();
    for (const terminal of this.#openTerminals) this.#broadcast({ type: 'terminal.closed', terminal });
    this.#openTerminals.clear();
    this.#scrollback.clear();
    store.putSession({
      learner,
      lab: lab.id,
      driver: this.#driver.name,
      createdAt: this.#createdAt,
      endsAt: this.#idle.at,
    });
    this.#setState('starting');
    this.#idle.touch();
    const files = store.files(learner, lab.id);
    this.#launch({
      files: Object.keys(files).length > 0 ? files : undefined,
      history: store.history(learner, lab.id),
      hints: {},
      snapshot: undefined,
    });
  }

  async end(state: 'ended' | 'failed'): Promise<void> {
    this.#idle.stop();
    const worker = this.#dropWorker();
    if (state === 'ended') this.#o.store.endSession(this.learner, this.lab.id);
    this.#setState(state);
    this.#o.onEnded(this);
    await worker;
  }

  /** Saves the cluster and stops the worker; the session comes back at the next start of the server. */
  async suspend(): Promise<void> {
    this.#idle.stop();
    await this.#worker?.save();
    await this.#dropWorker({ keep: true });
  }

  setQueue(queue: SessionView['queue']): void {
    this.#queue = queue;
    this.#setState(queue ? 'queued' : 'starting');
  }

  view(): SessionView {
    const got = this.#tasks.filter((t) => t.verdict?.state === 'passed').reduce((sum, t) => sum + t.points, 0);
    const of = this.lab.definition.tasks.reduce((sum, t) => sum + t.points, 0);
    return {
      lab: this.lab.id,
      title: this.lab.definition.title,
      state: this.#state,
      driver: this.#driver.name,
      driverWhy: this.#driver.why,
      ...(this.#o.choices.length > 1 ? { choices: this.#o.choices } : {}),
      steps: [...this.#steps.values()],
      tasks: this.#tasks.length > 0 ? this.#tasks : plainTasks(this.lab),
      points: { got, of },
      createdAt: this.#createdAt,
      endsAt: this.#idle.at,
      clockAheadMs: this.#aheadMs,
      ...(this.lab.definition.cluster.others.length > 0 ? { clusters: clusterNames(this.lab.definition.cluster) } : {}),
      clockMovable: this.lab.definition.cluster.clock === 'movable' && this.#driver.name === 'embedded',
      ...(this.#rebuilt ? { rebuilt: this.#rebuilt } : {}),
      ...(this.#queue ? { queue: this.#queue } : {}),
      ...(this.#error ? { error: this.#error } : {}),
    };
  }

  #fromWorker(message: FromWorker): void {
    const { store, learner, lab, clock } = this.#o;
    switch (message.type) {
      case 'step': {
        const before = this.#steps.get(message.step.step);
        const step: StepView = {
          ...message.step,
          ...(before && message.step.state !== 'started' ? { tookMs: message.step.at - before.at } : {}),
        };
        this.#steps.set(step.step, step);
        return this.#broadcast({ type: 'step', step });
      }
      case 'prompt': {
        const waiting = this.#waiting;
        this.#waiting = [];
        for (const held of waiting) this.#worker?.send({ type: 'client', message: held });
        return;
      }
      case 'ready':
        return this.#setState('ready');
      case 'inner-ca':
        this.#innerCa = message.ca;
        return;
      case 'broadcast':
        this.#remember(message.message);
        return this.#broadcast(message.message);
      case 'terminal.opened':
        this.#openTerminals.add(message.terminal);
        this.#scrollback.set(message.terminal, this.#scrollback.get(message.terminal) ?? newScrollback(clock));
        return this.#broadcast({ type: 'terminal.opened', terminal: message.terminal });
      case 'terminal.output': {
        const offset = this.#scrollback.get(message.terminal)?.append(message.data) ?? 0;
        return this.#broadcast({ type: 'terminal.output', terminal: message.terminal, offset, data: message.data });
      }
      case 'terminal.closed':
        this.#openTerminals.delete(message.terminal);
        this.#scrollback.delete(message.terminal);
        return this.#broadcast({ type: 'terminal.closed', terminal: message.terminal });
      case 'tasks':
        this.#tasks = message.tasks;
        return this.#broadcastSession();
      case 'task': {
        this.#tasks = this.#tasks.map((task) => (task.id === message.task.id ? message.task : task));
        const { verdict } = message.task;
        if (verdict?.state === 'passed') {
          store.addPassed(learner, lab.id, message.task.id, message.task.points, verdict.said, clock.now());
        }
        return this.#broadcast({ type: 'task', task: message.task, points: this.view().points });
      }
      case 'hints':
        return store.saveHints(learner, lab.id, message.hints);
      case 'file': {
        store.saveFile(learner, lab.id, message.path, message.content);
        const content = message.content && Buffer.from(message.content).toString('utf8');
        if (content === null) this.#files.delete(message.path);
        else this.#files.set(message.path, { path: message.path, content, version: message.version });
        return this.#broadcast({ type: 'file', path: message.path, content, version: message.version });
      }
      case 'history':
        return store.addHistory(learner, lab.id, message.line);
      case 'answer':
        return store.saveAnswer(learner, lab.id, message.answer, message.value, message.correct, clock.now());
      case 'snapshot':
        return store.saveSnapshot(learner, lab.id, message.data, clock.now());
      case 'rebuilt':
        this.#rebuilt = message.text;
        return this.#broadcastSession();
      case 'clock':
        this.#aheadMs = message.aheadMs;
        return this.#broadcastSession();
      case 'failed':
        return this.#fail(message.code, message.message);
    }
  }

  /** What a page that comes later must be told as well: the newest of each view, and texts that wait to be edited. */
  #remember(message: ServerMessage): void {
    if (message.type.startsWith('view.')) {
      const cluster = 'cluster' in message ? (message.cluster ?? '') : '';
      this.#views.set(`${message.type} ${cluster}`, message);
    } else if (message.type === 'edit') this.#views.set(`edit ${message.id}`, message);
    else if (message.type === 'edit.cancelled') this.#views.delete(`edit ${message.id}`);
  }

  #fail(code: ErrorCode, message: string): void {
    this.#o.log.warn('session failed', { lab: this.lab.id, code });
    this.#error = { code, message, hint: ERRORS[code].hint };
    void this.end('failed');
  }

  #warn(leftMs: number): void {
    const text = `Nothing was typed for a while. This session ends in ${spokenMinutes(leftMs)}. Press any key or Extend to keep it.`;
    this.#broadcast({ type: 'notice', level: 'warning', text, endsAt: this.#idle.at });
    this.#worker?.send({ type: 'idle-warning', text });
  }

  #dropWorker(options: { keep: boolean } = { keep: false }): Promise<void> | undefined {
    const worker = this.#worker;
    this.#worker = undefined;
    this.#waiting = [];
    return worker?.stop(options);
  }

  #setState(state: SessionState): void {
    this.#state = state;
    this.#broadcastSession();
  }
  #broadcastSession(): void {
    this.#broadcast({ type: 'session', session: this.view() });
  }
  #broadcast(message: ServerMessage): void {
    for (const page of this.#pages) page.send(message);
  }
}

function plainTasks(lab: LoadedLab): TaskView[] {
  return lab.definition.tasks.map((task) => ({
    id: task.id,
    title: task.title,
    points: task.points,
    mode: task.mode,
    needs: task.needs,
    hintsTotal: task.hints.length,
    hintsShown: [],
  }));
}

function spokenMinutes(ms: number): string {
  const seconds = Math.round(ms / 1000);
  if (seconds < 90) return `${seconds} seconds`;
  return `${Math.round(seconds / 60)} minutes`;
}

/** Counts from the microsecond of its beginning: no terminal prints faster than that for long. */
const newScrollback = (clock: Clock): Scrollback => new Scrollback(undefined, clock.now() * 1_000);
