import type { ServerMessage, SessionView } from '#schema/protocol.ts';
import type { Connection } from './connection.ts';
import type { LabStore } from './lab-store.ts';
import type { Offsets } from './terminal/offsets.ts';
import type { TerminalPane } from './terminal/terminal-pane.ts';

export interface AttachmentOptions {
  store: LabStore;
  connection: Connection;
  offsets: Offsets;
  terminals: TerminalPane;
  /** Tells the session what this page looks at. */
  watch(): void;
  /** The Start button had the keyboard and is gone; the first shell's tab gets it. */
  focusShell: boolean;
}

/** This page's hold on a session: what it has of the output, which session that was of, and whether a shell is open. */
export class Attachment {
  readonly #o: AttachmentOptions;
  #to = '';
  #complete = false;
  #focusShell: boolean;

  constructor(options: AttachmentOptions) {
    this.#o = options;
    this.#focusShell = options.focusShell;
  }

  accept(message: ServerMessage): void {
    const { store, terminals, offsets, watch } = this.#o;
    switch (message.type) {
      case 'session':
        if (this.#isAnother(message.session)) return;
        break;
      case 'terminal.opened':
        return terminals.opened(message.terminal);
      case 'terminal.closed':
        offsets.forget(message.terminal);
        terminals.closed(message.terminal);
        if (terminals.count === 0 && store.session.state === 'ready') terminals.leaveEmpty();
        return;
      case 'terminal.output': {
        const print = offsets.accept(message);
        return terminals.print(message.terminal, print);
      }
      case 'pong':
        store.accept(message);
        if (this.#complete) return;
        this.#complete = true;
        watch();
        terminals.attached();
        return this.ensureShell();
    }
    store.accept(message);
  }

  /** Opens a shell when there is none, as soon as that is known: the first pong follows all that the session held. */
  ensureShell(): void {
    const { store, connection, terminals } = this.#o;
    const { state } = store.session;
    if (!this.#complete || connection.link.state !== 'open') return;
    if (state !== 'ready' && state !== 'starting' && state !== 'rebuilding') return;
    terminals.ensureOne();
    if (this.#focusShell) terminals.focusTab();
    this.#focusShell = false;
  }

  /** The line is down. */
  detached(): void {
    this.#complete = false;
    this.#o.terminals.detached();
  }

  /** A session in place of one that has ended: nothing of the old one is kept. */
  startAfresh(session: SessionView): void {
    const { store, connection, offsets, terminals } = this.#o;
    this.#complete = false;
    offsets.forgetAll();
    terminals.forgetAll();
    store.forgetViews();
    this.#to = '';
    store.accept({ type: 'session', session });
    connection.restart();
    terminals.focusTab();
  }

  /**
   * Whether the session on the other end is another one than this page has the output of: after a reset or a restart
   * of the server its terminals count from nothing again. The page then forgets what it has and asks anew.
   */
  #isAnother(session: SessionView): boolean {
    const { store, connection, offsets, terminals, watch } = this.#o;
    const which = `${session.createdAt} ${session.rebuilt ?? ''}`;
    const before = this.#to;
    this.#to = which;
    if (before === '' || before === which) return false;
    store.forgetViews();
    terminals.forgetAll();
    if (Object.keys(offsets.since()).length === 0) {
      // Nothing of the old one is left here: the connection can stay.
      if (this.#complete) watch();
      return false;
    }
    offsets.forgetAll();
    connection.restart();
    return true;
  }
}
