import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { AcademyError } from '#base/errors.ts';
import { secretId } from '#base/ids.ts';
import type { DriverName } from '#cluster/driver.ts';
import type { KindSettings } from '#cluster/kind/settings.ts';
import type { Settings } from './settings.ts';

/** Which drivers this academy can use, the one it uses where a lab leaves the choice, and why. */
export interface Drivers {
  chosen: DriverName;
  why: string;
  available: DriverName[];
  /** Present when kind is available. */
  kind?: KindSettings;
}

/**
 * Looks once, at start: kind where a Docker Engine answers and everything is there that a node needs, embedded otherwise.
 * Rejects with `driver/unavailable` when kind is demanded and can't be had.
 */
export async function findDrivers(settings: Settings): Promise<Drivers> {
  if (settings.driver === 'embedded')
    return { chosen: 'embedded', why: 'as ACADEMY_DRIVER says', available: ['embedded'] };
  const kind = kindSettings(settings);
  const [{ createKindDriver }, { Engine }, { profileOf }, { localName }] = await Promise.all([
    import('#cluster/kind/driver.ts'),
    import('#cluster/kind/engine.ts'),
    import('#cluster/kind/trial.ts'),
    import('#cluster/kind/references.ts'),
  ]);
  const engine = new Engine();
  const { ok, reasons } = await createKindDriver(kind, engine).preflight();
  if (ok) {
    const why =
      settings.driver === 'kind' ? 'as ACADEMY_DRIVER says' : 'a Docker Engine answers and has all that a node needs';
    // Tried once here, and not again by each session's worker.
    const profile = await profileOf(engine, (await localName(engine, kind.nodeImage)) ?? kind.nodeImage);
    return { chosen: 'kind', why, available: ['kind', 'embedded'], kind: { ...kind, profile } };
  }
  const reason = reasons[0] ?? 'the preflight failed';
  if (settings.driver === 'kind')
    throw new AcademyError('driver/unavailable', `ACADEMY_DRIVER asks for kind, which can't run here. ${reason}`);
  return {
    chosen: 'embedded',
    why: `no Docker needed; kind is not available here: ${reason.replace(/\.$/, '')}`,
    available: ['embedded'],
  };
}

export function kindSettings(settings: Settings): KindSettings {
  return {
    nodeImage: settings.nodeImage,
    toolboxImage: settings.toolboxImage,
    lentImages: settings.lentImages,
    mirrors: settings.mirrors,
    owner: ownerOf(settings.dataDir),
    ...(settings.linkerdCli ? { linkerdCli: settings.linkerdCli } : {}),
  };
}

/** Names the clusters of one learner and lab: the same each time, and no secret. */
export const clusterName = (learner: string, lab: string): string =>
  createHash('sha256').update(`${learner}\n${lab}`).digest('hex').slice(0, 12);

/** Says whose containers are whose when several academies share an Engine. Made once, kept with the data. */
function ownerOf(dataDir: string): string {
  const file = join(dataDir, 'owner');
  if (existsSync(file)) return readFileSync(file, 'utf8').trim();
  const owner = secretId()
    .toLowerCase()
    .replaceAll(/[^a-z0-9]/g, '0')
    .slice(0, 16);
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  writeFileSync(file, `${owner}\n`);
  return owner;
}
