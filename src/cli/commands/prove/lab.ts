import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { AcademyError } from '#base/errors.ts';
import { kindSettings } from '#server/drivers.ts';
import { LabSource } from '#server/sessions/lab-source.ts';
import { readSettings } from '#server/settings.ts';
import { ensureBuilt } from '../../build/build.ts';
import { Pool, SESSIONS_AT_ONCE } from '../../prove/pool.ts';
import { type Proof, proveLab } from '../../prove/prove.ts';
import { ROOT } from '../../root.ts';

/** `academy prove <lab>… | --all`: exit code 0 when everything held. */
export async function run(args: string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      all: { type: 'boolean' },
      driver: { type: 'string', default: 'embedded' },
      parallel: { type: 'string' },
    },
  });
  const { driver } = values;
  if (driver !== 'embedded' && driver !== 'kind')
    throw new AcademyError('request/invalid', 'The driver is embedded or kind.');
  const kind = driver === 'kind' ? kindSettings(readSettings()) : undefined;
  const source = new LabSource(join(ROOT, 'labs'));
  const ids = values.all ? await source.ids() : positionals;
  if (ids.length === 0) throw new AcademyError('request/invalid', 'Name a lab, or --all.');
  const { workerEntry } = await ensureBuilt((line) => console.log(line), ['worker']);
  const began = performance.now();
  const pool = new Pool(Number(values.parallel ?? (driver === 'kind' ? 1 : SESSIONS_AT_ONCE)));
  const width = Math.max(...ids.map((id) => id.length));
  const proofs = await Promise.all(
    ids.map(async (id) =>
      proveLab(await source.load(id), {
        entry: workerEntry,
        driver,
        ...(kind ? { kind } : {}),
        folder: join(ROOT, 'labs', id),
        pool,
        onProof: (proof) => console.log(lineOf(proof, width)),
      }),
    ),
  ).then((done) => done.flat());
  const failed = proofs.filter((proof) => !proof.ok);
  const minutes = ((performance.now() - began) / 60_000).toFixed(1);
  console.log(`${proofs.length - failed.length} held, ${failed.length} did not, in ${minutes} min`);
  return failed.length === 0 ? 0 : 1;
}

function lineOf({ lab, ok, what, tookMs, said }: Proof, width: number): string {
  return `${ok ? '✓' : '✕'} ${lab.padEnd(width)}  ${what.padEnd(28)} ${(tookMs / 1000).toFixed(1).padStart(5)} s  ${said}`;
}
