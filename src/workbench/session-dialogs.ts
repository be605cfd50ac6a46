import { openDialog } from './dialog.ts';
import { el } from './element.ts';

/** What cannot be taken back is asked for first. */
export function askReset(act: () => void): void {
  openDialog({
    title: 'Start over with a fresh cluster?',
    body: [
      el(
        'p',
        null,
        'The cluster and everything in it is thrown away, and the tasks begin anew. Your files and your command history stay.',
      ),
    ],
    close: 'Keep this one',
    actions: [{ label: 'Reset the lab', kind: 'danger', act }],
  });
}

export function askEnd(act: () => void): void {
  openDialog({
    title: 'End this session?',
    body: [el('p', null, 'The cluster is thrown away. Your files, your command history and what you passed are kept.')],
    close: 'Keep it running',
    actions: [{ label: 'End the session', kind: 'danger', act }],
  });
}
