import { freemem } from 'node:os';
import { messageOf } from '#base/errors.ts';
import { secretId } from '#base/ids.ts';
import type { ClusterSettings } from '#schema/lab.ts';
import { type Engine, isStatus } from './engine.ts';
import { LABEL } from './labels.ts';
import { makeCluster } from './make.ts';
import { nodeName } from './names.ts';
import { removeCluster } from './remove.ts';
import { flavourOf, type KindSettings } from './settings.ts';

/** Names of clusters that nobody has yet begin so. */
export const POOL_PREFIX = 'pool-';
/** Kept free for the sessions that run; below it the pool is not filled. */
const MEMORY_HEADROOM_BYTES = 3 * 1024 ** 3;
/** Certificates and tokens of a paused cluster age with the world; older ones are replaced. */
const MAX_AGE_MS = 4 * 3_600_000;

export interface PoolOptions {
  engine: Engine;
  settings: KindSettings;
  /** What the prepared clusters are prepared for; a lab with other settings gets a cluster of its own. */
  cluster: ClusterSettings;
  size: number;
  onError(message: string): void;
}

/**
 * Clusters made ahead and kept paused, each initialised by itself: no key is ever copied. Claimed by a rename, which the
 * Engine grants to one caller only.
 */
export class Pool {
  readonly #o: PoolOptions;
  readonly #abort = new AbortController();
  #filling: Promise<void> | undefined;
  #making: string | undefined;

  constructor(options: PoolOptions) {
    this.#o = options;
  }

  /** Names of clusters under way, which no sweep may take away. */
  get making(): string | undefined {
    return this.#making;
  }

  /** Brings the pool to its size, one cluster at a time; a second call joins the first. */
  fill(): Promise<void> {
    this.#filling ??= this.#fill().finally(() => {
      this.#filling = undefined;
    });
    return this.#filling;
  }

  async close(): Promise<void> {
    this.#abort.abort(new DOMException('closed', 'AbortError'));
    await this.#filling?.catch(() => {});
  }

  async #fill(): Promise<void> {
    const { engine, settings, cluster, size, onError } = this.#o;
    while (!this.#abort.signal.aborted) {
      const waiting = await pooled(engine, settings.owner, flavourOf(cluster));
      const old = waiting.filter(({ createdAt }) => Date.now() - createdAt > MAX_AGE_MS);
      for (const { name } of old) await removeCluster(engine, settings.owner, name.slice(nodeName('').length));
      if (waiting.length - old.length >= size || freemem() < MEMORY_HEADROOM_BYTES) return;
      const name = `${POOL_PREFIX}${secretId()
        .toLowerCase()
        .replaceAll(/[^a-z0-9]/g, '0')
        .slice(0, 8)}`;
      this.#making = name;
      try {
        const made = await makeCluster(engine, settings, {
          id: name,
          settings: cluster,
          onStep: () => {},
          signal: this.#abort.signal,
        });
        try {
          await made.ready;
          await made.release();
          await made.pause();
        } catch (error) {
          await made.destroy();
          throw error;
        }
      } catch (error) {
        if (!this.#abort.signal.aborted) onError(messageOf(error));
        return;
      } finally {
        this.#making = undefined;
      }
    }
  }
}

interface PooledNode {
  id: string;
  name: string;
  createdAt: number;
}

async function pooled(engine: Engine, owner: string, flavour: string): Promise<PooledNode[]> {
  const filters = {
    label: [`${LABEL.owner}=${owner}`, `${LABEL.flavour}=${flavour}`, `${LABEL.role}=node`],
    status: ['paused'],
  };
  const containers = await engine.call('list containers', (abortSignal) =>
    engine.docker.listContainers({ all: true, filters, abortSignal }),
  );
  return containers
    .map(({ Id, Names, Created }) => ({ id: Id, name: Names[0]?.slice(1) ?? '', createdAt: Created * 1000 }))
    .filter(({ name }) => name.startsWith(nodeName(POOL_PREFIX)))
    .sort((a, b) => a.createdAt - b.createdAt);
}

/** Takes a prepared cluster under a new name, the oldest first. Undefined when there is none. */
export async function claim(engine: Engine, owner: string, flavour: string, name: string): Promise<string | undefined> {
  for (const node of await pooled(engine, owner, flavour)) {
    if (Date.now() - node.createdAt > MAX_AGE_MS) continue;
    try {
      await engine.rename(node.id, name);
      const info = await engine.inspect(node.id);
      // Two claims of one node: the later rename wins, and the earlier caller sees a name that is not its own.
      if (info.Name === `/${name}`) return node.id;
    } catch (error) {
      if (!isStatus(error, 404, 409)) throw error;
    }
  }
  return undefined;
}
