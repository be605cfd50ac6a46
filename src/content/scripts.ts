/** Commands shorter than this say nothing that a hint may not say: `kubectl get pods`. */
const MIN_WORDS = 4;

/** The commands of a shell script, each on one line: continuations joined, pipelines and lists taken apart. */
export function commandsOf(script: string): string[] {
  const withoutDocuments = script.replace(/<<-?\s*(["']?)(\w+)\1([^\n]*)\n[\s\S]*?^\s*\2$/gm, '$3');
  return withoutDocuments
    .replace(/\\\n\s*/g, ' ')
    .split('\n')
    .filter((line) => !/^\s*#/.test(line))
    .flatMap((line) => line.split(/\s(?:\|\||&&|\||;)\s/))
    .map(squeeze)
    .filter(Boolean);
}

/** The command of `solution` that a hint spells out from end to end, or undefined. */
export function givesAway(hint: string, solution: string): string | undefined {
  const words = squeeze(hint.replaceAll('`', ''));
  return commandsOf(solution).find((command) => command.split(' ').length >= MIN_WORDS && words.includes(command));
}

/**
 * Lines that ask a pipe into `grep -q` under pipefail. That grep goes when it has seen enough; the program before it, which
 * still writes, is ended by that, and the pipe says no where it should say yes.
 */
export function hastyPipes(script: string): number[] {
  if (!/^set -\S*o pipefail/m.test(script)) return [];
  return script.split('\n').flatMap((line, i) => (/^[^#]*\| *grep -\w*q/.test(line) ? [i + 1] : []));
}

const squeeze = (text: string) => text.replace(/\s+/g, ' ').trim();
