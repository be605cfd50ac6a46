import { el } from '../element.ts';

const NAME = /^(?!.*(?:^|\/)\.\.?(?:\/|$))[A-Za-z0-9._-]+(?:\/[A-Za-z0-9._-]+)*$/;
const LONGEST = 200;

/** Why a file may not be called that, or undefined when it may. */
export function nameProblem(name: string, taken: ReadonlySet<string>): string | undefined {
  if (name === '') return 'A file needs a name.';
  if (name.length > LONGEST) return `A name may have ${LONGEST} characters.`;
  if (!NAME.test(name)) return 'Use letters, digits, dot, dash and underscore, with / between folders.';
  if (taken.has(name)) return `${name} is there already.`;
  return undefined;
}

/** Asks for a file name; resolves with it, or with undefined when nothing was chosen. */
export function askName(title: string, before: string, taken: ReadonlySet<string>): Promise<string | undefined> {
  return new Promise((resolve) => {
    const focus = document.activeElement as HTMLElement | null;
    const input = el('input', {
      type: 'text',
      value: before,
      'aria-label': 'Name',
      'aria-describedby': 'wb-name-problem',
      spellcheck: 'false',
      autocomplete: 'off',
    });
    const problem = el('p', { id: 'wb-name-problem', class: 'problem', role: 'alert' });
    const form = el(
      'form',
      { method: 'dialog' },
      el('h2', null, title),
      input,
      problem,
      el(
        'footer',
        null,
        el('button', { type: 'button', onclick: () => dialog.close() }, 'Cancel'),
        el('button', { type: 'submit', class: 'primary' }, 'OK'),
      ),
    );
    const dialog = el('dialog', { class: 'wb-dialog', 'aria-label': title }, form);
    let chosen: string | undefined;
    form.addEventListener('submit', (event) => {
      const name = input.value.trim();
      const wrong = nameProblem(name, taken);
      problem.textContent = wrong ?? '';
      if (wrong) event.preventDefault();
      else chosen = name;
    });
    dialog.addEventListener('close', () => {
      dialog.remove();
      focus?.focus();
      resolve(chosen);
    });
    document.body.append(dialog);
    dialog.showModal();
    const stem = before.lastIndexOf('.');
    input.setSelectionRange(0, stem > 0 ? stem : before.length);
  });
}
