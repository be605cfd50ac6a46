import type { TaskView } from '#schema/protocol.ts';
import type { Announcer } from './announcer.ts';
import type { Link } from './connection.ts';
import type { Notices } from './notices.ts';
import { announcement, stateOf } from './tasks/words.ts';
import { duration } from './words.ts';

/** Says that a task changed, once: to the live region, to what shows the progress, and as a line where it is lost. */
export function tellTask(
  to: { announcer: Announcer; notices: Notices; askReset(): void },
  task: TaskView,
  before: TaskView | undefined,
): void {
  const state = stateOf(task);
  if (before && stateOf(before) !== state) {
    to.announcer.say(announcement(task));
    if (state === 'passed') document.dispatchEvent(new Event('academy:progress'));
  }
  if (state === 'lost') {
    const said = task.verdict?.said ?? '';
    to.notices.show('lost', {
      level: 'warning',
      text: `${said} This cluster can't be brought back to where the lab can be finished.`.trim(),
      actions: [{ label: 'Fresh cluster …', act: () => to.askReset() }],
      dismiss: true,
    });
  } else if (before && stateOf(before) === 'lost') to.notices.hide('lost');
  if (before && task.hintsShown.length > before.hintsShown.length) {
    to.announcer.say(`Hint: ${task.hintsShown.at(-1)}`);
  }
}

/** Says that the line is broken, that nothing is lost by it, and that it is back. `now`: ms since the epoch. */
export function tellLink(
  to: { announcer: Announcer; notices: Notices; retry(): void },
  link: Link,
  now: number,
  wasLost: boolean,
): void {
  if (link.state === 'waiting') {
    const wait = Math.max(0, link.retryAt - now);
    const when = wait > 1_500 ? ` in ${duration(wait)}` : '';
    to.notices.show('link', {
      level: 'warning',
      text: `The connection is lost. Reconnecting${when}; nothing is lost, what you type is kept.`,
      actions: [{ label: 'Now', act: () => to.retry() }],
    });
    return;
  }
  if (link.state === 'connecting') return;
  to.notices.hide('link');
  if (link.state === 'open' && wasLost) to.announcer.say('Connected again.');
}
