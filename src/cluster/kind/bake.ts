import { Lifecycle } from '#base/lifecycle.ts';
import type { Engine } from './engine.ts';
import { hostConfig } from './profile.ts';
import { profileOf } from './trial.ts';

export interface BakeOptions {
  nodeImage: string;
  /** References of images in the Engine that the node image is to hold. */
  images: string[];
  /** The reference of what comes out, e.g. `academy/node:v1.35.4-classroom`. */
  tag: string;
  onLine(line: string): void;
  signal?: AbortSignal;
}

const LIMITS = { memoryBytes: 2 * 1024 ** 3, cpus: 2, pids: 1024 };
const IMPORTED_WITHIN_MS = 30 * 60_000;
const NAME = 'academy-bake';

/**
 * Makes a node image that holds the labs' images, so that no node has to fetch or unpack them from outside. The images go
 * straight from the Engine into the containerd of a container of the node image, which is then kept as an image. They are not
 * unpacked there: a file system of layers on top of another is refused by many kernels. The first pod does it in its node.
 */
export async function bakeNode(engine: Engine, o: BakeOptions): Promise<void> {
  const life = new Lifecycle();
  const signal = o.signal ?? life.signal;
  const profile = await profileOf(engine, o.nodeImage);
  const base = await engine.call('look at the node image', () => engine.docker.getImage(o.nodeImage).inspect());
  // Without a volume: what lies in one is not part of an image.
  const { Tmpfs: _none, ...host } = hostConfig(profile, 'none', LIMITS);
  // One at a time, and no labels: containers of the image that comes out would inherit them.
  await engine.remove(NAME);
  life.add(() => engine.remove(NAME));
  try {
    const id = await engine.createContainer(
      {
        name: NAME,
        Image: o.nodeImage,
        Entrypoint: ['sleep', 'infinity'],
        HostConfig: { ...host, ExtraHosts: [] },
      },
      signal,
    );
    await engine.start(id, signal);
    await engine.run(id, ['sh', '-c', START], { signal });
    for (const image of o.images) {
      o.onLine(`${image}`);
      await importImage(engine, id, image, signal);
    }
    await engine.run(id, ['sh', '-c', STOP], { signal });
    const [repo = '', tag = 'latest'] = splitTag(o.tag);
    await engine.call(
      `keep the image ${o.tag}`,
      () =>
        engine.docker.getContainer(id).commit({
          repo,
          tag,
          comment: 'with images preloaded',
          // The container's own command was only for this.
          changes: [
            `ENTRYPOINT ${JSON.stringify(base.Config.Entrypoint ?? [])}`,
            `CMD ${JSON.stringify(base.Config.Cmd ?? [])}`,
          ],
        }),
      { timeoutMs: IMPORTED_WITHIN_MS, signal },
    );
  } finally {
    await life.close();
  }
}

const START = `(setsid containerd >/tmp/containerd.log 2>&1 </dev/null &)
for i in $(seq 100); do ctr version >/dev/null 2>&1 && exit 0; sleep 0.1; done; tail -3 /tmp/containerd.log; exit 1`;
const STOP = `kill $(cat /proc/[0-9]*/stat | awk '$2 == "(containerd)" { print $1 }')
for i in $(seq 100); do ctr version >/dev/null 2>&1 || break; sleep 0.1; done; rm -f /tmp/containerd.log; sync`;
const IMPORT = 'exec ctr --namespace k8s.io images import --no-unpack --label io.cri-containerd.pinned=pinned - >&2';

/** Streams one image from the Engine's store into containerd's. */
async function importImage(engine: Engine, id: string, image: string, signal: AbortSignal): Promise<void> {
  const archive = await engine.call(`read the image ${image}`, () => engine.docker.getImage(image).get(), { signal });
  await engine.run(id, ['sh', '-c', IMPORT], {
    stdin: archive,
    timeoutMs: IMPORTED_WITHIN_MS,
    signal,
  });
}

/** `host:5000/name:tag` into its name and its tag. */
function splitTag(reference: string): [string, string?] {
  const colon = reference.lastIndexOf(':');
  return colon > reference.lastIndexOf('/') ? [reference.slice(0, colon), reference.slice(colon + 1)] : [reference];
}
