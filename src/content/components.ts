import type { Mistake } from './mistakes.ts';
import { didYouMean } from './nearest.ts';
import { OBSERVE_ATTRIBUTES, observationMistakes } from './observations.ts';
import type { Prose, Tag } from './prose.ts';

/** What an author may write between angle brackets, with the attributes each needs and may have. */
const COMPONENTS: Record<string, { needs: string[]; may: string[] }> = {
  Answer: { needs: ['id', 'options', 'right'], may: [] },
  Aside: { needs: [], may: [] },
  Chain: { needs: [], may: [] },
  Command: { needs: [], may: ['run', 'where'] },
  Diagram: { needs: ['alt'], may: ['caption'] },
  File: { needs: ['name'], may: [] },
  Fragment: { needs: ['slot'], may: [] },
  Hint: { needs: [], may: ['about'] },
  Observe: { needs: [], may: OBSERVE_ATTRIBUTES },
  PolicyParts: { needs: [], may: [] },
  Task: { needs: ['id'], may: [] },
};
const ELEMENTS = new Set(
  (
    'a b br code dd details div dl dt em figcaption figure i img kbd li ol p pre small span strong sub summary sup table tbody td th thead tr ul ' +
    'svg g path rect circle ellipse line polyline polygon text tspan defs marker title desc use'
  ).split(' '),
);

/** What is wrong with the tags of a lesson: unknown ones, missing or unknown attributes, open ones, stray brackets. */
export function componentMistakes(file: string, prose: Prose): Mistake[] {
  const mistakes: Mistake[] = [];
  const say = ({ line, column }: { line: number; column: number }, message: string) =>
    mistakes.push({ file, line, column, message });

  for (const { text, ...place } of prose.stray) {
    if (text.startsWith('{'))
      say(
        place,
        `\`${text}\`: MDX takes a brace for the beginning of an expression. Put the text into backticks, or write \\{.`,
      );
    else if (text.startsWith('<'))
      say(
        place,
        `\`${text}\`: MDX takes an angle bracket for the beginning of a tag. Put the text into backticks, or write \\<.`,
      );
    else if (text === 'import' || text === 'export')
      say(place, `MDX takes a line that begins with "${text}" for program code. Begin it with another word.`);
    else say(place, 'this fenced block is never closed.');
  }
  const open: Tag[] = [];
  const answers = new Set<string>();
  for (const tag of prose.tags) {
    const component = COMPONENTS[tag.name];
    if (!component && !ELEMENTS.has(tag.name)) {
      if (tag.kind === 'close') continue;
      const meant = didYouMean(tag.name, Object.keys(COMPONENTS));
      const output = `Output such as <${tag.name}> belongs into backticks.`;
      say(
        tag,
        /^[A-Z]/.test(tag.name)
          ? `there is no component <${tag.name}>.${meant || ` ${output}`}`
          : `<${tag.name}> is no tag that a page knows. ${output}`,
      );
      continue;
    }
    if (tag.kind === 'close') {
      if (open.at(-1)?.name === tag.name) open.pop();
      else if (open.some((other) => other.name === tag.name)) {
        while (open.at(-1)?.name !== tag.name) say(open.at(-1)!, `<${open.pop()!.name}> is never closed.`);
        open.pop();
      } else say(tag, `</${tag.name}> closes nothing that is open.`);
      continue;
    }
    if (tag.kind === 'open' && tag.name !== 'br' && tag.name !== 'img') open.push(tag);
    if (component) mistakes.push(...attributeMistakes(file, tag, component, answers));
  }
  for (const tag of open) say(tag, `<${tag.name}> is never closed.`);
  for (const tag of prose.tags.filter((t) => t.kind !== 'close' && (t.name === 'Command' || t.name === 'File'))) {
    const hasFence =
      tag.kind === 'open' &&
      prose.fences.some((f) => f.inside === tag.name && f.line > tag.line && f.line <= tag.line + 3);
    if (!hasFence && !(tag.name === 'Command' && tag.attributes['run']))
      say(
        tag,
        tag.name === 'Command'
          ? '<Command> shows nothing: write run="…", or put a fenced block inside.'
          : '<File> shows nothing: put a fenced block inside.',
      );
  }
  return mistakes;
}

function attributeMistakes(
  file: string,
  tag: Tag,
  { needs, may }: { needs: string[]; may: string[] },
  answers: Set<string>,
): Mistake[] {
  const messages: string[] = [];
  const given = Object.keys(tag.attributes);
  for (const name of given.filter((name) => !needs.includes(name) && !may.includes(name)))
    messages.push(`<${tag.name}> has no attribute "${name}".${didYouMean(name, [...needs, ...may])}`);
  for (const name of needs.filter((name) => !given.includes(name))) messages.push(`<${tag.name}> needs ${name}="…".`);
  const value = (name: string) => (typeof tag.attributes[name] === 'string' ? (tag.attributes[name] as string) : '');
  if (tag.name === 'Observe') messages.push(...observationMistakes(tag.attributes));
  if (tag.name === 'Answer') {
    const options = value('options').match(/'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"/g) ?? [];
    if (value('options') && options.length < 2) messages.push('a question needs at least two options.');
    if (value('right') && !(Number(value('right')) in options))
      messages.push(
        `right={${value('right')}} is the place of no option; the first is 0, the last ${options.length - 1}.`,
      );
    if (answers.has(value('id'))) messages.push(`another question on this page has the id "${value('id')}".`);
    answers.add(value('id'));
  }
  return messages.map((message) => ({ file, line: tag.line, column: tag.column, message }));
}
