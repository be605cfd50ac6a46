import { AcademyError } from '#base/errors.ts';
import { Lifecycle } from '#base/lifecycle.ts';
import type { CreateOptions } from '#cluster/driver.ts';
import { homeFilesOf, trustAnchor } from '#cluster/linkerd/authority.ts';
import { installLinkerd } from '#cluster/linkerd/install.ts';
import { meshReady } from '#cluster/linkerd/mesh-ready.ts';
import { bringUp } from './bring-up.ts';
import { KindCluster } from './cluster.ts';
import type { Engine } from './engine.ts';
import { linkerdCli } from './linkerd-cli.ts';
import { wantedImages } from './node-images.ts';
import { writeNotes } from './node-notes.ts';
import type { NodeLimits, Profile } from './profile.ts';
import { localName } from './references.ts';
import { flavourOf, type KindSettings } from './settings.ts';
import { atMost, step } from './steps.ts';
import { startToolbox, ToolboxBox } from './toolbox.ts';
import { toolboxImage } from './toolbox-image.ts';
import { profileOf } from './trial.ts';

const MESH_WITHIN_MS = 10 * 60_000;
const DEFAULT_LIMITS: NodeLimits = { memoryBytes: 3 * 1024 ** 3, cpus: 2, pids: 4096 };

/** A new cluster from nothing. When it fails or is cancelled, what was made is gone before this rejects. */
export async function makeCluster(engine: Engine, settings: KindSettings, o: CreateOptions): Promise<KindCluster> {
  const life = new Lifecycle();
  const connections = new Lifecycle();
  life.add(() => connections.close());
  const now = () => Date.now();
  const signal = AbortSignal.any([o.signal, life.signal]);
  try {
    const ownership = { owner: settings.owner, cluster: o.id, now: now(), flavour: flavourOf(o.settings) };
    const steps = { onStep: o.onStep, now, signal };
    const { nodeImage, profile } = await step(steps, 'image', 'Looking for the node image', 200, () =>
      usable(engine, settings),
    );
    const image = await toolboxImage(engine, settings, o.tools ?? [], steps);
    let toolbox: string | undefined;
    const node = await bringUp(engine, {
      ...steps,
      ownership,
      node: { image: nodeImage, profile, limits: { ...DEFAULT_LIMITS, ...settings.limits } },
      workers: o.settings.workers,
      images: await wantedImages(o),
      life,
      connections,
      async beside(network) {
        if (!image) return;
        toolbox = await step(steps, 'toolbox', 'Preparing the terminal', 800, () =>
          startToolbox(engine, { image, ownership, network, life, signal }),
        );
      },
    });
    const hasMesh = o.settings.mesh === 'linkerd';
    const anchor = hasMesh ? await trustAnchor(now()) : undefined;
    if (anchor)
      await step(steps, 'linkerd', 'Installing Linkerd', 6_000, () =>
        installLinkerd({
          admin: node.admin,
          settings: o.settings,
          anchor,
          now: now(),
          ...(settings.linkerdCli ? { cli: linkerdCli(engine, node.containerId, settings.linkerdCli, signal) } : {}),
        }),
      );
    const homeFiles = anchor ? homeFilesOf(anchor) : {};
    await writeNotes(engine, node.containerId, { homeFiles }, signal);
    const ready = hasMesh
      ? step(steps, 'mesh', 'Waiting for the mesh', 15_000, () =>
          atMost(MESH_WITHIN_MS, 'The mesh did not become ready', signal, (either) => meshReady(node.admin, either)),
        )
      : Promise.resolve();
    const box = toolbox ? new ToolboxBox(engine, toolbox, node.kubeconfig, node.address) : undefined;
    return new KindCluster({ ...node, homeFiles, ready, life, connections, engine, ...(box ? { box } : {}) });
  } catch (error) {
    await life.close().catch(() => {});
    throw error;
  }
}

/** The node image as it is called here, and how nodes of it can run. Rejects with `driver/image-missing` and the line that mends it. */
async function usable(engine: Engine, settings: KindSettings): Promise<{ nodeImage: string; profile: Profile }> {
  const nodeImage = await localName(engine, settings.nodeImage);
  if (!nodeImage)
    throw new AcademyError(
      'driver/image-missing',
      `The node image ${settings.nodeImage} is not in the Docker Engine. \`docker pull ${settings.nodeImage}\` fetches it.`,
    );
  return { nodeImage, profile: settings.profile ?? (await profileOf(engine, nodeImage)) };
}
