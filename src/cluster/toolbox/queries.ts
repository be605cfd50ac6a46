/** What a program may ask of its terminal and tmux answers itself: attributes (DA), status and cursor (DSR), name (XTVERSION). */
const QUERY = /\x1b\[(?:[>=]?0?c|\??[56]n|>0?q)/g;
/** The beginning of such a question at the end of a piece of output. */
const BEGUN = /\x1b(?:\[(?:[>=]?0?|\??[56]?)?)?$/;

/**
 * Output without the questions that were answered already: the page's terminal would answer them once more, and the program
 * would read that as keys. `tail` may be the beginning of one and belongs before the next piece.
 */
export function withoutQueries(output: string): { shown: string; tail: string } {
  const clean = output.replace(QUERY, '');
  const begun = BEGUN.exec(clean);
  return begun ? { shown: clean.slice(0, begun.index), tail: begun[0] } : { shown: clean, tail: '' };
}
