import { type Child, el } from './element.ts';

export interface DialogOptions {
  title: string;
  body: Child[];
  /** Buttons beside Close; a press closes the dialog first. */
  actions?: { label: string; kind?: 'primary' | 'danger'; act(): void }[];
  close?: string;
  wide?: boolean;
}

/** A modal dialog. Escape closes it; focus goes back to where it was. */
export function openDialog(o: DialogOptions): HTMLDialogElement {
  const before = document.activeElement as HTMLElement | null;
  const dialog = el(
    'dialog',
    { class: `wb-dialog${o.wide ? ' wide' : ''}`, 'aria-labelledby': 'wb-dialog-title' },
    el('h2', { id: 'wb-dialog-title' }, o.title),
    el('div', { class: 'body' }, ...o.body),
    el(
      'footer',
      null,
      el('button', { type: 'button', onclick: () => dialog.close() }, o.close ?? 'Close'),
      ...(o.actions ?? []).map((action) =>
        el(
          'button',
          {
            type: 'button',
            class: action.kind,
            onclick: () => {
              dialog.close();
              action.act();
            },
          },
          action.label,
        ),
      ),
    ),
  );
  dialog.addEventListener('close', () => {
    dialog.remove();
    if (before?.isConnected) before.focus();
  });
  dialog.addEventListener('click', (event) => {
    if (event.target === dialog) dialog.close();
  });
  document.body.append(dialog);
  dialog.showModal();
  return dialog;
}
