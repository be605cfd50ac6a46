import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { AcademyError } from '#base/errors.ts';
import { kindSettings } from '#server/drivers.ts';
import { LabSource } from '#server/sessions/lab-source.ts';
import { readSettings } from '#server/settings.ts';
import { ensureBuilt } from '../../build/build.ts';
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
      parallel: { type: 'string', default: '3' },
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
  const proofs: Proof[] = [];
  for (const id of ids) {
    const lab = await source.load(id);
    console.log(`${id}: ${lab.definition.title}`);
    const done = await proveLab(lab, {
      entry: workerEntry,
      driver,
      ...(kind ? { kind } : {}),
      folder: join(ROOT, 'labs', id),
      parallel: Number(values.parallel),
      onProof: (proof) =>
        console.log(
          `  ${proof.ok ? '✓' : '✕'} ${proof.what.padEnd(28)} ${(proof.tookMs / 1000).toFixed(1)} s  ${proof.said}`,
        ),
    });
    proofs.push(...done);
  }
  const failed = proofs.filter((proof) => !proof.ok);
  console.log(`${proofs.length - failed.length} held, ${failed.length} did not`);
  return failed.length === 0 ? 0 : 1;
}
