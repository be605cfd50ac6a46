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
