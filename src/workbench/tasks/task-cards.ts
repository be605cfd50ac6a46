import type { Evidence } from '#schema/evidence.ts';
import type { ClientMessage, TaskView } from '#schema/protocol.ts';
import { el, replace } from '../element.ts';
import type { LabStore, ViewName } from '../lab-store.ts';
import { timeOfDay } from '../words.ts';
import { evidenceLines, viewFor } from './evidence-lines.ts';
import { markOf } from './mark.ts';
import { questionForm } from './question.ts';
import { MARKS, stateOf, wordFor } from './words.ts';

export interface TaskCardsOptions {
  store: LabStore;
  send(message: ClientMessage): void;
  askSolution(): void;
  openView(view: ViewName): void;
}

/** The tasks where the prose asks for them. What the page was built with is filled with what the session says. */
export class TaskCards {
  readonly #o: TaskCardsOptions;
  readonly #cards = new Map<string, Card>();

  constructor(options: TaskCardsOptions) {
    this.#o = options;
    for (const section of document.querySelectorAll<HTMLElement>('[data-task]')) {
      this.#cards.set(section.dataset['task']!, new Card(section, options));
    }
    for (const task of options.store.tasks) this.#cards.get(task.id)?.show(task);
    options.store.events.on('task', ({ task }) => this.#cards.get(task.id)?.show(task));
  }

  /** Shows a task in the prose and puts the keyboard there. */
  goTo(id: string): void {
    const section = document.getElementById(`task-${id}`);
    if (!section) return;
    section.scrollIntoView({ block: 'center' });
    section.tabIndex = -1;
    section.focus({ preventScroll: true });
  }

  /** Back to what the page says without a lab. */
  dispose(): void {
    for (const card of this.#cards.values()) card.clear();
    this.#cards.clear();
  }

  get store(): LabStore {
    return this.#o.store;
  }
}

class Card {
  readonly #section: HTMLElement;
  readonly #o: TaskCardsOptions;
  readonly #mark: HTMLElement;
  readonly #word: HTMLElement;
  readonly #said: HTMLElement;
  readonly #hints: HTMLElement;
  readonly #footer: HTMLElement;
  readonly #wordBefore: string;
  readonly #hintButton: HTMLButtonElement;
  readonly #evidence: HTMLDetailsElement;
  readonly #show: HTMLButtonElement;
  #drawnHints = 0;
  #question: HTMLFormElement | undefined;
  #task: TaskView | undefined;

  constructor(section: HTMLElement, options: TaskCardsOptions) {
    this.#section = section;
    this.#o = options;
    const part = (selector: string) => section.querySelector<HTMLElement>(selector)!;
    this.#mark = part('.verdict-mark');
    this.#word = part('.verdict-word');
    this.#said = part('.said');
    this.#hints = part('.hints');
    this.#footer = part('footer');
    this.#wordBefore = this.#word.textContent ?? '';
    this.#hintButton = el('button', { type: 'button', onclick: () => this.#nextHint() });
    this.#evidence = el('details', { class: 'evidence' }, el('summary', null, 'Evidence'), el('div'));
    this.#evidence.addEventListener('toggle', () => this.#drawEvidence());
    this.#show = el('button', { type: 'button', class: 'quiet' });
    this.#show.addEventListener('click', () => {
      const view = this.#task && viewFor(this.#task);
      if (view) this.#o.openView(view);
    });
    replace(
      this.#footer,
      this.#hintButton,
      this.#show,
      el('button', { type: 'button', class: 'quiet', onclick: () => options.askSolution() }, 'Solution …'),
    );
    this.#footer.before(this.#evidence);
  }

  show(task: TaskView): void {
    this.#task = task;
    const state = stateOf(task);
    this.#section.dataset['state'] = state;
    if (this.#mark.dataset['mark'] !== state) {
      this.#mark.dataset['mark'] = state;
      replace(this.#mark, markOf(state));
    }
    const at =
      task.verdict && state === 'passed' && task.mode !== 'invariant'
        ? ` ${timeOfDay(task.verdict.at, undefined)}`
        : '';
    this.#word.textContent = `${wordFor(task)}${at}`;
    this.#word.title = task.verdict
      ? `seen ${new Date(task.verdict.at).toLocaleString(undefined, { timeStyle: 'long', dateStyle: 'medium' })}`
      : '';
    this.#said.textContent = saidOf(task, this.#o.store.tasks);
    this.#said.hidden = this.#said.textContent === '';
    this.#ask(task);
    this.#drawHints(task);
    const left = task.hintsTotal - task.hintsShown.length;
    this.#hintButton.hidden = task.hintsTotal === 0 || left <= 0 || state === 'passed';
    this.#hintButton.textContent = `Hint ${task.hintsShown.length + 1} of ${task.hintsTotal}`;
    const view = viewFor(task);
    this.#show.hidden = view === undefined;
    if (view) this.#show.textContent = `Show in ${view[0]!.toUpperCase()}${view.slice(1)}`;
    this.#evidence.hidden = (task.verdict?.evidence.length ?? 0) === 0;
    if (this.#evidence.open) this.#drawEvidence();
  }

  clear(): void {
    this.#section.dataset['state'] = 'waiting';
    this.#mark.textContent = MARKS.waiting.mark;
    delete this.#mark.dataset['mark'];
    this.#word.textContent = this.#wordBefore;
    this.#said.hidden = true;
    this.#hints.hidden = true;
    replace(this.#hints);
    replace(this.#footer);
    this.#evidence.remove();
    this.#question?.remove();
    this.#question = undefined;
  }

  /** The question is put once; what is being typed stays when the verdict changes. */
  #ask({ asks }: TaskView): void {
    if (!asks || this.#question) return;
    this.#question = questionForm(asks, (value) => this.#o.send({ type: 'answer.submit', answer: asks.answer, value }));
    this.#said.before(this.#question);
  }

  #nextHint(): void {
    if (this.#task) this.#o.send({ type: 'hint.next', task: this.#task.id });
  }

  /** Hints are added, never redrawn, so that a screen reader and a selection keep their place. */
  #drawHints(task: TaskView): void {
    if (task.hintsShown.length < this.#drawnHints) {
      replace(this.#hints);
      this.#drawnHints = 0;
    }
    for (const hint of task.hintsShown.slice(this.#drawnHints)) this.#hints.append(el('li', null, hint));
    this.#drawnHints = task.hintsShown.length;
    this.#hints.hidden = this.#drawnHints === 0;
  }

  #drawEvidence(): void {
    const evidence: Evidence[] = this.#task?.verdict?.evidence ?? [];
    const now = this.#o.store.clusterNow();
    replace(
      this.#evidence.lastElementChild!,
      el(
        'ul',
        null,
        evidenceLines(evidence, now).map((line) => el('li', null, line)),
      ),
    );
  }
}

/** What was said; for a blocked task, what it waits for. */
function saidOf(task: TaskView, tasks: readonly TaskView[]): string {
  if (stateOf(task) === 'broken') {
    return `${task.verdict?.said ?? ''} The check itself failed. That is our fault and costs you nothing; it is tried again by itself.`.trim();
  }
  if (task.verdict?.said) return task.verdict.said;
  if (stateOf(task) !== 'blocked') return '';
  const titles = task.needs.flatMap((need) => tasks.find(({ id }) => id === need)?.title ?? []);
  return titles.length > 0 ? `Looked at after: ${titles.join(', ')}.` : '';
}
