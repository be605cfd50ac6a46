import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { slug } from '#schema/lab.ts';
import { course as courseSchema, lesson as lessonSchema } from '#schema/lesson.ts';
import type { CheckedLab } from './check-lab.ts';
import { componentMistakes } from './components.ts';
import type { Mistake } from './mistakes.ts';
import { didYouMean } from './nearest.ts';
import { unseenValues } from './observations.ts';
import { type Prose, readProse } from './prose.ts';
import { shapeMistakes } from './shape.ts';
import { commandsIn, outputs, strayOutputs } from './shown-commands.ts';
import { YamlSource } from './yaml-source.ts';

interface ReadLesson {
  course: string;
  slug: string;
  file: string;
  front: YamlSource;
  prose: Prose;
}

/** Everything wrong in `lessons/`, at once. `labs` are those that were checked before. */
export async function checkLessons(
  root: string,
  labs: CheckedLab[],
): Promise<{ mistakes: Mistake[]; lessons: number }> {
  const mistakes: Mistake[] = [];
  const lessons: ReadLesson[] = [];
  const courses = await folders(join(root, 'lessons'));
  for (const course of courses) {
    const read = await readCourse(root, course, mistakes);
    lessons.push(...read);
  }
  mistakes.push(...samePlace(await orders(root, courses)));

  const byId = new Map(labs.map((lab) => [lab.id, lab]));
  const pages = new Set(['/', ...courses.map((c) => `/${c}/`), ...lessons.map((l) => `/${l.course}/${l.slug}/`)]);
  const anchors = new Map(lessons.map((l) => [`/${l.course}/${l.slug}/`, anchorsOf(l.prose)]));
  for (const lesson of lessons) {
    mistakes.push(...componentMistakes(lesson.file, lesson.prose));
    mistakes.push(...needMistakes(lesson, lessons));
    mistakes.push(...taskMistakes(lesson, byId));
    mistakes.push(...linkMistakes(lesson, pages, anchors));
    const lab = frontOf(lesson)['lab'];
    const { file, prose } = lesson;
    mistakes.push(...outputMistakes(lesson), ...useMistakes(lesson, byId.get(String(lab))?.uses));
    mistakes.push(...unseenValues(file, prose, byId.get(String(lab))?.world, lab !== undefined));
  }
  const opened = new Set(lessons.map((lesson) => frontOf(lesson)['lab']));
  for (const lab of labs.filter((lab) => !opened.has(lab.id)))
    mistakes.push({
      file: `labs/${lab.id}/lab.yaml`,
      line: 1,
      message: 'no lesson opens this lab, so no learner can reach it.',
    });
  return { mistakes, lessons: lessons.length };
}

async function readCourse(root: string, course: string, mistakes: Mistake[]): Promise<ReadLesson[]> {
  const here = `lessons/${course}`;
  if (!slug.safeParse(course).success)
    mistakes.push({
      file: here,
      line: 1,
      message: 'the folder of a course is named in lower-case letters, digits and single dashes.',
    });
  const about = await readFile(join(root, here, 'course.yaml'), 'utf8').catch(() => undefined);
  if (about === undefined)
    mistakes.push({ file: `${here}/course.yaml`, line: 1, message: 'is missing: it names the course.' });
  else {
    const source = new YamlSource(`${here}/course.yaml`, about);
    mistakes.push(...source.mistakes, ...shapeMistakes(courseSchema, source));
  }
  const lessons: ReadLesson[] = [];
  for (const folder of (await folders(join(root, here))).sort()) {
    const file = `${here}/${folder}/index.mdx`;
    const named = /^\d{3}-(.+)$/.exec(folder)?.[1];
    if (!named || !slug.safeParse(named).success) {
      mistakes.push({ file: `${here}/${folder}`, line: 1, message: 'a lesson’s folder is called like 010-some-slug.' });
      continue;
    }
    if (lessons.some((other) => other.slug === named))
      mistakes.push({
        file: `${here}/${folder}`,
        line: 1,
        message: `another lesson of this course is called "${named}" too.`,
      });
    const text = await readFile(join(root, file), 'utf8').catch(() => undefined);
    if (text === undefined) {
      mistakes.push({ file, line: 1, message: 'is missing: it is the text of the lesson.' });
      continue;
    }
    const found = /^---\r?\n([\s\S]*?)\r?\n---\r?\n?/.exec(text);
    if (!found) mistakes.push({ file, line: 1, message: 'does not begin with front matter between two lines of ---.' });
    const front = new YamlSource(file, found?.[1] ?? '', 2);
    if (found) mistakes.push(...front.mistakes, ...shapeMistakes(lessonSchema, front));
    const skipped = found?.[0] ?? '';
    const prose = readProse(text.slice(skipped.length), skipped.split('\n').length);
    lessons.push({ course, slug: named, file, front, prose });
  }
  return lessons;
}

/** Output that no proof could hold against a command. */
function outputMistakes(lesson: ReadLesson): Mistake[] {
  const { file, prose } = lesson;
  if (frontOf(lesson)['lab'] === undefined)
    return outputs(prose).map(({ line }) => ({
      file,
      line,
      message: 'the lesson has no lab whose terminal could print this, so nothing proves that it is so.',
    }));
  const unknown = outputs(prose).filter(({ info }) => !/^output( solved)?$/.test(info));
  return [
    ...strayOutputs(prose).map(({ line }) => ({
      file,
      line,
      message: 'output stands directly under the <Command> that prints it, with nothing but blank lines in between.',
    })),
    ...unknown.map(({ line, info }) => ({
      file,
      line,
      message: `\`${info}\`: behind "output" there is nothing, or "solved" for a world in which the lab is solved.`,
    })),
  ];
}

/** How a command line calls a program that not every toolbox has. */
const USES = { viz: /\blinkerd viz\b/, step: /(^|[\s;|&($])step [a-z]/m, yq: /(^|[\s;|&($])yq\b/m };

/** Programs that the lab has to name, so that a terminal on a kind cluster has them. */
function useMistakes({ file, front, prose }: ReadLesson, uses: string[] | undefined): Mistake[] {
  if (!uses) return [];
  const { lab } = front.value as { lab?: unknown };
  return Object.entries(USES).flatMap(([name, calls]) => {
    const found = commandsIn(prose).find(({ command }) => calls.test(command));
    if (!found || uses.includes(name)) return [];
    const message = `calls ${name === 'viz' ? 'linkerd viz' : name}, which not every toolbox has: write \`uses: [${[...uses, name].join(', ')}]\` into labs/${String(lab)}/lab.yaml.`;
    return [{ file, line: found.line, message }];
  });
}

function needMistakes(lesson: ReadLesson, all: ReadLesson[]): Mistake[] {
  const addresses = all.map((other) => `${other.course}/${other.slug}`);
  const needs = frontOf(lesson)['needs'];
  if (!Array.isArray(needs)) return [];
  return needs.flatMap((need, i) => {
    if (typeof need !== 'string') return [];
    const address = need.includes('/') ? need : `${lesson.course}/${need}`;
    const say = (message: string) => [lesson.front.mistake(['needs', i], `needs[${i}]`, message)];
    if (address === `${lesson.course}/${lesson.slug}`) return say('a lesson can’t need itself.');
    if (addresses.includes(address)) return [];
    const elsewhere = addresses.find((each) => each.endsWith(`/${need}`));
    const near = elsewhere
      ? ` Did you mean "${elsewhere}"?`
      : didYouMean(need, need.includes('/') ? addresses : all.map((other) => other.slug));
    return say(`there is no lesson "${need}".${near}`);
  });
}

function taskMistakes(lesson: ReadLesson, labs: Map<string, CheckedLab>): Mistake[] {
  const { file, prose } = lesson;
  const placed = prose.tags.flatMap((tag) => {
    const { id } = tag.attributes;
    return tag.name === 'Task' && tag.kind !== 'close' && typeof id === 'string'
      ? [{ id, line: tag.line, column: tag.column }]
      : [];
  });
  const name = frontOf(lesson)['lab'];
  if (typeof name !== 'string')
    return placed.map(({ id, ...at }) => ({
      file,
      ...at,
      message: `places the task "${id}", but the front matter names no lab.`,
    }));
  const lab = labs.get(name);
  if (!lab) return [lesson.front.mistake(['lab'], 'lab', `there is no lab "${name}".${didYouMean(name, labs.keys())}`)];
  const { tasks } = lab;
  if (!tasks) return [];
  const ids = placed.map((task) => task.id);
  return [
    ...placed
      .filter(({ id }) => !tasks.includes(id))
      .map(({ id, ...at }) => ({
        file,
        ...at,
        message: `the lab ${name} has no task "${id}".${didYouMean(id, tasks)}`,
      })),
    ...placed
      .filter(({ id }, i) => ids.indexOf(id) < i)
      .map(({ id, ...at }) => ({ file, ...at, message: `the task "${id}" is placed a second time.` })),
    ...tasks
      .filter((id) => !ids.includes(id))
      .map((id) =>
        lesson.front.mistake(
          ['lab'],
          'lab',
          `the text does not place the task "${id}" of this lab: write <Task id="${id}">.`,
        ),
      ),
  ];
}

function linkMistakes(lesson: ReadLesson, pages: Set<string>, anchors: Map<string, string[]>): Mistake[] {
  const { file, prose } = lesson;
  const self = `/${lesson.course}/${lesson.slug}/`;
  return prose.links.flatMap(({ href, ...at }) => {
    const say = (message: string) => [{ file, ...at, message }];
    if (/^https:\/\//.test(href)) return URL.canParse(href) ? [] : say(`"${href}" is no address.`);
    if (/^[a-z]+:/i.test(href)) return say(`"${href}": links to other sites begin with https://.`);
    const [path = '', anchor] = href.split('#');
    const page = path === '' ? self : new URL(path, `http://site${self}`).pathname.replace(/\/?$/, '/');
    if (!pages.has(page)) return say(`there is no page "${path}".${didYouMean(page, pages)}`);
    const known = anchors.get(page);
    if (!anchor || !known || known.includes(anchor)) return [];
    return say(`there is no heading "#${anchor}" on ${page}.${didYouMean(anchor, known)}`);
  });
}

/** Headings, and the places of tasks. */
const anchorsOf = (prose: Prose): string[] => [
  ...prose.anchors,
  ...prose.tags.flatMap((tag) =>
    tag.name === 'Task' && typeof tag.attributes['id'] === 'string' ? [`task-${tag.attributes['id']}`] : [],
  ),
];

/** Two courses with the same place would be sorted by name, which nobody chose. */
function samePlace(courses: { course: string; order: unknown; source: YamlSource }[]): Mistake[] {
  return courses.flatMap(({ order, source }, i) => {
    const before = courses.findIndex((other) => other.order === order);
    if (typeof order !== 'number' || before >= i) return [];
    return [
      source.mistake(['order'], 'order', `the course ${courses[before]!.course} has the place ${order} as well.`),
    ];
  });
}

async function orders(
  root: string,
  courses: string[],
): Promise<{ course: string; order: unknown; source: YamlSource }[]> {
  const read = courses.map(async (course) => {
    const file = `lessons/${course}/course.yaml`;
    const source = new YamlSource(file, await readFile(join(root, file), 'utf8').catch(() => ''));
    return { course, order: (source.value as { order?: unknown } | undefined)?.order, source };
  });
  return Promise.all(read);
}

const frontOf = (lesson: ReadLesson): Record<string, unknown> =>
  (typeof lesson.front.value === 'object' && lesson.front.value !== null ? lesson.front.value : {}) as Record<
    string,
    unknown
  >;

async function folders(path: string): Promise<string[]> {
  const entries = await readdir(path, { withFileTypes: true }).catch(() => []);
  return entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name);
}
