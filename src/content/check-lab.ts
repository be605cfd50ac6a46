import { readdir, readFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import type { z } from 'zod';
import { clusterNames } from '#schema/cluster-names.ts';
import { lab as labSchema } from '#schema/lab.ts';
import { answerMistakes } from './check-answers.ts';
import { type LabWorld, readLabWorld } from './lab-world.ts';
import { asPath, type Mistake } from './mistakes.ts';
import { didYouMean } from './nearest.ts';
import { givesAway, hastyPipes } from './scripts.ts';
import { shapeMistakes } from './shape.ts';
import { syntaxMistakes, YamlSource } from './yaml-source.ts';

/** What this room has to know of a catalogue entry; the catalogue itself lives higher up. */
export interface KnownCheck {
  readonly name: string;
  readonly params: z.ZodType;
}

export interface CheckedLab {
  id: string;
  mistakes: Mistake[];
  /** Ids of its tasks, as far as they could be read; undefined when there is no readable `lab.yaml`. */
  tasks: string[] | undefined;
  /** What its `uses` names; undefined when its terminals are the academy's own anyway, which have all of it. */
  uses: string[] | undefined;
  /** What is in its cluster; undefined when there is no readable `lab.yaml`. */
  world: LabWorld | undefined;
}

/** The first line of every `lab.yaml`, by which editors find the schema. */
export const SCHEMA_LINE = '# yaml-language-server: $schema=../lab.schema.json';
const PARTS = ['lab.yaml', 'start', 'files', 'solution.md', 'solution.sh', 'wrong', 'instructor.md'];

type Raw = Record<string, unknown>;

/** Everything wrong in `labs/<id>/`, at once. `root` is the project's top folder. */
export async function checkLab(root: string, id: string, checks: ReadonlyMap<string, KnownCheck>): Promise<CheckedLab> {
  const folder = join(root, 'labs', id);
  const here = `labs/${id}`;
  const mistakes: Mistake[] = [];
  const say = (file: string, message: string, line = 1) => mistakes.push({ file: `${here}/${file}`, line, message });
  const read = (name: string) => readFile(join(folder, name), 'utf8').catch(() => undefined);
  const names = await readdir(folder).catch((): string[] => []);

  for (const name of names.filter((name) => !PARTS.includes(name) && !name.startsWith('.')))
    say(name, `is no part of a lab.${didYouMean(name, PARTS) || ` The parts are ${PARTS.join(', ')}.`}`);
  for (const name of ['solution.md', 'solution.sh', 'instructor.md']) {
    if (!names.includes(name)) say(name, WHY_NEEDED[name]!);
  }

  const text = await read('lab.yaml');
  if (text === undefined) {
    say('lab.yaml', 'is missing: a lab is defined there.');
    return { id, mistakes, tasks: undefined, uses: undefined, world: undefined };
  }
  if (!text.startsWith(SCHEMA_LINE)) say('lab.yaml', `begins with another line than \`${SCHEMA_LINE}\`.`);
  const source = new YamlSource(`${here}/lab.yaml`, text);
  mistakes.push(...source.mistakes, ...shapeMistakes(labSchema, source));

  const definition = asMap(source.value);
  const tasks = asList(definition['tasks']).map(asMap);
  const ids = tasks.map((task) => task['id']).filter((value): value is string => typeof value === 'string');
  mistakes.push(...clusterMistakes(source, definition, tasks));
  mistakes.push(...taskMistakes(source, definition, tasks, ids, checks));
  mistakes.push(...answerMistakes(source, asList(definition['answers']).map(asMap), tasks));
  mistakes.push(...(await pipeMistakes(here, folder)));
  mistakes.push(...hintMistakes(source, tasks, (await read('solution.sh')) ?? ''));
  mistakes.push(...(await startMistakes(source, here, folder, definition)));
  mistakes.push(...(await wrongMistakes(here, folder, ids)));
  return { id, mistakes, tasks: ids, uses: usesOf(definition), world: await readLabWorld(folder, definition) };
}

const WHY_NEEDED: Record<string, string> = {
  'solution.md': 'is missing: it is what a learner sees who asks for the solution.',
  'solution.sh': 'is missing: `academy prove` runs it and expects every task to turn green.',
  'instructor.md': 'is missing: it says what learners stumble over. It is never sent to a browser.',
};

function taskMistakes(
  source: YamlSource,
  definition: Raw,
  tasks: Raw[],
  ids: string[],
  checks: ReadonlyMap<string, KnownCheck>,
): Mistake[] {
  const mistakes: Mistake[] = [];
  const say = (path: PropertyKey[], message: string) => mistakes.push(source.mistake(path, asPath(path), message));
  const stuck = unreachable(tasks);
  for (const [i, task] of tasks.entries()) {
    const { id, check, mode } = task;
    if (typeof id === 'string' && ids.indexOf(id) < i && tasks.findIndex((t) => t['id'] === id) < i)
      say(['tasks', i, 'id'], `"${id}" is the id of an earlier task as well.`);
    const known = typeof check === 'string' ? checks.get(check) : undefined;
    if (typeof check === 'string' && !known) {
      const suggestion = didYouMean(check, checks.keys());
      say(
        ['tasks', i, 'check'],
        `there is no check "${check}".${suggestion || ' `npx academy list checks` lists them.'}`,
      );
    }
    if (known) mistakes.push(...parameterMistakes(known, source, task, i));
    const looksAtTraffic = check === 'traffic' || asMap(task['with'])['of'] === 'traffic';
    if (looksAtTraffic && !definition['traffic'])
      say(['tasks', i, 'check'], 'looks at the background traffic, and the lab has no `traffic`.');
    if ('holdSeconds' in task && mode !== 'hold')
      say(['tasks', i, 'holdSeconds'], 'has a meaning only with `mode: hold`.');
    if ('lost-if' in task) {
      const other = asMap(task['lost-if'])['check'];
      if (typeof other === 'string' && other !== check)
        say(['tasks', i, 'lost-if', 'check'], `is "${other}", but this task's check is "${String(check)}".`);
    }
    for (const [n, need] of asList(task['needs']).entries()) {
      if (typeof need !== 'string') continue;
      if (need === id) say(['tasks', i, 'needs', n], 'a task can’t need itself.');
      else if (!ids.includes(need))
        say(['tasks', i, 'needs', n], `there is no task "${need}".${didYouMean(need, ids)}`);
    }
    const because = stuck.get(i);
    if (because) say(['tasks', i, 'needs'], because);
  }
  return mistakes;
}

/** Parameters of a task; a task without any may still lack some. */
function parameterMistakes(check: KnownCheck, source: YamlSource, task: Raw, i: number): Mistake[] {
  if (task['with'] !== undefined) return shapeMistakes(check.params, source, ['tasks', i, 'with']);
  const parsed = check.params.safeParse({});
  if (parsed.success) return [];
  const missing = parsed.error.issues.map((issue) => issue.path.join('.')).join(', ');
  return [source.mistake(['tasks', i], asPath(['tasks', i, 'with']), `is missing; ${check.name} needs ${missing}.`)];
}

/**
 * Tasks that nobody can ever pass, by their place: those in a circle, and those that wait for an invariant, because an
 * invariant counts as passed only when all others have.
 */
function unreachable(tasks: Raw[]): Map<number, string> {
  const byId = new Map<string, number>();
  for (const [i, { id }] of tasks.entries()) if (typeof id === 'string' && !byId.has(id)) byId.set(id, i);
  const needsOf = (i: number): number[] =>
    asList(tasks[i]!['needs']).flatMap((need) => (typeof need === 'string' ? (byId.get(need) ?? []) : []));
  const found = new Map<number, string>();
  for (const i of tasks.keys()) {
    const invariant = needsOf(i).find((need) => need !== i && tasks[need]!['mode'] === 'invariant');
    if (invariant !== undefined)
      found.set(
        i,
        `can never pass: it waits for the invariant "${String(tasks[invariant]!['id'])}", which passes only after all others.`,
      );
    const circle = circleFrom(i, needsOf);
    if (circle) found.set(i, `can never pass: ${circle.map((at) => String(tasks[at]!['id'])).join(' needs ')}.`);
  }
  return found;
}

function circleFrom(start: number, needsOf: (i: number) => number[]): number[] | undefined {
  const visit = (at: number, path: number[], seen: Set<number>): number[] | undefined => {
    for (const next of needsOf(at)) {
      if (next === start && path.length > 1) return [...path, start];
      if (seen.has(next) || next === at) continue;
      seen.add(next);
      const circle = visit(next, [...path, next], seen);
      if (circle) return circle;
    }
    return undefined;
  };
  return visit(start, [start], new Set([start]));
}

function hintMistakes(source: YamlSource, tasks: Raw[], solution: string): Mistake[] {
  return tasks.flatMap((task, i) =>
    asList(task['hints']).flatMap((hint, n) => {
      const mistakes: Mistake[] = [];
      const path = ['tasks', i, 'hints', n];
      const { when, say } = asMap(hint);
      const check = asMap(when)['check'];
      if (typeof check === 'string' && check !== task['check'])
        mistakes.push(
          source.mistake(
            [...path, 'when', 'check'],
            asPath([...path, 'when', 'check']),
            `is "${check}", but this task's check is "${String(task['check'])}"; the hint would never be shown.`,
          ),
        );
      const words = typeof hint === 'string' ? hint : typeof say === 'string' ? say : '';
      const line = givesAway(words, solution);
      if (line)
        mistakes.push(
          source.mistake(
            path,
            asPath(path),
            `gives the solution away: it contains \`${line}\`, a whole line of solution.sh.`,
          ),
        );
      return mistakes;
    }),
  );
}

/** Names of the lab's clusters, as far as they can be read. */
function clustersOf(definition: Raw): string[] {
  const { name, others } = asMap(definition['cluster']);
  const named = asList(others).flatMap((other) => {
    const { name: each } = asMap(other);
    return typeof each === 'string' ? [{ name: each }] : [];
  });
  return clusterNames({ name: typeof name === 'string' ? name : undefined, others: named });
}

function clusterMistakes(source: YamlSource, definition: Raw, tasks: Raw[]): Mistake[] {
  const clusters = clustersOf(definition);
  const mistakes: Mistake[] = [];
  const expectKnown = (path: PropertyKey[], name: unknown) => {
    if (typeof name !== 'string' || clusters.includes(name)) return;
    const known = clusters.length > 0 ? ` Its clusters are ${clusters.join(' and ')}.` : ' It has one, without a name.';
    mistakes.push(
      source.mistake(path, asPath(path), `the lab has no cluster "${name}".${didYouMean(name, clusters) || known}`),
    );
  };
  for (const [i, task] of tasks.entries()) expectKnown(['tasks', i, 'cluster'], task['cluster']);
  expectKnown(['traffic', 'cluster'], asMap(definition['traffic'])['cluster']);
  if (clusters.length > 1 && asList(definition['drivers']).includes('kind'))
    mistakes.push(
      source.mistake(['drivers'], 'drivers', 'names kind, which has no second cluster: write `drivers: [embedded]`.'),
    );
  return mistakes;
}

/** Files below a folder, as paths in it. */
async function filesBelow(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)).replaceAll('\\', '/'))
    .sort();
}

async function startMistakes(source: YamlSource, here: string, folder: string, definition: Raw): Promise<Mistake[]> {
  const listed = asList(definition['start']);
  const clusters = clustersOf(definition);
  const present = await filesBelow(join(folder, 'start'));
  const mistakes: Mistake[] = [];
  for (const [i, name] of listed.entries()) {
    if (typeof name !== 'string') continue;
    const path = ['start', i];
    if (!present.includes(name)) {
      mistakes.push(
        source.mistake(path, asPath(path), `there is no file ${here}/start/${name}.${didYouMean(name, present)}`),
      );
    } else if (name.includes('/') && !clusters.includes(name.split('/')[0]!)) {
      const words = `"${name}" lies in a folder that is named for none of the lab's clusters.`;
      mistakes.push(source.mistake(path, asPath(path), `${words}${didYouMean(name.split('/')[0]!, clusters)}`));
    } else if (!/\.(ya?ml|sh)$/.test(name)) {
      mistakes.push(
        source.mistake(path, asPath(path), `"${name}" is neither .yaml, which is applied, nor .sh, which is run.`),
      );
    } else if (!name.endsWith('.sh')) {
      const text = await readFile(join(folder, 'start', name), 'utf8');
      mistakes.push(...syntaxMistakes(`${here}/start/${name}`, text));
    }
  }
  for (const name of present.filter((name) => !listed.includes(name)))
    mistakes.push({
      file: `${here}/start/${name}`,
      line: 1,
      message: 'is not named under `start` in lab.yaml, so nobody applies it.',
    });
  return mistakes;
}

async function wrongMistakes(here: string, folder: string, ids: string[]): Promise<Mistake[]> {
  const names = (await readdir(join(folder, 'wrong')).catch((): string[] => [])).sort();
  const scripts = names.filter((name) => name.endsWith('.sh'));
  const mistakes: Mistake[] = names
    .filter((name) => !name.endsWith('.sh'))
    .map((name) => ({ file: `${here}/wrong/${name}`, line: 1, message: 'is not run: a wrong solution ends in .sh.' }));
  if (scripts.length < 2)
    mistakes.push({
      file: `${here}/wrong`,
      line: 1,
      message: `holds ${scripts.length === 0 ? 'no wrong solution' : 'one wrong solution'}; a lab needs at least two near misses, to prove that it tells them from the right one.`,
    });
  for (const name of scripts) {
    const file = `${here}/wrong/${name}`;
    const lines = (await readFile(join(folder, 'wrong', name), 'utf8')).split('\n');
    const at = lines.findIndex((line) => /^# must-stay-red:/.test(line));
    const id = /^# must-stay-red: *(\S+)/.exec(lines[at] ?? '')?.[1];
    if (!id) mistakes.push({ file, line: Math.max(1, at + 1), message: 'has no line `# must-stay-red: <task>`.' });
    else if (!ids.includes(id))
      mistakes.push({ file, line: at + 1, message: `there is no task "${id}" to stay red.${didYouMean(id, ids)}` });
  }
  return mistakes;
}

async function pipeMistakes(here: string, folder: string): Promise<Mistake[]> {
  const scripts = (await filesBelow(folder)).filter((name) => name.endsWith('.sh'));
  const found = await Promise.all(
    scripts.map(async (name) => {
      const lines = hastyPipes(await readFile(join(folder, name), 'utf8'));
      const message =
        'pipes into `grep -q` under pipefail: what still writes when grep has seen enough is ended, and the pipe says no. Write `| grep … >/dev/null`.';
      return lines.map((line) => ({ file: `${here}/${name}`, line, message }));
    }),
  );
  return found.flat();
}

const asMap = (value: unknown): Raw =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Raw) : {};
const asList = (value: unknown): unknown[] => (Array.isArray(value) ? value : []);

/** Absent where a lab is never on a kind cluster. */
function usesOf({ drivers, uses }: Raw): string[] | undefined {
  if (Array.isArray(drivers) && !drivers.includes('kind')) return undefined;
  return asList(uses).map(String);
}
