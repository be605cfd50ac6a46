import type { TaskView } from '#schema/protocol.ts';
import { el } from '../element.ts';

type Asked = NonNullable<TaskView['asks']>;

/** The form of a task that asks: options to choose from, or a line to type. Whether it is right the session says. */
export function questionForm(asked: Asked, submit: (value: string) => void): HTMLFormElement {
  const name = `question-${asked.answer}`;
  const fields = asked.options
    ? asked.options.map((option) =>
        el('label', null, el('input', { type: 'radio', name, value: option, required: true }), ` ${option}`),
      )
    : [
        el('input', {
          type: 'text',
          name,
          required: true,
          maxlength: 2000,
          autocomplete: 'off',
          spellcheck: 'false',
          'aria-label': asked.question,
        }),
      ];
  const form = el(
    'form',
    { class: 'question' },
    el('fieldset', null, el('legend', null, asked.question), el('div', { class: 'options' }, fields)),
    el('button', { type: 'submit' }, 'Answer'),
  );
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    const value = new FormData(form).get(name);
    if (typeof value === 'string' && value.trim() !== '') submit(value);
  });
  return form;
}
