import { asPath, type Mistake } from './mistakes.ts';
import { didYouMean } from './nearest.ts';
import type { YamlSource } from './yaml-source.ts';

type Raw = Record<string, unknown>;

/** What is wrong between a lab's questions and the tasks that ask them. */
export function answerMistakes(source: YamlSource, answers: Raw[], tasks: Raw[]): Mistake[] {
  const mistakes: Mistake[] = [];
  const say = (path: PropertyKey[], message: string) => mistakes.push(source.mistake(path, asPath(path), message));
  const ids = answers.map(({ id }) => id).filter((id): id is string => typeof id === 'string');
  const asking = tasks.map((task) => (task['check'] === 'answer' ? ((task['with'] ?? {}) as Raw) : undefined));
  for (const [i, { id, right, pattern, options, wrong }] of answers.entries()) {
    if (typeof id !== 'string') continue;
    if (ids.indexOf(id) < i && answers.findIndex((other) => other['id'] === id) < i)
      say(['answers', i, 'id'], `"${id}" is the id of an earlier question as well.`);
    const users = asking.filter((wanted) => wanted?.['answer'] === id);
    if (users.length === 0) say(['answers', i, 'id'], 'no task asks this question.');
    const graded = users.some((wanted) => wanted?.['accept'] !== 'any');
    if (graded && right === undefined && pattern === undefined)
      say(['answers', i], 'has neither `right` nor `pattern`, so no answer can be right.');
    if (!Array.isArray(options)) continue;
    const unknown = [right, ...(Array.isArray(wrong) ? wrong.map((one) => (one as Raw)?.['is']) : [])]
      .flat()
      .find((one) => typeof one === 'string' && !options.includes(one));
    if (unknown !== undefined)
      say(
        ['answers', i, 'options'],
        `"${String(unknown)}" is not among the options.${didYouMean(String(unknown), options)}`,
      );
  }
  for (const [i, wanted] of asking.entries()) {
    const id = wanted?.['answer'];
    if (typeof id === 'string' && !ids.includes(id))
      say(['tasks', i, 'with', 'answer'], `there is no question "${id}".${didYouMean(id, ids)}`);
  }
  return mistakes;
}
