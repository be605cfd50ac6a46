import { deserialize, serialize } from 'node:v8';
import { MovableClock } from '#base/clock.ts';
import { AcademyError } from '#base/errors.ts';
import type { Cluster, CreateOptions } from '#cluster/driver.ts';
import { trustAnchor } from '#cluster/linkerd/authority.ts';
import { clusterNames } from '#schema/cluster-names.ts';
import type { ClusterSettings } from '#schema/lab.ts';
import { joinedPlan } from './addresses.ts';
import { EmbeddedCluster } from './cluster.ts';
import { unpackSaved } from './snapshot.ts';

const FORMAT = 1;

/** Several clusters in one process, on one clock, whose networks are joined; seen from outside it is the main one. */
export class JoinedClusters implements Cluster {
  readonly driver = 'embedded';
  readonly clock: MovableClock;
  readonly admin: Cluster['admin'];
  readonly inner: EmbeddedCluster['inner'];
  readonly homeFiles: Record<string, string>;
  readonly ready: Promise<void>;
  readonly others: ReadonlyMap<string, EmbeddedCluster>;
  readonly #main: EmbeddedCluster;

  private constructor(clock: MovableClock, main: EmbeddedCluster, others: Map<string, EmbeddedCluster>) {
    this.clock = clock;
    this.#main = main;
    this.others = others;
    this.admin = main.admin;
    this.inner = main.inner;
    this.homeFiles = homeFilesOf(main, others);
    this.ready = Promise.all([main, ...others.values()].map((cluster) => cluster.ready)).then(() => {});
    this.ready.catch(() => {});
  }

  /** Resolves when the APIs answer and the nodes are there. */
  static async create(options: CreateOptions, wall: () => number): Promise<JoinedClusters> {
    const { settings, restore } = options;
    const names = clusterNames(settings);
    const saved = restore && unpack(restore, names);
    const aheadMs = saved ? (await unpackSaved(saved.get(names[0]!)!)).aheadMs : 0;
    const clock = new MovableClock({ wall, startAtMs: wall() + aheadMs });
    const made: EmbeddedCluster[] = [];
    try {
      const each = names.map((_, index) => settingsOf(settings, index));
      const sharesAnchor = each.some(({ mesh, anchor }) => mesh === 'linkerd' && anchor === 'shared');
      const shared = sharesAnchor && !saved ? await trustAnchor(clock.now()) : undefined;
      for (const [index, name] of names.entries()) {
        const { anchor, ...own } = each[index]!;
        const { restore: _, ...rest } = options;
        const kept = saved?.get(name);
        const cluster = await EmbeddedCluster.create(
          { ...rest, settings: own, ...(kept ? { restore: kept } : {}) },
          wall,
          {
            name,
            addresses: joinedPlan(name, index),
            clock,
            anchor: own.mesh === 'linkerd' && anchor === 'shared' ? shared : undefined,
          },
        );
        for (const other of made) cluster.join(other, settings.others[index - 1]!.network);
        made.push(cluster);
      }
    } catch (error) {
      await Promise.all(made.map((cluster) => cluster.destroy()));
      clock.stop();
      throw error;
    }
    const [main, ...others] = made;
    return new JoinedClusters(clock, main!, new Map(others.map((cluster, index) => [names[index + 1]!, cluster])));
  }

  serveApi(socketPath: string, token: string): Promise<void> {
    return this.#main.serveApi(socketPath, token);
  }

  advanceClock(ms: number): Promise<void> {
    return this.clock.advance(ms);
  }

  async save(): Promise<Uint8Array> {
    const clusters = [this.#main, ...this.others.values()];
    return serialize({ format: FORMAT, clusters: await Promise.all(clusters.map((cluster) => cluster.save())) });
  }

  async destroy(): Promise<void> {
    await Promise.all([this.#main, ...this.others.values()].map((cluster) => cluster.destroy()));
    this.clock.stop();
  }
}

/** The settings of one of the clusters, as if it were alone; the main one is number 0. */
function settingsOf(settings: ClusterSettings, index: number): ClusterSettings & { anchor: 'shared' | 'own' } {
  const alone = { ...settings, others: [] };
  if (index === 0) return { ...alone, anchor: 'shared' };
  const { name, mesh, anchor } = settings.others[index - 1]!;
  // Workers are the main cluster's: their addresses are given out by place, and would be the same in both.
  return { ...alone, workers: 0, name, mesh: mesh ?? settings.mesh, anchor };
}

/** The main cluster's as ever; what another has of its own lies in a folder of its name. */
function homeFilesOf(main: EmbeddedCluster, others: Map<string, EmbeddedCluster>): Record<string, string> {
  const files = { ...main.homeFiles };
  for (const [name, { homeFiles }] of others)
    for (const [path, content] of Object.entries(homeFiles))
      if (files[path] !== content) files[files[path] === undefined ? path : `${name}/${path}`] = content;
  return files;
}

function unpack(bytes: Uint8Array, names: string[]): Map<string, Uint8Array> {
  const saved = deserialize(bytes) as { format?: number; clusters?: Uint8Array[] };
  if (saved.format !== FORMAT || saved.clusters?.length !== names.length)
    throw new AcademyError('driver/failed', 'The saved clusters were written by another version and cannot be read.');
  return new Map(saved.clusters.map((cluster, index) => [names[index]!, cluster]));
}
