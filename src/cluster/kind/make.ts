import { Lifecycle } from '#base/lifecycle.ts';
import type { CreateOptions } from '#cluster/driver.ts';
import { installLinkerd } from '#cluster/linkerd/install.ts';
import { bringUp } from './bring-up.ts';
import { KindCluster } from './cluster.ts';
import type { Engine } from './engine.ts';
import { linkerdCli } from './linkerd-cli.ts';
import { writeNotes } from './node-notes.ts';
import type { NodeLimits } from './profile.ts';
import { flavourOf, type KindSettings } from './settings.ts';
import { step } from './steps.ts';
import { profileOf } from './trial.ts';

const DEFAULT_LIMITS: NodeLimits = { memoryBytes: 3 * 1024 ** 3, cpus: 2, pids: 4096 };

/** A new cluster from nothing. When it fails or is cancelled, what was made is gone before this rejects. */
export async function makeCluster(engine: Engine, settings: KindSettings, o: CreateOptions): Promise<KindCluster> {
  const life = new Lifecycle();
  const connections = new Lifecycle();
  life.add(() => connections.close());
  const now = () => Date.now();
  const signal = AbortSignal.any([o.signal, life.signal]);
  try {
    const profile = settings.profile ?? (await profileOf(engine, settings.nodeImage));
    const node = await bringUp(engine, {
      onStep: o.onStep,
      now,
      signal,
      ownership: { owner: settings.owner, cluster: o.id, now: now(), flavour: flavourOf(o.settings) },
      node: { image: settings.nodeImage, profile, limits: { ...DEFAULT_LIMITS, ...settings.limits } },
      life,
      connections,
    });
    const mesh =
      o.settings.mesh === 'linkerd'
        ? await installLinkerd({
            admin: node.admin,
            settings: o.settings,
            now: now(),
            ...(settings.linkerdCli ? { cli: linkerdCli(engine, node.containerId, settings.linkerdCli) } : {}),
          })
        : undefined;
    const homeFiles = mesh?.homeFiles ?? {};
    await writeNotes(engine, node.containerId, { homeFiles }, signal);
    const ready = mesh
      ? step({ onStep: o.onStep, now, signal }, 'mesh', 'Waiting for the mesh', 50_000, () => mesh.ready(signal))
      : Promise.resolve();
    return new KindCluster({ ...node, homeFiles, ready, life, connections });
  } catch (error) {
    await life.close().catch(() => {});
    throw error;
  }
}
