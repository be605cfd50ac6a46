import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { DriverName } from '#cluster/driver.ts';
import type { KindSettings } from '#cluster/kind/settings.ts';
import type { FoundLesson } from '#content/courses.ts';
import { shownCommands } from '#content/shown-commands.ts';
import type { TaskView } from '#schema/protocol.ts';
import type { LoadedLab } from '#server/sessions/lab-source.ts';
import { LabProcess } from './lab-process.ts';
import { read, readSolved } from './lesson.ts';
import { halfOf, reversed, stepsOf } from './partial.ts';
import type { Pool } from './pool.ts';
import type { Timing } from './timing.ts';
import type { WarmWorkers } from './warm-workers.ts';

export interface Proof {
  lab: string;
  /** `solution`, `solution again`, `halfway`, `backwards`, `lesson`, `lesson, solved`, or the name of a wrong solution. */
  what: string;
  ok: boolean;
  /** One line: what was seen. */
  said: string;
  tookMs: number;
  timing: Timing;
}

export interface ProveOptions {
  entry: URL;
  driver: DriverName;
  kind?: KindSettings;
  /** The lab's folder; wrong solutions are read from it. */
  folder: string;
  /** The lessons that open this lab. */
  lessons: readonly FoundLesson[];
  /** How many sessions run at once; shared by all labs that are proved together. */
  pool: Pool;
  /** Threads that are used again; shared as well. */
  workers?: WarmWorkers;
  /** Only runs whose names are or begin with these. */
  only?: readonly string[];
  onProof?(proof: Proof): void;
}

/** The grader may take this long after the solution ended until the last task turns green; on a busy machine it does. */
const GREEN_WITHIN_MS = 120_000;
/**
 * After a wrong solution ended its task must stay red until the world has come to rest: at least so long, and at most as
 * long where it does not rest.
 */
const STAYS_RED_MS = { least: 3_000, most: 8_000 };
/** Steps in the wrong order may wait for what never comes; they are ended after this. */
const PARTIAL_ENDS_AFTER_S = 30;

/**
 * Proves a lab: untouched it scores 0; its solution turns every task green, and does so again; every wrong solution leaves
 * the task red that its `must-stay-red:` line names; a solution that stops halfway does not pass, nor does one run
 * backwards, unless `solution.sh` says `# any order`. The commands of its lessons are typed, and print what is shown. Each
 * runs in a cluster of its own.
 */
export async function proveLab(lab: LoadedLab, options: ProveOptions): Promise<Proof[]> {
  const wrong = await wrongSolutions(options.folder);
  const steps = await stepsOf(lab.solution.script);
  const solution = (session: LabProcess) => proveSolution(session, lab);
  const runs: { what: string; work: (session: LabProcess) => Promise<string> }[] = [
    { what: 'solution', work: solution },
    { what: 'solution again', work: solution },
  ];
  if (steps.steps.length > 1) {
    runs.push({ what: 'halfway', work: (session) => provePartial(session, halfOf(steps)) });
    if (!/^# any order$/m.test(lab.solution.script))
      runs.push({ what: 'backwards', work: (session) => provePartial(session, reversed(steps)) });
  }
  for (const { name, script, task } of wrong)
    runs.push({ what: name, work: (session) => proveWrong(session, script, task) });
  for (const lesson of options.lessons) {
    const commands = shownCommands(lesson.body);
    const what = options.lessons.length > 1 ? `lesson ${lesson.slug}` : 'lesson';
    if (commands.length > 0) runs.push({ what, work: (session) => read(session, commands) });
    if (commands.some(({ output }) => output?.solved))
      runs.push({
        what: `${what}, solved`,
        work: async (session) => {
          await proveSolution(session, lab);
          return readSolved(session, commands);
        },
      });
  }
  const proofs = await Promise.all(
    runs
      .filter(({ what }) => options.only?.some((name) => isOrBegins(what, name)) ?? true)
      .map(({ what, work }) =>
        options.pool.run(lab.id, async () => {
          const proof = await prove(lab, options, what, work);
          options.onProof?.(proof);
          return proof;
        }),
      ),
  );
  return proofs.filter((proof) => proof !== undefined);
}

async function prove(
  lab: LoadedLab,
  options: ProveOptions,
  what: string,
  work: (session: LabProcess) => Promise<string>,
): Promise<Proof> {
  const began = performance.now();
  const session = new LabProcess(lab, options);
  const seen = async (): Promise<Pick<Proof, 'ok' | 'said'>> => {
    try {
      await session.ready();
      session.ended('start');
      await session.until(
        () => session.tasks.length > 0 && session.tasks.every(looked),
        30_000,
        'every task to be looked at',
      );
      session.ended('untouched');
      const early = session.tasks.filter((task) => task.verdict?.state === 'passed');
      if (early.length > 0) throw new Error(`untouched, ${early.map((task) => task.id).join(', ')} passed already`);
      return { ok: true, said: await work(session) };
    } catch (error) {
      const state = session.tasks
        .map((task) => `${task.id} ${task.verdict?.state}: ${task.verdict?.said}`)
        .join('\n    ');
      return { ok: false, said: `${error instanceof Error ? error.message : String(error)}\n    ${state}` };
    }
  };
  const { ok, said } = await seen();
  session.ended('verdict');
  await session.stop();
  session.ended('end');
  return { lab: lab.id, what, ok, said, tookMs: performance.now() - began, timing: await session.timing() };
}

async function proveSolution(session: LabProcess, lab: LoadedLab): Promise<string> {
  const { code, output } = await session.run(lab.solution.script);
  session.ended('script');
  if (code !== 0) throw new Error(`solution.sh ended with ${code}:\n${output.slice(-2_000)}`);
  submitAnswers(session, lab.solution.script);
  const over = () => session.tasks.every(isPassed) || session.tasks.some(isOver);
  await session.until(over, GREEN_WITHIN_MS, 'every task to turn green');
  if (!session.tasks.every(isPassed)) throw new Error('not every task can turn green any more');
  return `scored 0 untouched; all ${session.tasks.length} tasks green`;
}

async function provePartial(session: LabProcess, script: string): Promise<string> {
  await session.run(`timeout ${PARTIAL_ENDS_AFTER_S} bash <<'END-OF-STEPS'\n${script}\nEND-OF-STEPS\ntrue`);
  session.ended('script');
  submitAnswers(session, script);
  if (await turns(session, () => session.tasks.every(isPassed))) throw new Error('every task turned green');
  const broken = session.tasks.find((task) => task.verdict?.state === 'broken');
  if (broken) throw new Error(`${broken.id} is broken: ${broken.verdict?.said}`);
  const red = session.tasks.filter((task) => !isPassed(task));
  return `${red.map((task) => task.id).join(', ')} stayed red`;
}

async function proveWrong(session: LabProcess, script: string, taskId: string): Promise<string> {
  if (!session.tasks.some((task) => task.id === taskId)) throw new Error(`there is no task "${taskId}" to stay red`);
  const { code, output } = await session.run(script);
  session.ended('script');
  // A wrong solution is a working script that does the wrong thing; one that breaks off proves nothing.
  if (code !== 0) throw new Error(`the script ended with ${code}:\n${output.slice(-2_000)}`);
  submitAnswers(session, script);
  const green = () => isPassed(session.tasks.find((task) => task.id === taskId)!);
  if (await turns(session, green)) throw new Error(`${taskId} turned green`);
  const { verdict } = session.tasks.find((task) => task.id === taskId)!;
  if (verdict?.state === 'broken') throw new Error(`${taskId} is broken: ${verdict.said}`);
  return `${taskId} stayed ${verdict?.state}: ${verdict?.said}`;
}

/** Whether something comes true at any moment until the world has come to rest. */
async function turns(session: LabProcess, green: () => boolean): Promise<boolean> {
  await session.settled(STAYS_RED_MS.least, STAYS_RED_MS.most, green);
  return green();
}

/** A script answers the lab's questions in lines such as `# answer which-signer: issuer 2`, once it has ended. */
function submitAnswers(session: LabProcess, script: string): void {
  for (const [, id, value] of script.matchAll(/^# answer ([a-z0-9-]+): *(.+)$/gm)) session.answer(id!, value!.trim());
}

async function wrongSolutions(folder: string): Promise<{ name: string; script: string; task: string }[]> {
  const names = (await readdir(join(folder, 'wrong')).catch(() => [])).filter((name) => name.endsWith('.sh')).sort();
  return Promise.all(
    names.map(async (name) => {
      const script = await readFile(join(folder, 'wrong', name), 'utf8');
      const task = /^# must-stay-red: *(\S+)/m.exec(script)?.[1];
      if (!task) throw new Error(`wrong/${name} has no line "# must-stay-red: <task>"`);
      return { name, script, task };
    }),
  );
}

const isPassed = (task: TaskView): boolean => task.verdict?.state === 'passed';
/** What has been broken once stays broken. */
const isOver = ({ mode, verdict }: TaskView): boolean =>
  verdict?.state === 'lost' || (mode === 'invariant' && verdict?.state === 'failed');
const looked = (task: TaskView): boolean => task.verdict !== undefined && task.verdict.said !== 'Not looked at yet.';

/** `lesson` is also `lesson, solved`, and `solution` also `solution again`. */
const isOrBegins = (what: string, name: string): boolean =>
  what === name || what.startsWith(`${name} `) || what.startsWith(`${name},`);
