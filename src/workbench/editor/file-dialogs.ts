import { openDialog } from '../dialog.ts';
import { el } from '../element.ts';

export function askDelete(path: string, act: () => void): void {
  openDialog({
    title: `Delete ${path}?`,
    body: [el('p', null, 'It is removed from the terminal as well, and cannot be brought back.')],
    close: 'Cancel',
    actions: [{ label: 'Delete', kind: 'danger', act }],
  });
}

/** Hands a text to the browser as a file. */
export function download(name: string, text: string): void {
  const url = URL.createObjectURL(new Blob([text], { type: 'text/plain' }));
  el('a', { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}
