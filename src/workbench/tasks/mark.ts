import type { TaskState } from '#schema/verdict.ts';
import { svg } from '../element.ts';

/** ○ ◐ ✓ ✕ ⧖ ⚠, drawn, because few typefaces have them all. The word beside it says the same. */
const SHAPES: Record<TaskState, string> = {
  waiting: 'M8 2.75a5.25 5.25 0 1 0 0 10.5a5.25 5.25 0 1 0 0-10.5z',
  underway: 'M8 2.75a5.25 5.25 0 1 0 0 10.5a5.25 5.25 0 1 0 0-10.5zM8 5v6a3 3 0 0 0 0-6z',
  passed: 'M3 8.5 6.5 12 13 4.5',
  failed: 'M4 4l8 8M12 4l-8 8',
  blocked: 'M4 2.75h8M4 13.25h8M5 2.75c0 3 3 3.5 3 5.25s-3 2.25-3 5.25M11 2.75c0 3-3 3.5-3 5.25s3 2.25 3 5.25',
  broken: 'M8 2.5 14 13H2zM8 6.5v3M8 11.2v.3',
  lost: 'M4 4l8 8M12 4l-8 8M2.5 8a5.5 5.5 0 1 0 11 0a5.5 5.5 0 1 0-11 0z',
};

export function markOf(state: TaskState): SVGElement {
  return svg(
    'svg',
    { class: 'task-mark', viewBox: '0 0 16 16', width: 14, height: 14, 'aria-hidden': 'true', 'data-mark': state },
    svg('path', { d: SHAPES[state] }),
  );
}
