import { el } from './element.ts';
import { recallNumber, remember } from './remembered.ts';

export interface SplitterOptions {
  /** Key of the remembered size, and of the custom property `--wb-<name>` on the page. */
  name: string;
  label: string;
  /** `column`: moves left and right; `row`: up and down. */
  direction: 'column' | 'row';
  /** The element whose size is divided. */
  within(): DOMRect;
  /** Share of the first part, percent. */
  initial: number;
  min: number;
  max: number;
  onMove(): void;
}

const STEP = 2;
const PAGE = 10;

/** A bar between two panes, moved by mouse, touch and keys. Its place is remembered. */
export function createSplitter(o: SplitterOptions): HTMLElement {
  const bar = el('div', {
    class: `wb-grip ${o.direction}`,
    role: 'separator',
    tabindex: 0,
    'aria-label': o.label,
    'aria-orientation': o.direction === 'column' ? 'vertical' : 'horizontal',
    'aria-valuemin': o.min,
    'aria-valuemax': o.max,
    title: 'Drag, or use the arrow keys; double-click to reset',
  });
  let share = o.initial;

  const set = (wanted: number, keep = true) => {
    share = Math.min(o.max, Math.max(o.min, wanted));
    document.documentElement.style.setProperty(`--wb-${o.name}`, `${share.toFixed(2)}%`);
    bar.setAttribute('aria-valuenow', String(Math.round(share)));
    bar.setAttribute('aria-valuetext', `${Math.round(share)} percent`);
    if (keep) remember(o.name, share.toFixed(2));
    o.onMove();
  };

  bar.addEventListener('pointerdown', (event) => {
    if (event.button !== 0) return;
    event.preventDefault();
    bar.focus();
    bar.setPointerCapture(event.pointerId);
    bar.toggleAttribute('data-dragging', true);
    const move = (at: PointerEvent) => {
      const box = o.within();
      set(
        o.direction === 'column'
          ? ((at.clientX - box.left) / box.width) * 100
          : ((at.clientY - box.top) / box.height) * 100,
      );
    };
    const end = () => {
      bar.removeAttribute('data-dragging');
      bar.removeEventListener('pointermove', move);
      bar.removeEventListener('pointerup', end);
      bar.removeEventListener('pointercancel', end);
    };
    bar.addEventListener('pointermove', move);
    bar.addEventListener('pointerup', end);
    bar.addEventListener('pointercancel', end);
  });
  bar.addEventListener('dblclick', () => set(o.initial));
  bar.addEventListener('keydown', (event) => {
    const step = event.shiftKey ? PAGE : STEP;
    const back = o.direction === 'column' ? 'ArrowLeft' : 'ArrowUp';
    const on = o.direction === 'column' ? 'ArrowRight' : 'ArrowDown';
    const to =
      event.key === back
        ? share - step
        : event.key === on
          ? share + step
          : event.key === 'PageUp'
            ? share - PAGE
            : event.key === 'PageDown'
              ? share + PAGE
              : event.key === 'Home'
                ? o.min
                : event.key === 'End'
                  ? o.max
                  : event.key === 'Enter'
                    ? o.initial
                    : undefined;
    if (to === undefined) return;
    event.preventDefault();
    set(to);
  });
  set(recallNumber(o.name, o.initial), false);
  return bar;
}
