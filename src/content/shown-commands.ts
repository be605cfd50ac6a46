import { type Prose, readProse } from './prose.ts';

type Fence = Prose['fences'][number];

export interface ShownCommand {
  /** Counted from the text's first line. */
  line: number;
  command: string;
  /** What the lesson says that it prints. */
  output?: ShownOutput;
}

export interface ShownOutput {
  line: number;
  text: string;
  /** In the world of somebody who has solved the lab, not of one who has typed what stands above it. */
  solved: boolean;
}

/** The commands that a lesson shows for the terminal, in the order of the text, with the output that stands under them. */
export function shownCommands(body: string): ShownCommand[] {
  const prose = readProse(body);
  const shown: ShownCommand[] = commandsIn(prose);
  for (const fence of outputs(prose)) {
    const above = shown.findLast(({ line }) => line < fence.line);
    if (above && followsCommand(prose, fence))
      above.output = { line: fence.line, text: fence.text, solved: / solved$/.test(fence.info) };
  }
  return shown;
}

/** The same without what they print. */
export function commandsIn(prose: Prose): { line: number; command: string }[] {
  const single = prose.tags.flatMap((tag) => {
    const { run } = tag.attributes;
    return tag.name === 'Command' && typeof run === 'string' ? [{ line: tag.line, command: unquoted(run) }] : [];
  });
  const several = prose.fences
    .filter((fence) => fence.inside === 'Command')
    .map(({ line, text }) => ({ line, command: text }));
  return [...single, ...several].sort((a, b) => a.line - b.line);
}

/** Blocks of output that stand under no command. */
export const strayOutputs = (prose: Prose): Fence[] => outputs(prose).filter((fence) => !followsCommand(prose, fence));

export const outputs = ({ fences }: Prose): Fence[] => fences.filter(({ info }) => /^output\b/.test(info));

/** Whether only blank lines stand between a command and the block. */
function followsCommand({ tags }: Prose, { line, above }: Fence): boolean {
  const before = tags.findLast((tag) => tag.line < line);
  return before?.name === 'Command' && before.kind !== 'open' && /(\/>|<\/Command>)$/.test(above);
}

/** A property in braces is a template literal; what stands between its marks is the command. */
const unquoted = (value: string): string => /^\s*`([\s\S]*)`\s*$/.exec(value)?.[1] ?? value;
