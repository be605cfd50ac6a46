import type { Traffic } from '#schema/evidence.ts';
import { el, replace, svg } from '../element.ts';
import type { LabStore } from '../lab-store.ts';
import { count, duration, several, timeOfDay } from '../words.ts';

const HEIGHT = 150;
const LEFT = 30;
const BASE = HEIGHT - 22;
const SHOWN_SECONDS = 180;

export function trafficSummary(traffic: Traffic): string {
  const lost = traffic.failed === 0 ? 'none was lost' : `${several(traffic.failed, 'request')} failed`;
  return `${several(traffic.total, 'request')} in ${duration(traffic.to - traffic.from)}, ${lost}. Longest gap between two answers: ${duration(traffic.longestGapMs)}.`;
}

/** Was anything lost: requests a second, failures as ticks, the longest gap, and the log around it. */
export class TrafficPanel {
  readonly element = el('div', { class: 'wb-view traffic' });
  readonly #store: LabStore;
  readonly #picture = el('div', { class: 'picture' });
  readonly #summary = el('p', { class: 'lede' });
  readonly #log = el('tbody');
  readonly #body: HTMLElement;
  readonly #none = el(
    'p',
    { class: 'wb-empty' },
    'No background traffic is recorded in this lab, or it has not begun yet.',
  );

  constructor(store: LabStore) {
    this.#store = store;
    this.#body = el(
      'div',
      { hidden: true },
      el('h3', null, 'Was anything lost'),
      this.#summary,
      this.#picture,
      el('h4', null, 'The log, around the last failure or at its end'),
      el(
        'div',
        { class: 'scroll', tabindex: 0, role: 'region', 'aria-label': 'Request log' },
        el(
          'table',
          { class: 'log' },
          el(
            'thead',
            null,
            el(
              'tr',
              null,
              ['Time (UTC)', 'Answer', 'Took'].map((title) => el('th', { scope: 'col' }, title)),
            ),
          ),
          this.#log,
        ),
      ),
    );
    this.element.append(this.#none, this.#body);
    new ResizeObserver(() => this.#drawPicture()).observe(this.#picture);
  }

  get note(): string | undefined {
    const failed = this.#store.views.traffic?.failed ?? 0;
    return failed > 0 ? `${count(failed)} lost` : undefined;
  }

  draw(): void {
    const { traffic } = this.#store.views;
    this.#none.hidden = traffic !== undefined;
    this.#body.hidden = traffic === undefined;
    if (!traffic) return;
    this.#summary.textContent = trafficSummary(traffic);
    this.#drawPicture();
    replace(
      this.#log,
      traffic.log
        .slice(-60)
        .reverse()
        .map(({ at, status, ms }) => {
          const failed = status === 0 || status >= 500;
          return el(
            'tr',
            { 'data-failed': failed },
            el('td', { class: 'num' }, new Date(at).toISOString().slice(11, 23)),
            el('td', null, failed ? `✕ ${status === 0 ? 'no answer' : status}` : String(status)),
            el('td', { class: 'num' }, `${Math.round(ms)} ms`),
          );
        }),
    );
  }

  #drawPicture(): void {
    const { traffic } = this.#store.views;
    const width = Math.floor(this.#picture.clientWidth);
    if (!traffic || width < 120) return;
    const seconds = traffic.perSecond.slice(-SHOWN_SECONDS);
    const highest = Math.max(1, ...seconds.map(({ ok, failed }) => ok + failed));
    const from = seconds[0]?.at ?? traffic.from;
    const to = Math.max(from + 60_000, (seconds.at(-1)?.at ?? from) + 1_000);
    const x = (at: number) => LEFT + ((at - from) / (to - from)) * (width - LEFT - 4);
    const y = (n: number) => BASE - (n / highest) * (BASE - 22);
    const step = Math.max(1, ((width - LEFT) * 1_000) / (to - from) - 1);
    replace(
      this.#picture,
      svg(
        'svg',
        {
          viewBox: `0 0 ${width} ${HEIGHT}`,
          width,
          height: HEIGHT,
          role: 'img',
          'aria-label': trafficSummary(traffic),
        },
        [0, highest].map((n) => [
          svg('path', { d: `M${LEFT} ${y(n)}H${width}`, class: 'grid' }),
          svg('text', { x: LEFT - 6, y: y(n) + 4, 'text-anchor': 'end', class: 'num' }, n),
        ]),
        seconds.map(({ at, ok }) =>
          svg('rect', { x: x(at), y: y(ok), width: step, height: Math.max(0, BASE - y(ok)), class: 'ok' }),
        ),
        seconds
          .filter(({ failed }) => failed > 0)
          .map(({ at, failed }) => {
            const middle = x(at) + step / 2;
            return svg(
              'g',
              { class: 'lost' },
              svg('title', null, `${timeOfDay(at)} UTC: ${several(failed, 'request')} failed`),
              svg('path', { d: `M${middle} 16V${BASE}` }),
              svg('text', { x: middle, y: 12, 'text-anchor': 'middle' }, `✕ ${failed}`),
            );
          }),
        [from, (from + to) / 2, to].map((at, n) =>
          svg(
            'text',
            { x: n === 2 ? width : x(at), y: HEIGHT - 4, 'text-anchor': ['start', 'middle', 'end'][n], class: 'num' },
            timeOfDay(at),
          ),
        ),
      ),
    );
  }
}
