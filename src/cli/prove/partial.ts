import { loadParser, parseScript, SyntaxProblem } from '#shell/syntax/parse.ts';

/** A solution taken apart: what only prepares (options, functions, comments) and its steps, one complete command each. */
export interface Steps {
  preparation: string[];
  steps: string[];
}

/** Splits a script where bash would have a complete command. */
export async function stepsOf(script: string): Promise<Steps> {
  await loadParser();
  const found: Steps = { preparation: [], steps: [] };
  let pending = '';
  for (const line of script.split('\n')) {
    pending = pending === '' ? line : `${pending}\n${line}`;
    if (pending.trim() === '') pending = '';
    if (pending === '' || isOpen(pending)) continue;
    const isPreparation = /^\s*(#|set -|[a-z_]+\(\))/.test(pending);
    // Strictness would end a run in another order at its first failure.
    if (!/^\s*set -/.test(pending)) (isPreparation ? found.preparation : found.steps).push(pending);
    pending = '';
  }
  return found;
}

/** The first half of a solution's steps, as a learner who stops too early has done them. */
export const halfOf = ({ preparation, steps }: Steps): string =>
  [...preparation, ...steps.slice(0, Math.floor(steps.length / 2))].join('\n');

/** A solution's steps, last one first. */
export const reversed = ({ preparation, steps }: Steps): string => [...preparation, ...steps.toReversed()].join('\n');

function isOpen(text: string): boolean {
  if (/\\$/.test(text)) return true;
  try {
    parseScript(text);
    return false;
  } catch (error) {
    return error instanceof SyntaxProblem && error.incomplete;
  }
}
