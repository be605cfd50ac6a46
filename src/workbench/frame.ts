import { el } from './element.ts';
import { createSplitter } from './splitter.ts';

export interface FrameParts {
  notices: HTMLElement;
  upper: HTMLElement;
  lower: HTMLElement;
  /** Stands in place of the panes while there is nothing to work with. */
  session: HTMLElement;
  rail: HTMLElement;
  traffic: HTMLElement;
  next: HTMLElement;
  paneSwitch: HTMLElement;
  announcer: HTMLElement;
  status: HTMLElement;
  reset(): void;
  /** A pane has another size. */
  resized(): void;
}

/** Puts the parts around the prose, which stays where it is; returns how to take them away again. */
export function buildFrame(parts: FrameParts): () => void {
  const upperBar = createSplitter({
    name: 'upper',
    label: 'Height of the upper pane',
    direction: 'row',
    within: () => panes.getBoundingClientRect(),
    initial: 55,
    min: 15,
    max: 85,
    onMove: parts.resized,
  });
  const proseBar = createSplitter({
    name: 'prose',
    label: 'Width of the text',
    direction: 'column',
    within: () => document.body.getBoundingClientRect(),
    initial: 41,
    min: 20,
    max: 75,
    onMove: parts.resized,
  });
  const panes: HTMLElement = el('div', { class: 'wb-panes' }, parts.upper, upperBar, parts.lower, parts.session);
  const work = el('section', { class: 'wb-work', 'aria-label': 'Workbench' }, proseBar, parts.notices, panes);
  const foot = el(
    'footer',
    { class: 'wb-foot', 'aria-label': 'Tasks and session' },
    parts.rail,
    el('span', { class: 'spring' }),
    parts.traffic,
    el('button', { type: 'button', class: 'quiet', onclick: parts.reset }, 'Reset lab …'),
    parts.next,
  );
  document.querySelector('.top')!.append(parts.status);
  const added = [work, foot, parts.paneSwitch, parts.announcer];
  document.body.append(...added);
  const resized = new ResizeObserver(() => parts.resized());
  resized.observe(document.body);
  return () => {
    resized.disconnect();
    for (const element of [...added, parts.status]) element.remove();
  };
}
