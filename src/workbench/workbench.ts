import { WallClock } from '#base/clock.ts';
import type { ClientMessage, SessionView, TaskView } from '#schema/protocol.ts';
import { Announcer } from './announcer.ts';
import { Attachment } from './attachment.ts';
import { Connection, type Link } from './connection.ts';
import { EditorPane } from './editor/editor-pane.ts';
import { el } from './element.ts';
import { buildFrame } from './frame.ts';
import { openKeyboardHelp, startKeyboard } from './keyboard.ts';
import { LabStore, type ViewName } from './lab-store.ts';
import { tellLink, tellTask } from './news.ts';
import { Notices } from './notices.ts';
import { ObservedValues } from './observed-values.ts';
import { listenToPage } from './page-events.ts';
import { PaneSwitch } from './pane-switch.ts';
import { askEnd, askReset } from './session-dialogs.ts';
import { createSessionMenu } from './session-menu.ts';
import { SessionPanel } from './session-panel.ts';
import { askForSolution, openSolution } from './solution-dialog.ts';
import { Status } from './status.ts';
import { Rail } from './tasks/rail.ts';
import { TaskCards } from './tasks/task-cards.ts';
import { passedCount } from './tasks/words.ts';
import { Offsets } from './terminal/offsets.ts';
import { TerminalPane } from './terminal/terminal-pane.ts';
import { TrafficStrip } from './views/traffic-strip.ts';
import { type PaneName, ViewsPane } from './views/views-pane.ts';

export interface WorkbenchOptions {
  lab: string;
  session: SessionView;
  begun: boolean;
  next: string | undefined;
  onClosed(running: boolean): void;
}

/** The instrument panel beside the prose: one session, its panes, and what ties them together. */
export class Workbench {
  readonly #o: WorkbenchOptions;
  readonly #store: LabStore;
  readonly #connection: Connection;
  readonly #offsets = new Offsets();
  readonly #clock = new WallClock();
  readonly #announcer = new Announcer();
  readonly #notices = new Notices();
  readonly #terminals: TerminalPane;
  readonly #editor: EditorPane;
  readonly #views: ViewsPane;
  readonly #status: Status;
  readonly #cards: TaskCards;
  readonly #panel: SessionPanel;
  readonly #switch: PaneSwitch;
  readonly #observed: ObservedValues;
  readonly #attachment: Attachment;
  readonly #next: HTMLAnchorElement;
  readonly #stop: (() => void)[] = [];
  #wasLost = false;

  constructor(options: WorkbenchOptions) {
    this.#o = options;
    const { lab } = options;
    document.documentElement.dataset['workbench'] = '';
    this.#store = new LabStore(options.session);
    this.#connection = new Connection({
      clock: this.#clock,
      openSocket: () => new WebSocket(`${location.origin.replace(/^http/, 'ws')}/api/labs/${lab}/ws`),
      sessionLives: () => sessionLives(lab),
      since: () => this.#offsets.since(),
      onSend: (message) => this.#store.active(message),
    });
    const say = (sentence: string) => this.#announcer.say(sentence);
    const parts = { store: this.#store, connection: this.#connection, say };
    this.#terminals = new TerminalPane({ ...parts, offsets: this.#offsets });
    this.#editor = new EditorPane({
      ...parts,
      clock: this.#clock,
      reveal: () => this.openView('editor'),
      onLeave: () => this.#views.focusTab(),
    });
    this.#views = new ViewsPane({
      store: this.#store,
      editor: this.#editor,
      watch: () => this.#watch(),
    });
    this.#observed = new ObservedValues(this.#store);
    this.#attachment = new Attachment({
      store: this.#store,
      connection: this.#connection,
      offsets: this.#offsets,
      terminals: this.#terminals,
      watch: () => this.#watch(),
      focusShell: options.begun,
    });
    this.#cards = new TaskCards({
      store: this.#store,
      send: (message) => this.#send(message),
      askSolution: () => askForSolution(() => this.#send({ type: 'solution.show' })),
      openView: (view) => this.openView(view),
    });
    this.#status = new Status({
      store: this.#store,
      extend: () => this.#extend(),
      runOn: (driver) => this.#runOn(driver),
      moveClock: (ms) => this.#send({ type: 'clock.advance', ms }),
      help: openKeyboardHelp,
      menu: createSessionMenu({
        lab,
        terminals: this.#terminals,
        reset: () => this.#askReset(),
        hide: () => this.hide(),
        end: () => askEnd(() => this.#end()),
      }),
    });
    this.#panel = new SessionPanel({
      store: this.#store,
      startAgain: () => void this.#startAgain(),
      reset: () => this.#askReset(),
      cancel: () => this.#end(),
      hide: () => this.hide(),
    });
    this.#switch = new PaneSwitch((pane) => {
      if (pane === 'views' && this.#views.shown === 'editor') this.#views.show('certificates');
      if (pane === 'editor') this.#views.show('editor');
      this.#terminals.fit();
    });
    this.#next = el(
      'a',
      { class: 'button', href: options.next ?? '/#courses' },
      options.next ? 'Next lesson' : 'All courses',
    );
    this.#stop.push(
      buildFrame({
        notices: this.#notices.element,
        upper: this.#views.element,
        lower: this.#terminals.element,
        session: this.#panel.element,
        rail: new Rail(this.#store, (task) => this.#goToTask(task)).element,
        traffic: new TrafficStrip(this.#store).element,
        next: this.#next,
        paneSwitch: this.#switch.element,
        announcer: this.#announcer.element,
        status: this.#status.element,
        reset: () => this.#askReset(),
        resized: () => this.#terminals.fit(),
      }),
    );
    this.#listen();
    this.#connection.connect();
    this.#sessionChanged();
    requestIdleCallbackSafely(() => this.#editor.preload());
  }

  /** Shows a view, and the pane it is in on a small screen. */
  openView(view: PaneName): void {
    this.#views.show(view);
    this.#switch.show(view === 'editor' ? 'editor' : 'views');
  }

  /** Back to reading. The session goes on. */
  hide(): void {
    const { state } = this.#store.session;
    const running = !this.#panel.over || state === 'queued';
    this.dispose();
    this.#o.onClosed(running);
    document.getElementById('main')?.focus();
  }

  dispose(): void {
    this.#editor.dispose();
    this.#connection.close();
    for (const stop of this.#stop) stop();
    this.#terminals.dispose();
    this.#views.dispose();
    this.#observed.dispose();
    this.#cards.dispose();
    this.#status.dispose();
    this.#panel.dispose();
    for (const name of ['workbench', 'session', 'link']) delete document.documentElement.dataset[name];
    this.#switch.clear();
  }

  #listen(): void {
    const { events } = this.#store;
    this.#stop.push(
      this.#connection.events.on('message', (message) => this.#attachment.accept(message)),
      this.#connection.events.on('link', (link) => this.#drawLink(link)),
      events.on('session', () => this.#sessionChanged()),
      events.on('task', ({ task, before }) => this.#taskChanged(task, before)),
      events.on('solution', (solution) => openSolution(solution)),
      events.on('notice', ({ level, text, endsAt }) => {
        const extend = endsAt === undefined ? [] : [{ label: 'Extend', act: () => this.#extend() }];
        this.#notices.show(endsAt === undefined ? `notice ${text}` : 'idle', {
          level,
          text,
          actions: extend,
          dismiss: true,
        });
      }),
      events.on('error', (error) =>
        this.#notices.show(`error ${error.code}`, {
          level: 'error',
          text: `${error.message} ${error.hint}`,
          dismiss: true,
          forMs: 20_000,
        }),
      ),
      startKeyboard(
        () => [
          { element: document.getElementById('main')!, focus: () => document.getElementById('main')?.focus() },
          { element: this.#views.element, focus: () => this.#views.focusTab() },
          { element: this.#terminals.element, focus: () => this.#terminals.focusTab() },
          {
            element: document.querySelector<HTMLElement>('.wb-foot')!,
            focus: () => document.querySelector<HTMLElement>('.wb-foot button')?.focus(),
          },
        ],
        () => {
          this.#switch.show('terminal');
          this.#terminals.focus();
        },
      ),
      listenToPage({
        leaving: () => this.#editor.saveAll(),
        wouldLose: () => this.#connection.link.state !== 'open' && this.#editor.unsaved,
        online: () => this.#connection.link.state === 'waiting' && this.#connection.connect(),
        click: (target) => this.#proseClick(target),
      }),
    );
  }

  #goToTask(task: string): void {
    this.#switch.show('text');
    this.#cards.goTo(task);
  }

  /** Buttons in the prose: Run, and Show of an observation. */
  #proseClick(target: Element): void {
    const send = target.closest('[data-send]')?.closest<HTMLElement>('[data-command]');
    if (send) {
      this.#switch.show('terminal');
      this.#terminals.run(send.dataset['command'] ?? '');
    }
    const view = target.closest<HTMLElement>('[data-open-view]')?.dataset['openView'];
    if (view) this.openView(view as ViewName);
  }

  #send(message: ClientMessage): void {
    this.#connection.send(message);
  }

  /** Tells the session what this page looks at: the shown view, and the values in the text. */
  #watch(): void {
    const { cluster } = this.#store;
    this.#send({
      type: 'views.watch',
      views: this.#views.watched(),
      observe: this.#observed.wanted,
      clusters: cluster === undefined ? [] : [cluster],
    });
  }

  #sessionChanged(): void {
    const { session } = this.#store;
    document.documentElement.dataset['session'] = session.state;
    this.#panel.draw();
    this.#drawNext();
    if (session.rebuilt && session.state === 'ready') {
      this.#notices.show('rebuilt', {
        level: 'info',
        text: session.rebuilt,
        actions: [{ label: 'Fresh cluster …', act: () => this.#askReset() }],
        dismiss: true,
      });
    } else this.#notices.hide('rebuilt');
    if (session.endsAt - this.#store.now() > 60_000) this.#notices.hide('idle');
    if (session.state !== 'ready') this.#notices.hide('idle');
    this.#attachment.ensureShell();
    this.#views.show(this.#views.shown);
  }

  #taskChanged(task: TaskView, before: TaskView | undefined): void {
    this.#drawNext();
    const to = { announcer: this.#announcer, notices: this.#notices, askReset: () => this.#askReset() };
    tellTask(to, task, before);
  }

  /** The way on is offered more loudly when nothing is left to do. */
  #drawNext(): void {
    const { tasks } = this.#store;
    this.#next.classList.toggle('primary', tasks.length > 0 && passedCount(tasks) === tasks.length);
  }

  #drawLink(link: Link): void {
    if (link.state !== 'open') this.#attachment.detached();
    this.#panel.setGone(link.state === 'gone');
    document.documentElement.dataset['link'] = link.state;
    const to = { announcer: this.#announcer, notices: this.#notices, retry: () => this.#connection.connect() };
    tellLink(to, link, this.#clock.now(), this.#wasLost);
    if (link.state !== 'connecting') this.#wasLost = link.state === 'waiting';
  }

  #extend(): void {
    this.#send({ type: 'session.extend' });
    this.#notices.hide('idle');
    this.#announcer.say('The session was extended.');
  }

  #askReset(): void {
    askReset(() => this.#reset());
  }

  #reset(): void {
    if (this.#panel.over) return void this.#startAgain();
    this.#editor.saveAll();
    this.#send({ type: 'session.reset' });
  }

  #runOn(driver: 'embedded' | 'kind'): void {
    this.#editor.saveAll();
    this.#send({ type: 'session.reset', driver });
  }

  #end(): void {
    this.#send({ type: 'session.end' });
  }

  async #startAgain(): Promise<void> {
    try {
      const response = await fetch(`/api/labs/${this.#o.lab}/session`, { method: 'POST' });
      if (!response.ok) throw new Error(String(response.status));
      const session = (await response.json()) as SessionView;
      this.#panel.setGone(false);
      this.#attachment.startAfresh(session);
    } catch {
      this.#notices.show('start', {
        level: 'error',
        text: 'The academy does not answer. Is it still running?',
        actions: [{ label: 'Try again', act: () => void this.#startAgain() }],
        dismiss: true,
      });
    }
  }
}

/** Whether the server has the session. Rejects when nobody can say, as while an academy behind a proxy is restarted. */
async function sessionLives(lab: string): Promise<boolean> {
  const response = await fetch(`/api/labs/${lab}/session`);
  if (response.ok) return true;
  if (response.status === 404) return false;
  throw new Error(`status ${response.status}`);
}

/** Not every browser has requestIdleCallback. */
function requestIdleCallbackSafely(act: () => void): void {
  if ('requestIdleCallback' in window) requestIdleCallback(() => act(), { timeout: 3_000 });
  else setTimeout(act, 1_500);
}
