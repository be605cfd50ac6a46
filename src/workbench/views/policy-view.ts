import type { Matrix } from '#schema/evidence.ts';
import { type Child, el, replace } from '../element.ts';
import type { LabStore } from '../lab-store.ts';
import { instant, several } from '../words.ts';
import { judge, matrixSummary, routeLabels } from './policy-words.ts';

/** Who may do what, and did it happen: every client against every route, observed beside what the lab asks for. */
export class PolicyPanel {
  readonly element = el('div', { class: 'wb-view policy' });
  readonly #store: LabStore;

  constructor(store: LabStore) {
    this.#store = store;
  }

  get note(): string | undefined {
    const wrong = (this.#store.views.policy ?? []).reduce(
      (sum, { matrix }) => sum + matrix.cells.filter((cell) => judge(cell).wrong).length,
      0,
    );
    return wrong > 0 ? `${wrong} differ` : undefined;
  }

  draw(): void {
    const matrices = this.#store.views.policy;
    if (!matrices || matrices.length === 0) {
      replace(
        this.element,
        el(
          'p',
          { class: 'wb-empty' },
          matrices ? 'No task of this lab has sent requests yet.' : 'Waiting for the first requests …',
        ),
      );
      return;
    }
    replace(
      this.element,
      matrices.map(({ task, matrix }) => this.#table(task, matrix)),
      el(
        'p',
        { class: 'legend' },
        el('span', null, el('b', { class: 'cell allow' }, '✓ 200'), ' let in'),
        el('span', null, el('b', { class: 'cell deny' }, '✕ 403'), ' turned away'),
        el('span', null, el('b', { class: 'cell over' }, '▲ too much'), ' let in, should not be'),
        el('span', null, el('b', { class: 'cell under' }, '▼ too little'), ' turned away, should be let in'),
      ),
    );
  }

  #table(task: string, matrix: Matrix): Child {
    const title = this.#store.tasks.find(({ id }) => id === task)?.title ?? 'What got through';
    const cellOf = new Map(matrix.cells.map((cell) => [`${cell.client}\n${cell.route}`, cell]));
    const { host, labels } = routeLabels(matrix.routes);
    const now = this.#store.clusterNow();
    return el(
      'figure',
      null,
      el('h3', null, title),
      el(
        'div',
        { class: 'scroll', tabindex: 0, role: 'region', 'aria-label': `Requests: ${title}` },
        el(
          'table',
          null,
          el('caption', { class: 'hidden-visually' }, matrixSummary(matrix)),
          el(
            'thead',
            null,
            el(
              'tr',
              null,
              el('td'),
              matrix.routes.map((route) =>
                el('th', { scope: 'col', title: `${route.method} ${route.url}` }, labels.get(route.name)),
              ),
            ),
          ),
          el(
            'tbody',
            null,
            matrix.clients.map((client) =>
              el(
                'tr',
                null,
                el(
                  'th',
                  { scope: 'row', title: client.identity ?? 'has no mesh identity' },
                  client.name,
                  el('small', null, client.identity ? 'meshed' : 'not meshed'),
                ),
                matrix.routes.map((route) => {
                  const cell = cellOf.get(`${client.name}\n${route.name}`);
                  if (!cell) return el('td', { class: 'cell unknown' }, '–');
                  const { mark, word, kind, wrong } = judge(cell);
                  const asked =
                    cell.expected === 'allow' ? 'let in' : cell.expected === 'deny' ? 'turned away' : undefined;
                  return el(
                    'td',
                    {
                      class: `cell ${kind}`,
                      title: [cell.detail, asked && `asked for: ${asked}`, `seen ${instant(cell.at, now)}`]
                        .filter(Boolean)
                        .join('\n'),
                    },
                    `${mark} ${cell.status > 0 ? cell.status : word}`,
                    wrong && el('small', null, cell.status > 0 ? word : `asked: ${asked}`),
                  );
                }),
              ),
            ),
          ),
        ),
      ),
      el(
        'figcaption',
        null,
        `${several(matrix.cells.length, 'real request')}${host ? ` to ${host}` : ''}, last seen ${instant(matrix.at, now)}. ${matrixSummary(matrix)}`,
      ),
    );
  }
}
