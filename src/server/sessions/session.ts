import type { Clock } from '#base/clock.ts';
import { AcademyError, ERRORS, type ErrorCode } from '#base/errors.ts';
import type { Log } from '#base/log.ts';
import type { DriverName } from '#cluster/driver.ts';
import type { ClientMessage, FileView, ServerMessage, SessionState, SessionView, TaskView } from '#schema/protocol.ts';
import type { Store } from '../store/store.ts';
import type { FromWorker, SessionAccess, StartOrder } from './channel.ts';
import { IdleEnd, idleWarning } from './idle-end.ts';
import type { LoadedLab } from './lab-source.ts';
import { type Page, Pages } from './pages.ts';
import { refuseAfterEnd, refuseUnfit } from './refuse-unfit.ts';
import { type ChosenDriver, viewOf } from './session-view.ts';
import type { SessionWorker } from './session-worker.ts';
import { Shown } from './shown.ts';

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

/**
 * One learner in one lab: a worker that holds the cluster, the pages that look at it, what the terminals printed, and
 * the clock that ends it when nobody is there. Outlives its pages and, through the store, the server.
 */
export class Session {
  readonly learner: string;
  readonly lab: LoadedLab;
  readonly #o: SessionOptions;
  readonly #pages = new Pages();
  readonly #shown: Shown;
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

  constructor(options: SessionOptions) {
    this.#o = options;
    this.learner = options.learner;
    this.lab = options.lab;
    this.#driver = options.driver;
    this.#createdAt = options.clock.now();
    this.#shown = new Shown(options.clock);
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
    return this.#shown.files;
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
      this.#putInStore();
    }
    this.#setState(resume ? 'rebuilding' : 'starting');
    this.#idle.touch();
    this.#launch({ hints: stored?.hints ?? {}, snapshot });
  }

  #putInStore(): void {
    this.#o.store.putSession({
      learner: this.learner,
      lab: this.lab.id,
      driver: this.#driver.name,
      createdAt: this.#createdAt,
      endsAt: this.#idle.at,
    });
  }

  /** The learner's own things come from the store. */
  #launch(kept: Pick<StartOrder, 'hints' | 'snapshot'>): void {
    const { store } = this.#o;
    const files = store.files(this.learner, this.lab.id);
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
      files: Object.keys(files).length > 0 ? files : undefined,
      history: store.history(this.learner, this.lab.id),
      ...kept,
    });
  }

  attach(page: Page, since: Record<string, number>): void {
    this.#pages.add(page);
    page.send({ type: 'session', session: this.view() });
    this.#shown.tell(page, since);
  }

  detach(page: Page): void {
    if (this.#pages.remove(page) && this.#worker?.accepting) {
      this.#worker.send({ type: 'client', message: this.#pages.watched() });
    }
  }

  /** How far a page's numbered input has arrived. */
  received(page: Page): number {
    return this.#pages.received(page);
  }

  /** Handles one message of a page. Throws AcademyError for what can't be done; the session goes on. */
  handle(message: ClientMessage, page?: Page): void {
    if (message.type === 'ping' || message.type === 'hello') return;
    if (this.#state === 'ended' || this.#state === 'failed') refuseAfterEnd(message);
    this.#idle.touch();
    refuseUnfit(message, this.lab.definition);
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
        if (!this.#pages.isNew(message.n, page)) return;
        break;
      case 'views.watch':
        if (page) message = this.#pages.watch(page, message);
        break;
    }
    if (this.#worker?.accepting) this.#worker.send({ type: 'client', message });
    else if (this.#waiting.length < 200) this.#waiting.push(message);
  }

  /** A fresh cluster, of another kind if the learner wants one that may be had; files and history stay. */
  reset(wanted?: DriverName): void {
    const { choices } = this.#o;
    if (wanted && !choices.includes(wanted))
      throw new AcademyError('driver/unavailable', `This lab can't run on the ${wanted} cluster here.`);
    if (wanted && wanted !== this.#driver.name) this.#driver = this.#o.choose(wanted);
    this.#dropWorker();
    this.#createdAt = this.#o.clock.now();
    this.#rebuilt = undefined;
    this.#error = undefined;
    this.#aheadMs = 0;
    this.#tasks = [];
    for (const terminal of this.#shown.clear()) this.#broadcast({ type: 'terminal.closed', terminal });
    this.#putInStore();
    this.#setState('starting');
    this.#idle.touch();
    this.#launch({ hints: {}, snapshot: undefined });
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
    return viewOf({
      lab: this.lab,
      state: this.#state,
      driver: this.#driver,
      choices: this.#o.choices,
      steps: this.#shown.steps(),
      tasks: this.#tasks,
      createdAt: this.#createdAt,
      endsAt: this.#idle.at,
      aheadMs: this.#aheadMs,
      rebuilt: this.#rebuilt,
      queue: this.#queue,
      error: this.#error,
    });
  }

  #fromWorker(message: FromWorker): void {
    const { store, learner, lab, clock } = this.#o;
    switch (message.type) {
      case 'step':
        return this.#broadcast(this.#shown.step(message.step));
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
        this.#shown.remember(message.message);
        return this.#broadcast(message.message);
      case 'terminal.opened':
        return this.#broadcast(this.#shown.terminalOpened(message.terminal));
      case 'terminal.output':
        return this.#broadcast(this.#shown.terminalOutput(message.terminal, message.data));
      case 'terminal.closed':
        return this.#broadcast(this.#shown.terminalClosed(message.terminal));
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
      case 'file':
        store.saveFile(learner, lab.id, message.path, message.content);
        return this.#broadcast(this.#shown.file(message.path, message.content, message.version));
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

  #fail(code: ErrorCode, message: string): void {
    this.#o.log.warn('session failed', { lab: this.lab.id, code });
    this.#error = { code, message, hint: ERRORS[code].hint };
    void this.end('failed');
  }

  #warn(leftMs: number): void {
    const text = idleWarning(leftMs);
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
    this.#pages.send(message);
  }
}
