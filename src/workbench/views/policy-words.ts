import type { Matrix } from '#schema/evidence.ts';
import { several } from '../words.ts';

type Cell = Matrix['cells'][number];

export interface Judged {
  kind: 'allow' | 'deny' | 'over' | 'under' | 'unknown';
  mark: string;
  word: string;
  /** Differs from what the lab asks for. */
  wrong: boolean;
}

/** How one cell reads. Too much and too little are told apart by mark and word, not by colour. */
export function judge(cell: Cell): Judged {
  const { expected, observed } = cell;
  if (observed === 'allow') {
    return expected === 'deny'
      ? { kind: 'over', mark: '▲', word: 'too much', wrong: true }
      : { kind: 'allow', mark: '✓', word: 'let in', wrong: false };
  }
  if (observed === 'deny') {
    return expected === 'allow'
      ? { kind: 'under', mark: '▼', word: 'too little', wrong: true }
      : { kind: 'deny', mark: '✕', word: 'turned away', wrong: false };
  }
  const word = observed === 'missing' ? 'nothing there' : observed === 'unreachable' ? 'no answer' : 'not seen yet';
  return expected === 'allow' && observed !== 'unknown'
    ? { kind: 'under', mark: '▼', word, wrong: true }
    : { kind: 'unknown', mark: '·', word, wrong: false };
}

/** `Two let too much in, one lets too little in.` */
export function matrixSummary(matrix: Matrix): string {
  const kinds = matrix.cells.map((cell) => judge(cell));
  const over = kinds.filter(({ kind }) => kind === 'over').length;
  const under = kinds.filter(({ kind }) => kind === 'under').length;
  if (over + under === 0) return 'All are as the lab asks.';
  const parts = [
    over > 0 ? `${several(over, 'request')} let in that should not be (too much)` : '',
    under > 0 ? `${several(under, 'request')} turned away that should be let in (too little)` : '',
  ].filter(Boolean);
  return `${parts.join('; ')}.`;
}

/**
 * What the columns are called, and the host that all requests go to, where that is one: `GET /orders` and
 * `GET :9090/metrics` to `api.shop`. Requests to several hosts keep their whole address.
 */
export function routeLabels(routes: Matrix['routes']): { host: string | undefined; labels: Map<string, string> } {
  const urls = routes.map(({ url }) => (URL.canParse(url) ? new URL(url) : undefined));
  const hosts = new Set(urls.map((url) => url?.hostname));
  const [host] = hosts.size === 1 ? hosts : [undefined];
  return {
    host,
    labels: new Map(
      routes.map((route, at) => {
        const url = urls[at];
        if (!host || !url) return [route.name, route.name];
        return [route.name, `${route.method} ${url.port ? `:${url.port}` : ''}${url.pathname}${url.search}`];
      }),
    ),
  };
}
