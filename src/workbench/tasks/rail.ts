import type { TaskView } from '#schema/protocol.ts';
import { el, replace } from '../element.ts';
import type { LabStore } from '../lab-store.ts';
import { markOf } from './mark.ts';
import { currentTask, passedCount, stateOf, wordFor } from './words.ts';

/** The tasks as a row of segments in the footer: the same store as the cards in the prose, one segment each. */
export class Rail {
  readonly element = el('div', { class: 'wb-rail' });
  readonly #store: LabStore;
  readonly #list = el('ol', { 'aria-label': 'Tasks' });
  readonly #count = el('b', { class: 'num' });
  readonly #current = el('span', { class: 'wb-current' });
  readonly #goTo: (task: string) => void;

  constructor(store: LabStore, goTo: (task: string) => void) {
    this.#store = store;
    this.#goTo = goTo;
    this.element.append(this.#list, this.#count, this.#current);
    this.#draw();
    store.events.on('task', () => this.#draw());
  }

  #draw(): void {
    const { tasks } = this.#store;
    const now = currentTask(tasks);
    const focused = (document.activeElement as HTMLElement | null)?.dataset['segment'];
    replace(
      this.#list,
      tasks.map((task) => el('li', null, this.#segment(task, task.id === now?.id))),
    );
    if (focused) this.#list.querySelector<HTMLElement>(`[data-segment="${CSS.escape(focused)}"]`)?.focus();
    this.#count.textContent = `${passedCount(tasks)} of ${tasks.length} done`;
    this.#current.textContent = now?.title ?? '';
  }

  #segment(task: TaskView, current: boolean): HTMLElement {
    const state = stateOf(task);
    const words = `${task.title}: ${wordFor(task)}`;
    return el(
      'button',
      {
        type: 'button',
        'data-state': state,
        'data-segment': task.id,
        'aria-current': current ? 'step' : undefined,
        'aria-label': words,
        title: task.verdict?.said ? `${words}. ${task.verdict.said}` : words,
        onclick: () => this.#goTo(task.id),
      },
      markOf(state),
    );
  }
}
