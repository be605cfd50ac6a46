import { readProse } from './prose.ts';

/** The commands that a lesson shows for the terminal, in the order of the text. `line` counts from the text's first. */
export function shownCommands(body: string): { line: number; command: string }[] {
  const { tags, fences } = readProse(body);
  const single = tags.flatMap((tag) => {
    const { run } = tag.attributes;
    return tag.name === 'Command' && typeof run === 'string' ? [{ line: tag.line, command: unquoted(run) }] : [];
  });
  const several = fences
    .filter((fence) => fence.inside === 'Command')
    .map(({ line, text }) => ({ line, command: text }));
  return [...single, ...several].sort((a, b) => a.line - b.line);
}

/** A property in braces is a template literal; what stands between its marks is the command. */
const unquoted = (value: string): string => /^\s*`([\s\S]*)`\s*$/.exec(value)?.[1] ?? value;
