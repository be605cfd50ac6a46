import { openDialog } from './dialog.ts';
import { el } from './element.ts';
import { markdown } from './markdown.ts';

/** Asks before it tells. */
export function askForSolution(show: () => void): void {
  openDialog({
    title: 'Show the whole solution?',
    body: [
      el('p', null, 'It shows every step of this lab. The hints give away less, one at a time.'),
      el('p', null, 'Points are counted the same; what you learn is not.'),
    ],
    close: 'Not yet',
    actions: [{ label: 'Show the solution', kind: 'primary', act: show }],
  });
}

export function openSolution(solution: { markdown: string; script: string }): void {
  openDialog({
    title: 'Solution',
    wide: true,
    body: [
      el('div', { class: 'prose' }, markdown(solution.markdown)),
      el(
        'details',
        null,
        el('summary', null, 'As one script'),
        el('pre', { tabindex: 0, 'aria-label': 'Script' }, el('code', null, solution.script)),
        el(
          'p',
          null,
          el('button', { type: 'button', onclick: () => void navigator.clipboard?.writeText(solution.script) }, 'Copy'),
        ),
      ),
    ],
  });
}
