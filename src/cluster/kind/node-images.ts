import { AcademyError } from '#base/errors.ts';
import type { CreateOptions } from '#cluster/driver.ts';
import { meshImages } from '#cluster/linkerd/images.ts';
import type { Engine } from './engine.ts';

const MOVED_WITHIN_MS = 10 * 60_000;
/** Asked again until the node's containerd answers: the node's system may just be starting it. */
const LIST = 'until ctr --namespace k8s.io images list -q 2>/dev/null; do sleep 0.1; done';
const IMPORT = ['ctr', '--namespace', 'k8s.io', 'images', 'import', '--label', 'io.cri-containerd.pinned=pinned', '-'];

/** Images that pods will run. A node never fetches one: its network has no way out. */
export type WantedImages = NonNullable<CreateOptions['images']>;

/**
 * Puts images of the Engine into a node's containerd, those that the node does not hold already. Resolves with what was
 * moved; rejects with `driver/image-missing` when one that is needed is in neither.
 */
export async function putImages(
  engine: Engine,
  node: string,
  { needed, useful }: WantedImages,
  signal: AbortSignal,
): Promise<string[]> {
  const there = new Set((await engine.run(node, ['sh', '-c', LIST], { signal, timeoutMs: 60_000 })).split('\n'));
  const absent = [...new Set([...needed, ...useful])].filter((reference) => !there.has(fullName(reference)));
  const here = await Promise.all(absent.map((reference) => engine.hasImage(reference)));
  const missing = absent.filter((reference, i) => !here[i] && needed.includes(reference));
  if (missing.length > 0)
    throw new AcademyError(
      'driver/image-missing',
      `Pods of this cluster need ${missing.join(' and ')}, which is neither in the node image nor in the Docker Engine. This fetches it: ${missing.map((reference) => `docker pull ${reference}`).join(' && ')}`,
    );
  const moved = absent.filter((_, i) => here[i]);
  if (moved.length > 0) await move(engine, node, moved, signal);
  return moved;
}

/** One archive for all of them, so that what they share is moved once. */
async function move(engine: Engine, node: string, references: string[], signal: AbortSignal): Promise<void> {
  const docker = engine.docker as unknown as { getImages(o: object): Promise<NodeJS.ReadableStream> };
  const archive = await engine.call('read images', () => docker.getImages({ names: references }), { signal });
  await engine.run(node, IMPORT, { stdin: archive, timeoutMs: MOVED_WITHIN_MS, signal });
}

/** A reference as containerd keeps it: with its registry, and with a tag. */
export function fullName(reference: string): string {
  const [first = '', ...rest] = reference.split('/');
  const hasRegistry = rest.length > 0 && (/[.:]/.test(first) || first === 'localhost');
  const name = hasRegistry ? reference : rest.length > 0 ? `docker.io/${reference}` : `docker.io/library/${reference}`;
  return /[:@][^/]*$/.test(name.slice(name.lastIndexOf('/'))) ? name : `${name}:latest`;
}

/** What a cluster's pods will run, as far as it is known before: the mesh that its settings ask for, and what its lab names. */
export async function wantedImages({ settings, images }: CreateOptions): Promise<WantedImages> {
  const mesh = settings.mesh === 'linkerd' ? await meshImages() : [];
  return { needed: [...mesh, ...(images?.needed ?? [])], useful: images?.useful ?? [] };
}
