import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { sampleImages } from '#cluster/embedded/images.ts';
import { findCourses } from '#content/courses.ts';
import { commandsOf } from '#content/scripts.ts';
import { shownCommands } from '#content/shown-commands.ts';
import { CATALOGUE } from '#grader/catalogue.ts';
import { builtins } from '#shell/builtins/builtins.ts';
import { loadVerb } from '#terminal/kubectl/verbs.ts';
import type { Verb } from '#terminal/linkerd/verb.ts';
import { root as linkerd } from '#terminal/linkerd/verbs.ts';
import { NOT_HERE } from '#terminal/tools/not-here.ts';
import { createTools } from '#terminal/tools.ts';

const ROOT = join(import.meta.dirname, '../..');
const read = (path: string) => readFileSync(join(ROOT, path), 'utf8');
const labs = readdirSync(join(ROOT, 'labs'), { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map(({ name }) => name);
const lessons = (await findCourses(join(ROOT, 'lessons'))).flatMap((course) => course.lessons);

const tools = createTools({} as Parameters<typeof createTools>[0]);
const programs = new Set([
  ...tools.filter((tool) => tool.summary !== NOT_HERE).map((tool) => tool.name),
  ...builtins.keys(),
]);
/** Words of the shell itself, and what begins an assignment or a group. */
const OF_THE_SHELL = /^(if|then|else|elif|fi|for|while|until|do|done|case|esac|in|\{|\}|!|\[|\[\[|\(|\$|[A-Za-z_]\w*=)/;

/** The commands in the prose: those in boxes, and those between backticks that begin with a tool's name. */
function namedIn(body: string): string[] {
  const spans = [...body.replace(/```[\s\S]*?```/g, '').matchAll(/`([^`\n]+)`/g)].map((match) => match[1]!);
  return spans.filter((span) => /^(kubectl|linkerd|academy|npx academy)\s/.test(span));
}

/** What is wrong with a command's verb; undefined when it has one, or when it can't be told. */
function wrongVerb(command: string): string | undefined {
  const words = command
    .replace(/\s(-n|--namespace|--context|--kubeconfig|-l)[ =]\S+/g, '')
    .split(/\s+/)
    .filter((word) => !word.startsWith('-'));
  const [tool, first, second] = words;
  if (!first || /[…$]/.test(first)) return undefined;
  if (tool === 'kubectl')
    return loadVerb([first]) || loadVerb([first, second ?? '']) || first === 'rollout' ? undefined : `kubectl ${first}`;
  if (tool === 'linkerd') {
    const verb = linkerd.verbs?.find(({ name }) => name === first) as Verb | undefined;
    if (!verb) return `linkerd ${first}`;
    if (!verb.verbs || !second || !/^[a-z-]+$/.test(second)) return undefined;
    return verb.verbs.some(({ name }) => name === second) ? undefined : `linkerd ${first} ${second}`;
  }
  return undefined;
}

it('every command that a lesson shows is one that the terminal has, with a verb that it knows', () => {
  const wrong: string[] = [];
  for (const { file, body } of lessons) {
    for (const { command } of shownCommands(body)) {
      for (const one of commandsOf(command.replace(/"(?:[^"\\]|\\.)*"|'[^']*'/g, 'quoted'))) {
        const [program = ''] = one.split(' ');
        if (!OF_THE_SHELL.test(program) && !programs.has(program)) wrong.push(`${file}: ${program} in ${one}`);
      }
    }
    for (const command of [...shownCommands(body).map((shown) => shown.command), ...namedIn(body)])
      for (const one of commandsOf(command)) {
        const verb = wrongVerb(one);
        if (verb) wrong.push(`${file}: there is no ${verb}`);
      }
  }
  expect(wrong).toEqual([]);
});

it('a verb that does not exist is noticed', () => {
  expect(wrongVerb('kubectl -n shop frobnicate pods')).toBe('kubectl frobnicate');
  expect(wrongVerb('kubectl -n shop get pods')).toBeUndefined();
  expect(wrongVerb('linkerd diagnostics proxy-metrix -n shop')).toBe('linkerd diagnostics proxy-metrix');
});

it('every command in hints, solutions and notes for instructors has a verb that the terminal knows', () => {
  const wrong = labs.flatMap((lab) =>
    ['lab.yaml', 'solution.md', 'instructor.md']
      .flatMap((file) => namedIn(read(`labs/${lab}/${file}`)))
      .flatMap((command) => commandsOf(command))
      .flatMap((command) => wrongVerb(command) ?? [])
      .map((verb) => `labs/${lab}: there is no ${verb}`),
  );
  expect(wrong).toEqual([]);
});

it('every image that a lab or a lesson names is one that the embedded node has', () => {
  const repositories = new Set(sampleImages().map(({ repository }) => repository));
  const plain = (image: string) => image.replace(/^docker\.io\/(library\/)?/, '').replace(/(@sha256)?:[^/]*$/, '');
  const texts: [string, string][] = lessons.map(({ file, body }) => [`lessons/${file}`, body]);
  for (const lab of labs)
    for (const entry of readdirSync(join(ROOT, 'labs', lab), { recursive: true, withFileTypes: true }))
      if (entry.isFile()) {
        const path = join(entry.parentPath, entry.name);
        texts.push([path.slice(ROOT.length + 1), readFileSync(path, 'utf8')]);
      }
  const unknown = texts.flatMap(([file, text]) =>
    [...text.matchAll(/(?:\bimage:\s*"?|--image[= ]|\bset image \S+ [\w-]+=)([a-z0-9][\w./-]*:[\w.-]+)/g)]
      .map(([, image]) => image!)
      .filter((image) => !repositories.has(plain(image)))
      .map((image) => `${file}: ${image}`),
  );
  expect(unknown).toEqual([]);
});

it('every check that the guide for authors names is in the catalogue', () => {
  const named = [...read('lessons/AUTHORING.md').matchAll(/check: ([a-z-]+)/g)].map((match) => match[1]!);
  expect(named.length).toBeGreaterThan(1);
  for (const name of named) expect(CATALOGUE.has(name), name).toBe(true);
});
