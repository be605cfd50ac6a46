import { type Clock, WallClock } from '#base/clock.ts';
import { AcademyError } from '#base/errors.ts';
import type { Lifecycle } from '#base/lifecycle.ts';
import type { Cluster } from '#cluster/driver.ts';
import type { KubeClient } from '#kube/client/client.ts';
import type { HttpAccess } from '#kube/client/http.ts';
import type { Engine } from './engine.ts';
import { supplyImages } from './image-supply.ts';
import { putImages, type WantedImages } from './node-images.ts';
import { serveClusterApi } from './serve-api.ts';
import type { ToolboxBox } from './toolbox.ts';
import { whenLost } from './watch-node.ts';

export interface KindClusterParts {
  /** The node's container. */
  containerId: string;
  /** Containers of further nodes. */
  workers: string[];
  access: HttpAccess;
  admin: KubeClient;
  homeFiles: Record<string, string>;
  ready: Promise<void>;
  /** Where the learner's terminals run. */
  box?: ToolboxBox;
  engine: Engine;
  /** Undoes everything that was made. */
  life: Lifecycle;
  /** Undoes what only this process holds; part of `life`. */
  connections: Lifecycle;
}

/** A running node as sessions see it. */
export class KindCluster implements Cluster {
  readonly driver = 'kind';
  readonly clock: Clock = new WallClock();
  readonly admin: KubeClient;
  readonly homeFiles: Record<string, string>;
  readonly ready: Promise<void>;
  readonly containerId: string;
  box?: ToolboxBox;
  readonly #parts: KindClusterParts;

  constructor(parts: KindClusterParts) {
    this.#parts = parts;
    this.containerId = parts.containerId;
    this.admin = parts.admin;
    this.homeFiles = parts.homeFiles;
    this.ready = parts.ready;
    if (parts.box) this.box = parts.box;
    parts.ready.catch(() => {});
  }

  #lost: Promise<never> | undefined;
  /** The nodes are watched from the first time on that somebody asks; without one of them the cluster is no longer whole. */
  get lost(): Promise<never> {
    if (!this.#lost) {
      const { engine, workers, connections } = this.#parts;
      this.#lost = Promise.race([this.containerId, ...workers].map((id) => whenLost(engine, id, connections)));
      this.#lost.catch(() => {});
    }
    return this.#lost;
  }

  /** From now on the nodes are given the images that pods ask for, as far as `may` lends them. */
  lendImages(may: (reference: string) => boolean): void {
    const { engine, containerId, workers, admin, connections } = this.#parts;
    supplyImages(engine, [containerId, ...workers], admin, may, connections);
  }

  /** Puts images into every node that were not known when the cluster was made. */
  async putImages(images: WantedImages, signal: AbortSignal): Promise<void> {
    const { engine, containerId, workers } = this.#parts;
    await Promise.all([containerId, ...workers].map((id) => putImages(engine, id, images, signal)));
  }

  async serveApi(socketPath: string, token: string): Promise<void> {
    const server = await serveClusterApi(this.#parts.access, socketPath, token);
    this.#parts.connections.add(() => {
      server.close();
      server.closeAllConnections();
    });
  }

  async advanceClock(): Promise<void> {
    throw new AcademyError('driver/unavailable', 'The clock of a kind cluster is the clock of its host.');
  }

  /** The id of the node's container: all that is needed to find the cluster again. */
  async save(): Promise<Uint8Array> {
    return Buffer.from(this.#parts.containerId);
  }

  /** Takes the machine of the terminals away: it has not what they need. */
  async dropBox(): Promise<void> {
    const { box } = this;
    delete this.box;
    if (box) await this.#parts.engine.remove(box.containerId);
  }

  /** Stops time in it. */
  async pause(): Promise<void> {
    const { engine, containerId, workers } = this.#parts;
    const { box } = this;
    for (const id of [...(box ? [box.containerId] : []), ...workers, containerId]) await engine.pause(id);
  }

  release(): Promise<void> {
    return this.#parts.connections.close();
  }

  destroy(): Promise<void> {
    return this.#parts.life.close();
  }
}
