import { AcademyError } from '#base/errors.ts';
import type { ClusterDriver, CreateOptions } from '#cluster/driver.ts';
import { adoptCluster } from './adopt.ts';
import type { KindCluster } from './cluster.ts';
import { Engine } from './engine.ts';
import { makeCluster } from './make.ts';
import { nodeName } from './names.ts';
import { claim } from './pool.ts';
import { preflight } from './preflight.ts';
import { lends } from './references.ts';
import { removeCluster } from './remove.ts';
import { flavourOf, type KindSettings } from './settings.ts';
import { step } from './steps.ts';
import { toolboxImage } from './toolbox-image.ts';

/** Disposable clusters of real Kubernetes: one container of a node image each, made through the Docker Engine API. */
export function createKindDriver(settings: KindSettings, engine: Engine = new Engine()): ClusterDriver {
  return {
    name: 'kind',
    async preflight() {
      const checks = await preflight(engine, settings.nodeImage);
      const bad = checks.filter((check) => check.state === 'failed');
      return {
        ok: bad.length === 0,
        reasons: bad.map((check) => `${check.what}: ${check.said}`),
      };
    },
    async create(o) {
      if (o.settings.others.length > 0)
        throw new AcademyError('driver/unavailable', 'kind has no second cluster; the embedded driver has.');
      const cluster = await made(o);
      cluster.lendImages(lends(settings.lentImages, [...(o.images?.needed ?? []), ...(o.images?.useful ?? [])]));
      return cluster;
    },
  };

  async function made(o: CreateOptions): Promise<KindCluster> {
    if (o.restore) return adoptCluster(engine, Buffer.from(o.restore).toString('utf8'), o.signal);
    await removeCluster(engine, settings.owner, o.id);
    const taken = await claim(engine, settings.owner, flavourOf(o.settings), nodeName(o.id));
    if (!taken) return makeCluster(engine, settings, o);
    const steps = { onStep: o.onStep, now: () => Date.now(), signal: o.signal };
    return step(steps, 'pool', 'Taking a prepared cluster', 1_000, async () => {
      const cluster = await adoptCluster(engine, taken, o.signal);
      if (cluster.box && !(await toolboxImage(engine, settings, o.tools ?? [], steps))) await cluster.dropBox();
      try {
        if (o.images) await cluster.putImages(o.images, o.signal);
        return cluster;
      } catch (error) {
        await cluster.destroy();
        throw error;
      }
    });
  }
}
