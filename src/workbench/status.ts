import { openDialog } from './dialog.ts';
import { el } from './element.ts';
import type { LabStore } from './lab-store.ts';
import { duration, timeOfDay } from './words.ts';

type Driver = LabStore['session']['driver'];

export interface StatusOptions {
  store: LabStore;
  extend(): void;
  /** Starts the lab afresh on another cluster. */
  runOn(driver: Driver): void;
  moveClock(ms: number): void;
  help(): void;
  menu: HTMLElement;
}

/** Below this the countdown is marked. */
const SOON_MS = 10 * 60_000;
/** A cluster's clock that differs by less is the wall's. */
const SAME_MS = 1_500;
const HOUR = 3_600_000;
const CALLED: Record<Driver, string> = { embedded: 'an embedded cluster', kind: 'a kind cluster' };

/** The header of an open lab: the cluster and why this kind, its clock where it differs, and how long the session has. */
export class Status {
  readonly element: HTMLElement;
  readonly #o: StatusOptions;
  readonly #chip = el('button', { type: 'button', class: 'quiet chip' });
  readonly #dot = el('i', { 'aria-hidden': 'true' });
  readonly #words = el('span');
  readonly #clock = el('button', { type: 'button', class: 'quiet chip num', hidden: true });
  readonly #left = el('span', { class: 'chip num' });
  readonly #extend: HTMLButtonElement;
  readonly #timer: ReturnType<typeof setInterval>;
  readonly #stop: () => void;

  constructor(options: StatusOptions) {
    this.#o = options;
    this.#extend = el('button', { type: 'button', class: 'quiet', onclick: () => options.extend() }, 'Extend');
    this.#chip.append(this.#dot, this.#words);
    this.#chip.addEventListener('click', () => this.#explain());
    this.#clock.addEventListener('click', () => this.#openClock());
    this.element = el(
      'div',
      { class: 'wb-status' },
      this.#chip,
      this.#clock,
      this.#left,
      this.#extend,
      options.menu,
      el(
        'button',
        {
          type: 'button',
          class: 'quiet',
          'aria-label': 'Keyboard help',
          title: 'Keyboard help (?)',
          onclick: () => options.help(),
        },
        '?',
      ),
    );
    this.#stop = options.store.events.on('session', () => this.draw());
    this.#timer = setInterval(() => this.draw(), 1_000);
    this.draw();
  }

  draw(): void {
    const { store } = this.#o;
    const { session } = store;
    const took = readyAfter(store);
    const words: Record<typeof session.state, string> = {
      queued: 'in the queue',
      starting: 'starting',
      rebuilding: 'coming back',
      ready: took === undefined ? 'ready' : `ready in ${duration(took)}`,
      ended: 'ended',
      failed: 'failed',
    };
    set(this.#words, `${session.driver} cluster, ${words[session.state]}`);
    this.#dot.dataset['state'] = session.state;
    const differs = Math.abs(session.clockAheadMs) > SAME_MS;
    this.#clock.hidden = !differs && !session.clockMovable;
    this.#clock.disabled = !session.clockMovable;
    const ahead = differs ? ` (${session.clockAheadMs > 0 ? '+' : '−'}${duration(session.clockAheadMs)})` : '';
    set(this.#clock, `cluster clock ${timeOfDay(store.clusterNow())} UTC${ahead}`);
    const live = session.state === 'ready' || session.state === 'starting' || session.state === 'rebuilding';
    const left = Math.max(0, session.endsAt - store.now());
    this.#left.hidden = !live;
    this.#extend.hidden = !live;
    this.#left.toggleAttribute('data-soon', left < SOON_MS);
    set(this.#left, left < 60_000 ? 'under a minute left' : `${duration(Math.floor(left / 60_000) * 60_000)} left`);
    this.#left.title = `Ends at ${timeOfDay(session.endsAt, undefined)} when nothing is typed; every key moves it.`;
  }

  dispose(): void {
    clearInterval(this.#timer);
    this.#stop();
    this.element.remove();
  }

  #explain(): void {
    const { store } = this.#o;
    const { session } = store;
    const others = (session.choices ?? []).filter((driver) => driver !== session.driver);
    const steps = el('tbody');
    const drawSteps = () => steps.replaceChildren(...store.session.steps.map(rowOf));
    const dialog = openDialog({
      title: `This lab runs on ${CALLED[session.driver]}`,
      body: [
        el('p', null, `Why: ${session.driverWhy}.`),
        el(
          'table',
          { class: 'steps' },
          el('caption', { class: 'hidden-visually' }, 'What was done to start it'),
          steps,
        ),
        ...others.map((driver) =>
          el(
            'div',
            { class: 'elsewhere' },
            el(
              'p',
              null,
              `It can run on ${CALLED[driver]} as well. Your files and your history stay; this cluster and what is in it go.`,
            ),
            el(
              'button',
              { type: 'button', onclick: () => this.#runOn(dialog, driver) },
              `Start afresh on ${CALLED[driver]}`,
            ),
          ),
        ),
      ],
    });
    drawSteps();
    // Not on the button that takes the cluster away.
    dialog.querySelector<HTMLButtonElement>('footer button')?.focus();
    const stop = store.events.on('session', drawSteps);
    dialog.addEventListener('close', stop, { once: true });
  }

  #openClock(): void {
    const hours = el('input', { type: 'number', min: 0.1, step: 0.1, value: 1, 'aria-label': 'Hours' });
    const choices: [string, number][] = [
      ['1 hour', HOUR],
      ['8 hours', 8 * HOUR],
      ['1 day', 24 * HOUR],
      ['30 days', 720 * HOUR],
    ];
    const dialog = openDialog({
      title: 'Move the cluster’s clock forward',
      body: [
        el(
          'p',
          null,
          'Everything in the cluster lives through the time in between: certificates are renewed, or end. The clock can’t be moved back; Reset gives a fresh cluster.',
        ),
        el(
          'div',
          { class: 'choices' },
          choices.map(([label, ms]) =>
            el('button', { type: 'button', onclick: () => this.#move(dialog, ms) }, `+ ${label}`),
          ),
        ),
        el(
          'label',
          { class: 'choices' },
          'or by ',
          hours,
          ' hours ',
          el('button', { type: 'button', onclick: () => this.#move(dialog, Number(hours.value) * HOUR) }, 'Move'),
        ),
      ],
      close: 'Cancel',
    });
  }

  #runOn(dialog: HTMLDialogElement, driver: Driver): void {
    dialog.close();
    this.#o.runOn(driver);
  }

  #move(dialog: HTMLDialogElement, ms: number): void {
    if (!(ms > 0)) return;
    dialog.close();
    this.#o.moveClock(ms);
  }
}

type Step = LabStore['session']['steps'][number];
const STATES: Record<Step['state'], string> = {
  started: 'under way',
  done: 'done',
  failed: 'failed',
  skipped: 'left out',
};

/** A step of the bring-up with its time, and with what there is to say of it. */
const rowOf = ({ title, state, tookMs, message }: Step): HTMLElement =>
  el(
    'tr',
    null,
    el('td', null, title, message ? el('small', null, message) : null),
    el('td', { class: 'num' }, state === 'done' && tookMs !== undefined ? duration(tookMs) : STATES[state]),
  );

/** From the first step's beginning to the last one's end, ms. */
function readyAfter(store: LabStore): number | undefined {
  const { steps } = store.session;
  const first = Math.min(...steps.map((step) => step.at - (step.tookMs ?? 0)));
  const last = Math.max(...steps.map((step) => step.at));
  return steps.length > 0 && last > first ? last - first : undefined;
}

function set(element: HTMLElement, text: string): void {
  if (element.textContent !== text) element.textContent = text;
}
