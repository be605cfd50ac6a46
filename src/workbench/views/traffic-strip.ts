import { el, replace, svg } from '../element.ts';
import type { LabStore } from '../lab-store.ts';
import { count } from '../words.ts';

const WIDTH = 150;
const HEIGHT = 16;
const SECONDS = 60;

/** The last minute of background traffic, in the footer of every lab that has some. */
export class TrafficStrip {
  readonly element = el('div', { class: 'wb-strip', hidden: true });
  readonly #store: LabStore;

  constructor(store: LabStore) {
    this.#store = store;
    store.events.on('view', (name) => name === 'traffic' && this.#draw());
  }

  #draw(): void {
    const { traffic } = this.#store.views;
    this.element.hidden = traffic === undefined;
    if (!traffic) return;
    const seconds = traffic.perSecond.slice(-SECONDS);
    const highest = Math.max(1, ...seconds.map(({ ok, failed }) => ok + failed));
    const x = (at: number) => WIDTH - ((seconds.length - 1 - at) / (SECONDS - 1)) * WIDTH;
    const y = (n: number) => HEIGHT - 2 - (n / highest) * (HEIGHT - 5);
    const points = seconds.map(({ ok }, at) => `${x(at).toFixed(1)} ${y(ok).toFixed(1)}`).join(' ');
    const rate =
      seconds.slice(-5, -1).reduce((sum, { ok, failed }) => sum + ok + failed, 0) /
      Math.max(1, seconds.slice(-5, -1).length);
    const words = `${Math.round(rate)} req/s · ${count(traffic.failed)} lost`;
    replace(
      this.element,
      svg(
        'svg',
        { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, width: WIDTH, height: HEIGHT, 'aria-hidden': 'true' },
        svg('polyline', { points, class: 'ok' }),
        seconds.map(({ failed }, at) => failed > 0 && svg('path', { d: `M${x(at)} 1V${HEIGHT}`, class: 'lost' })),
      ),
      el('span', { class: 'num', 'data-lost': traffic.failed > 0 }, words),
    );
  }
}
