import { StatusError } from '#kube/api/status.ts';
import { ConfigError } from './environment.ts';
import type { MountedVolume } from './files.ts';
import { ComputedVolume, makeVolume } from './volumes.ts';
import type { PodWorld } from './world.ts';

const RETRY_MS = 500;
const LONGEST_RETRY_MS = 122_000;

/** The volumes of one pod: mounted before anything runs, and kept up to date. */
export class PodMounts {
  readonly volumes = new Map<string, MountedVolume>();
  readonly #world: PodWorld;
  #retry: (() => void) | undefined;

  constructor(world: PodWorld) {
    this.#world = world;
  }

  /** Makes every volume, however often that must be tried. Resolves false when the pod ends first. */
  async fill(): Promise<boolean> {
    const { pod, signal, events } = this.#world;
    for (const volume of pod.spec.volumes ?? []) {
      for (let pause = RETRY_MS; !signal.aborted; pause = Math.min(LONGEST_RETRY_MS, pause * 2)) {
        try {
          this.volumes.set(volume.name, await this.#make(volume));
          break;
        } catch (error) {
          if (signal.aborted) return false;
          if (!(error instanceof ConfigError) && !(error instanceof StatusError)) throw error;
          this.#world.changed();
          const what = `MountVolume.SetUp failed for volume ${JSON.stringify(volume.name)} : ${error.message}`;
          events.tell(this.#world.pod, 'Warning', 'FailedMount', what);
          await this.#pause(pause);
        }
      }
    }
    return !signal.aborted;
  }

  /** A ConfigMap or Secret changed: `configMap/name` or `secret/name`. */
  sourceChanged(source: string): void {
    for (const volume of this.#computed()) if (volume.sources.has(source)) volume.changed();
    this.#retry?.();
  }

  /** The pod's own labels or annotations changed. */
  podChanged(): void {
    for (const volume of this.#computed()) if (volume.isDownward) volume.changed();
  }

  close(): void {
    for (const volume of this.#computed()) volume.close();
  }

  #make(volume: Parameters<typeof makeVolume>[0]): Promise<MountedVolume> {
    const world = this.#world;
    const { node } = world;
    const namespace = world.pod.metadata.namespace!;
    return makeVolume(volume, {
      pod: () => world.pod,
      podIp: world.ip,
      hostIp: node.node.ip,
      client: node.client,
      clock: node.clock,
      sync: node.sync,
      kept: (path) => node.kept(path),
      knows: (path) => node.knows(path),
      configMap: (name) => node.configMap(namespace, name),
      secret: (name) => node.secret(namespace, name),
    });
  }

  /** Waits for the next try, or for something that the volumes are made from. */
  async #pause(ms: number): Promise<void> {
    const { node, signal } = this.#world;
    const early = new AbortController();
    this.#retry = () => early.abort();
    await node.clock.sleep(ms, AbortSignal.any([signal, early.signal])).catch(() => {});
    this.#retry = undefined;
  }

  #computed(): ComputedVolume[] {
    return [...this.volumes.values()].filter((volume) => volume instanceof ComputedVolume);
  }
}
