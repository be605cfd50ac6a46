import type { Clock } from '#base/clock.ts';
import type { StepEvent } from '#cluster/driver.ts';
import type { FileView, ServerMessage, StepView } from '#schema/protocol.ts';
import type { Page } from './pages.ts';
import { Scrollback } from './scrollback.ts';

/**
 * What a session's pages are shown, kept for pages that come later: what terminals printed, files, the steps of the
 * bring-up, the newest of each view. What takes note of something returns what the pages are told of it.
 */
export class Shown {
  readonly #clock: Clock;
  readonly #scrollback = new Map<string, Scrollback>();
  readonly #openTerminals = new Set<string>();
  readonly #steps = new Map<string, StepView>();
  readonly #files = new Map<string, FileView>();
  readonly #views = new Map<string, ServerMessage>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get files(): ReadonlyMap<string, FileView> {
    return this.#files;
  }

  steps(): StepView[] {
    return [...this.#steps.values()];
  }

  /** Tells a page that has just come; `since`: how much of each terminal it has seen. */
  tell(page: Page, since: Record<string, number>): void {
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

  step(event: StepEvent): ServerMessage {
    const before = this.#steps.get(event.step);
    const step: StepView = {
      ...event,
      ...(before && event.state !== 'started' ? { tookMs: event.at - before.at } : {}),
    };
    this.#steps.set(step.step, step);
    return { type: 'step', step };
  }

  terminalOpened(terminal: string): ServerMessage {
    this.#openTerminals.add(terminal);
    this.#scrollback.set(terminal, this.#scrollback.get(terminal) ?? newScrollback(this.#clock));
    return { type: 'terminal.opened', terminal };
  }

  terminalOutput(terminal: string, data: string): ServerMessage {
    const offset = this.#scrollback.get(terminal)?.append(data) ?? 0;
    return { type: 'terminal.output', terminal, offset, data };
  }

  terminalClosed(terminal: string): ServerMessage {
    this.#openTerminals.delete(terminal);
    this.#scrollback.delete(terminal);
    return { type: 'terminal.closed', terminal };
  }

  /** `bytes`: null when the file was deleted. */
  file(path: string, bytes: Uint8Array | null, version: number): ServerMessage {
    const content = bytes && Buffer.from(bytes).toString('utf8');
    if (content === null) this.#files.delete(path);
    else this.#files.set(path, { path, content, version });
    return { type: 'file', path, content, version };
  }

  /** What a page that comes later must be told as well: the newest of each view, and texts that wait to be edited. */
  remember(message: ServerMessage): void {
    if (message.type.startsWith('view.')) {
      const cluster = 'cluster' in message ? (message.cluster ?? '') : '';
      this.#views.set(`${message.type} ${cluster}`, message);
    } else if (message.type === 'edit') this.#views.set(`edit ${message.id}`, message);
    else if (message.type === 'edit.cancelled') this.#views.delete(`edit ${message.id}`);
  }

  /** Forgets all but the files; returns the terminals that were open. */
  clear(): string[] {
    const open = [...this.#openTerminals];
    this.#steps.clear();
    this.#views.clear();
    this.#openTerminals.clear();
    this.#scrollback.clear();
    return open;
  }
}

/** Counts from the microsecond of its beginning: no terminal prints faster than that for long. */
const newScrollback = (clock: Clock): Scrollback => new Scrollback(undefined, clock.now() * 1_000);
