import { el } from './element.ts';

export interface MenuItem {
  label: string;
  /** Downloads instead of acting. */
  href?: string;
  download?: string;
  act?(): void;
  /** For a switch: whether it is on. */
  on?(): boolean;
}

/** A button with a list of things to do, as a popover: Escape and a click elsewhere close it. */
export function createMenu(label: string, items: MenuItem[]): HTMLElement {
  const list = el('div', { class: 'wb-menu', popover: 'auto', id: 'wb-menu' });
  for (const item of items) {
    if (item.href !== undefined) {
      list.append(el('a', { href: item.href, download: item.download ?? '' }, item.label));
      continue;
    }
    const button = el(
      'button',
      { type: 'button', 'aria-pressed': item.on ? String(item.on()) : undefined },
      item.label,
    );
    button.addEventListener('click', () => {
      item.act?.();
      if (item.on) button.setAttribute('aria-pressed', String(item.on()));
      else list.hidePopover();
    });
    list.append(button);
  }
  const opener = el(
    'button',
    { type: 'button', class: 'quiet', popovertarget: 'wb-menu', 'aria-label': label, title: label },
    '⋯',
  );
  list.addEventListener('toggle', (event) => {
    if ((event as ToggleEvent).newState !== 'open') return;
    const box = opener.getBoundingClientRect();
    list.style.top = `${box.bottom + 4}px`;
    list.style.right = `${Math.max(8, innerWidth - box.right)}px`;
    list.querySelector<HTMLElement>('button, a')?.focus();
  });
  return el('span', { class: 'wb-menu-place' }, opener, list);
}
