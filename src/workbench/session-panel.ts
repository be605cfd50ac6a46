import type { SessionView, StepView } from '#schema/protocol.ts';
import type { TaskState } from '#schema/verdict.ts';
import { type Child, el, replace } from './element.ts';
import type { LabStore } from './lab-store.ts';
import { markOf } from './tasks/mark.ts';
import { duration } from './words.ts';

export interface SessionPanelOptions {
  store: LabStore;
  startAgain(): void;
  reset(): void;
  cancel(): void;
  hide(): void;
}

/** A step is marked as a task is; one that was not needed has a dash. */
const STEP_MARKS: Record<Exclude<StepView['state'], 'skipped'>, TaskState> = {
  started: 'underway',
  done: 'passed',
  failed: 'failed',
};

/**
 * What stands in place of the panes while there is no cluster to work with: the queue, the steps of a start, the end, a
 * failure. The terminal below it can be used as soon as there is a prompt.
 */
export class SessionPanel {
  readonly element = el('section', { class: 'wb-session', 'aria-label': 'Session', tabindex: -1 });
  readonly #o: SessionPanelOptions;
  readonly #timer: ReturnType<typeof setInterval>;
  readonly #stop: () => void;
  #drawn = '';
  #gone = false;

  constructor(options: SessionPanelOptions) {
    this.#o = options;
    this.#stop = options.store.events.on('session', () => this.draw());
    this.#timer = setInterval(() => this.#tick(), 200);
    this.draw();
  }

  /** Covers terminals and all: nothing runs behind it. */
  get over(): boolean {
    const { state } = this.#o.store.session;
    return this.#gone || state === 'ended' || state === 'failed' || state === 'queued';
  }

  /** The server does not know this session any more. */
  setGone(gone: boolean): void {
    this.#gone = gone;
    this.draw();
  }

  draw(): void {
    const { session } = this.#o.store;
    const shown = this.#gone || session.state !== 'ready';
    this.element.hidden = !shown;
    this.element.dataset['state'] = this.#gone ? 'ended' : session.state;
    this.element.toggleAttribute('data-over', this.over);
    const drawn = JSON.stringify([this.#gone, session.state, session.steps, session.queue, session.error]);
    if (drawn === this.#drawn) return;
    this.#drawn = drawn;
    const focused = this.element.contains(document.activeElement);
    replace(this.element, shown ? this.#content(session) : null);
    if (focused && shown) (this.element.querySelector<HTMLElement>('button') ?? this.element).focus();
    this.#tick();
  }

  dispose(): void {
    clearInterval(this.#timer);
    this.#stop();
  }

  #content(session: SessionView): Child[] {
    const o = this.#o;
    const button = (label: string, act: () => void, primary = false) =>
      el('button', { type: 'button', class: primary ? 'primary' : undefined, onclick: act }, label);
    if (this.#gone || session.state === 'ended') {
      return [
        el('h2', null, 'This session has ended'),
        el('p', null, 'Your files, your command history and every task you passed are kept. The cluster is gone.'),
        el('footer', null, button('Start again', o.startAgain, true), button('Back to reading', o.hide)),
      ];
    }
    switch (session.state) {
      case 'queued': {
        const { place = 1, estimateMs } = session.queue ?? {};
        return [
          el('h2', null, 'All places are taken'),
          el(
            'p',
            null,
            `You are number ${place} in the queue.`,
            estimateMs !== undefined &&
              ` A place is free in ${duration(estimateMs)} at the latest, when an idle session ends.`,
            ' This page moves on by itself.',
          ),
          el('footer', null, button('Leave the queue', o.cancel)),
        ];
      }
      case 'failed':
        return [
          el('h2', null, started(session) ? 'The cluster could not go on' : 'The cluster could not be started'),
          el('p', null, session.error?.message ?? 'It stopped, and did not say why.'),
          el('p', { class: 'soft' }, session.error?.hint ?? 'Your files and your progress are kept.'),
          steps(session.steps),
          el('footer', null, button('Start a fresh cluster', o.startAgain, true), button('Back to reading', o.hide)),
        ];
      default:
        return [
          el('h2', null, session.state === 'rebuilding' ? 'Bringing your cluster back' : 'Starting your cluster'),
          el(
            'p',
            { class: 'soft' },
            session.state === 'rebuilding' ? 'The academy was restarted. ' : '',
            'The terminal below can be used as soon as it shows a prompt.',
          ),
          steps(session.steps),
          el('footer', null, button('Cancel', o.cancel)),
        ];
    }
  }

  /** A step that goes on says how long it has. */
  #tick(): void {
    const now = this.#o.store.now();
    for (const place of this.element.querySelectorAll<HTMLElement>('[data-since]')) {
      const usual = place.dataset['usual'];
      const text = `${duration(Math.max(0, now - Number(place.dataset['since'])))}${usual ? `, usually ${duration(Number(usual))}` : ''}`;
      if (place.textContent !== text) place.textContent = text;
    }
  }
}

function steps(list: readonly StepView[]): Child {
  return el(
    'ol',
    { class: 'steps' },
    list.map((step) => {
      const going = step.state === 'started';
      return el(
        'li',
        { 'data-state': step.state },
        el(
          'span',
          { class: 'mark', 'aria-hidden': 'true' },
          step.state === 'skipped' ? '–' : markOf(STEP_MARKS[step.state]),
        ),
        el('span', null, step.title, el('span', { class: 'hidden-visually' }, `: ${going ? 'under way' : step.state}`)),
        el(
          'span',
          { class: 'num', 'data-since': going ? step.at : undefined, 'data-usual': going ? step.usualMs : undefined },
          step.tookMs === undefined ? '' : duration(step.tookMs),
        ),
        step.message && el('p', null, step.message),
      );
    }),
  );
}

/** Whether every step of the start was done, or none has failed. */
function started(session: SessionView): boolean {
  return session.steps.every((step) => step.state === 'done' || step.state === 'skipped');
}
