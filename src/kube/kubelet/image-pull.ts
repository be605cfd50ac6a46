import type { Container } from './container.ts';
import { isReference, type ResolvedImage } from './image-store.ts';
import type { PodWorld } from './world.ts';

const FIRST_BACKOFF_MS = 10_000;
const LONGEST_BACKOFF_MS = 300_000;
/** How long a failed pull is shown as such before it is called a back-off. */
const PULL_SHOWN_MS = 2_000;

type Tell = (type: 'Normal' | 'Warning', reason: string, message: string) => void;

/**
 * The container's image, after as many tries as it takes; undefined when the pod ends first. Source:
 * pkg/kubelet/images/image_manager.go.
 */
export async function pulledImage(
  container: Container,
  world: PodWorld,
  tell: Tell,
): Promise<ResolvedImage | undefined> {
  const { node, signal } = world;
  const name: string = container.spec.image ?? '';
  const quoted = JSON.stringify(name);
  for (let backoff = FIRST_BACKOFF_MS; ; backoff = Math.min(LONGEST_BACKOFF_MS, backoff * 2)) {
    const image = isReference(name) ? node.images.resolve(name) : undefined;
    if (image) {
      if (container.spec.imagePullPolicy === 'Always') {
        tell('Normal', 'Pulling', `Pulling image ${quoted}`);
        tell(
          'Normal',
          'Pulled',
          `Successfully pulled image ${quoted} in 1ms (1ms including waiting). Image size: 0 bytes.`,
        );
      } else
        tell('Normal', 'Pulled', `Container image ${quoted} already present on machine and can be accessed by the pod`);
      return image;
    }
    await failedPull(container, world, tell, backoff);
    if (signal.aborted) return undefined;
  }
}

async function failedPull(container: Container, world: PodWorld, tell: Tell, backoffMs: number): Promise<void> {
  const { node, signal } = world;
  const name: string = container.spec.image ?? '';
  const quoted = JSON.stringify(name);
  const pause = (ms: number) => node.clock.sleep(ms, signal).catch(() => {});
  const wait = (reason: string, message: string) => {
    container.terminated = undefined;
    container.waiting = { reason, message };
    world.changed();
  };
  if (!isReference(name)) {
    const message = `Failed to apply default image tag ${quoted}: couldn't parse image name ${quoted}: invalid reference format`;
    wait('InvalidImageName', message);
    tell('Warning', 'InspectFailed', message);
    tell('Warning', 'Failed', 'Error: InvalidImageName');
    return pause(backoffMs);
  }
  if (container.spec.imagePullPolicy === 'Never') {
    const message = `Container image ${quoted} is not present with pull policy of Never`;
    wait('ErrImageNeverPull', message);
    tell('Warning', 'ErrImageNeverPull', message);
    tell('Warning', 'Failed', 'Error: ErrImageNeverPull');
    return pause(backoffMs);
  }
  const why = `failed to resolve image: ${quoted} is not among the sample workloads that this cluster runs in place of images; \`academy list images\` names them`;
  tell('Normal', 'Pulling', `Pulling image ${quoted}`);
  tell('Warning', 'Failed', `Failed to pull image ${quoted}: ${why}`);
  tell('Warning', 'Failed', 'Error: ErrImagePull');
  wait('ErrImagePull', why);
  await pause(PULL_SHOWN_MS);
  if (signal.aborted) return;
  tell('Normal', 'BackOff', `Back-off pulling image ${quoted}`);
  tell('Warning', 'Failed', 'Error: ImagePullBackOff');
  wait('ImagePullBackOff', `Back-off pulling image ${quoted}: ErrImagePull: ${why}`);
  await pause(backoffMs - PULL_SHOWN_MS);
}
