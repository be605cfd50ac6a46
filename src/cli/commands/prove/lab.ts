import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { WallClock } from '#base/clock.ts';
import { AcademyError, messageOf } from '#base/errors.ts';
import type { DriverName } from '#cluster/driver.ts';
import { findCourses } from '#content/courses.ts';
import type { Lab } from '#schema/lab.ts';
import { kindSettings } from '#server/drivers.ts';
import { LabSource, type LoadedLab } from '#server/sessions/lab-source.ts';
import { settingsWith } from '#server/settings.ts';
import { ensureBuilt } from '../../build/build.ts';
import { Places } from '../../prove/places.ts';
import { Pool } from '../../prove/pool.ts';
import { type Proof, proveLab } from '../../prove/prove.ts';
import { asMarkdown, asText, type Report, timingRows } from '../../prove/report.ts';
import { sumOf } from '../../prove/timing.ts';
import { WarmWorkers } from '../../prove/warm-workers.ts';
import { ROOT } from '../../root.ts';

/** What a shell says of a command that Ctrl-C ended. */
const INTERRUPTED = 130;

/**
 * `academy prove <lab>… | --all [--only RUN] [--timings] [--json] [--summary FILE]`: exit code 0 when everything held.
 * With `--json` standard output is one document, and the lines about each run go to standard error.
 */
export async function run(args: string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      all: { type: 'boolean' },
      driver: { type: 'string', default: 'embedded' },
      parallel: { type: 'string' },
      'node-image': { type: 'string' },
      'linkerd-cli': { type: 'string' },
      only: { type: 'string', multiple: true },
      timings: { type: 'boolean' },
      json: { type: 'boolean' },
      summary: { type: 'string' },
    },
  });
  const { driver } = values;
  if (driver !== 'embedded' && driver !== 'kind')
    throw new AcademyError('request/invalid', 'The driver is embedded or kind.');
  const say = values.json ? (line: string) => console.error(line) : (line: string) => console.log(line);
  const kind = driver === 'kind' ? kindSettings(settingsWith(values)) : undefined;
  const source = new LabSource(join(ROOT, 'labs'));
  const ids = values.all ? await source.ids() : positionals;
  if (ids.length === 0) throw new AcademyError('request/invalid', 'Name a lab, or --all.');
  const { labs, skipped } = await labsFor(driver, source, ids, values.all ?? false);
  for (const why of skipped) say(`– ${why}`);
  const lessons = (await findCourses(join(ROOT, 'lessons'))).flatMap((course) => course.lessons);
  const { workerEntry } = await ensureBuilt(say, ['worker']);
  const clock = new WallClock();
  const began = performance.now();
  const cpuBefore = process.cpuUsage();
  const fixed = placesFrom(values.parallel, driver);
  const places = fixed ? undefined : new Places(clock);
  const pool = new Pool(places ?? { size: fixed! });
  const workers = new WarmWorkers(workerEntry, clock);
  let interrupted = false;
  process.once('SIGINT', () => {
    interrupted = true;
    say('What runs is finished first; a second Ctrl-C ends it at once.');
    pool.drain();
    process.once('SIGINT', () => void workers.abandon().finally(() => process.exit(INTERRUPTED)));
  });
  const width = Math.max(...ids.map((id) => id.length));
  const proofs = await Promise.all(
    labs.map(async ({ id, lab }) => {
      const onProof = (proof: Proof) => say(lineOf(proof, width));
      if (typeof lab === 'string') {
        const proof = { lab: id, what: 'lab.yaml', ok: false, said: lab, tookMs: 0, timing: sumOf([]) };
        onProof(proof);
        return [proof];
      }
      return proveLab(lab, {
        entry: workerEntry,
        driver,
        ...(kind ? { kind } : {}),
        ...(values.only ? { only: values.only } : {}),
        folder: join(ROOT, 'labs', id),
        lessons: lessons.filter((lesson) => lesson.lab === id),
        pool,
        workers,
        onProof,
      });
    }),
  ).then((done) => done.flat());
  places?.close();
  await workers.close();
  const { user, system } = process.cpuUsage(cpuBefore);
  const report: Report = {
    at: new Date().toISOString(),
    driver,
    tookMs: performance.now() - began,
    cpuMs: (user + system) / 1_000,
    proofs,
    skipped,
  };
  if (values.timings) say(`\n${asText(timingRows(proofs))}\n`);
  if (values.json) console.log(JSON.stringify(report, null, 2));
  if (values.summary) {
    const path = resolve(values.summary);
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, asMarkdown(report));
  }
  const failed = proofs.filter((proof) => !proof.ok).length;
  const minutes = (report.tookMs / 60_000).toFixed(1);
  const cpu = (report.cpuMs / 1_000).toFixed(0);
  const over = skipped.length > 0 ? `, ${skipped.length} labs passed over` : '';
  say(`${proofs.length - failed} held, ${failed} did not${over}, in ${minutes} min (${cpu} s of processor time)`);
  if (interrupted) return INTERRUPTED;
  return failed === 0 && proofs.length > 0 ? 0 : 1;
}

/** How many sessions at once, where that is said or plain: clusters in containers take turns. */
function placesFrom(asked: string | undefined, driver: 'embedded' | 'kind'): number | undefined {
  if (asked === undefined) return driver === 'kind' ? 1 : undefined;
  const places = Number(asked);
  if (!Number.isInteger(places) || places < 1)
    throw new AcademyError('request/invalid', '--parallel is how many sessions run at once: 1 or more.');
  return places;
}

/** The labs of these names, or what is wrong with one, and those that are not for this driver. */
async function labsFor(driver: DriverName, source: LabSource, ids: readonly string[], isAll: boolean) {
  const skipped: string[] = [];
  const labs: { id: string; lab: LoadedLab | string }[] = [];
  for (const id of ids) {
    const lab = await source.load(id).catch((error: unknown) => {
      // One that is being written must not keep the others from being proved; who named it wants to know at once.
      if (!isAll) throw error;
      return messageOf(error);
    });
    if (typeof lab === 'string' || canRunOn(lab.definition, driver)) {
      labs.push({ id, lab });
      continue;
    }
    const why = `${id} is not for ${driver} clusters: its lab.yaml names ${[lab.definition.drivers].flat().join(', ')} alone`;
    if (!isAll) throw new AcademyError('request/invalid', `${why}.`);
    skipped.push(why);
  }
  return { labs, skipped };
}

const canRunOn = ({ drivers }: Lab, driver: DriverName): boolean => drivers === 'any' || drivers.includes(driver);

function lineOf({ lab, ok, what, tookMs, said }: Proof, width: number): string {
  return `${ok ? '✓' : '✕'} ${lab.padEnd(width)}  ${what.padEnd(28)} ${(tookMs / 1000).toFixed(1).padStart(5)} s  ${said}`;
}
