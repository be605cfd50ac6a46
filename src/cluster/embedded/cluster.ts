import { type Clock, MovableClock } from '#base/clock.ts';
import { messageOf } from '#base/errors.ts';
import { Lifecycle } from '#base/lifecycle.ts';
import type { Cluster, CreateOptions } from '#cluster/driver.ts';
import { type Authority, homeFilesOf, trustAnchor } from '#cluster/linkerd/authority.ts';
import { installLinkerd } from '#cluster/linkerd/install.ts';
import { meshReady } from '#cluster/linkerd/mesh-ready.ts';
import type { KubeClient } from '#kube/client/client.ts';
import type { Reach } from '#kube/network/fabric.ts';
import { type AddressPlan, ALONE } from './addresses.ts';
import { serveOnSocket } from './api-socket.ts';
import { clusterAuthority } from './authority.ts';
import { API_PORTS } from './bootstrap.ts';
import { ControlPlane } from './control-plane.ts';
import { afterRestart, packSaved, type Saved, unpackSaved } from './snapshot.ts';

/**
 * How long a changed Secret takes to reach mounted files. A kubelet needs up to 90 s; here it is short, and still long
 * enough to meet whoever does not wait for it.
 */
const VOLUME_SYNC_MS = 4_000;
/** The mesh is ready within this, or something is wrong with it. */
const MESH_WITHIN_MS = 60_000;

/** What a cluster has in common with those that it is joined to. */
export interface Company {
  name: string;
  addresses: AddressPlan;
  /** Stopped by whoever made it. */
  clock: MovableClock;
  anchor: Authority | undefined;
}

export class EmbeddedCluster implements Cluster {
  readonly driver = 'embedded';
  readonly clock: Clock;
  readonly admin: KubeClient;
  readonly ready: Promise<void>;
  readonly homeFiles: Record<string, string>;
  readonly inner: NonNullable<Cluster['inner']>;
  readonly #clock: MovableClock;
  readonly #controlPlane: ControlPlane;
  readonly #keys: { clusterCa: Authority; anchor: Authority | undefined };
  readonly #life = new Lifecycle();

  private constructor(
    clock: MovableClock,
    controlPlane: ControlPlane,
    keys: { clusterCa: Authority; anchor: Authority | undefined },
    addresses: AddressPlan,
    makeReady: (signal: AbortSignal) => Promise<void>,
  ) {
    this.clock = clock;
    this.#clock = clock;
    this.#controlPlane = controlPlane;
    this.#keys = keys;
    this.admin = controlPlane.admin;
    this.homeFiles = keys.anchor ? homeFilesOf(keys.anchor) : {};
    this.inner = {
      url: `https://${addresses.node.ip}:${API_PORTS.node}`,
      ca: keys.clusterCa.certificate,
      dial: (host, port) => controlPlane.network.node.dial(host, port, { timeoutMs: 10_000 }),
    };
    this.#life.add(() => controlPlane.close());
    this.ready = makeReady(this.#life.signal);
    // Whoever does not wait for the mesh must not be ended by its failing.
    this.ready.catch(() => {});
  }

  /** Resolves when the API answers and the node is there; the mesh follows in `ready`. */
  static async create(options: CreateOptions, wall: () => number, company?: Company): Promise<EmbeddedCluster> {
    const { settings, restore } = options;
    const steps = new Steps(options, wall, company?.name);
    const saved: Saved | undefined = restore && (await unpackSaved(restore));
    const clock = company?.clock ?? new MovableClock({ wall, ...(saved ? { startAtMs: wall() + saved.aheadMs } : {}) });
    const addresses = company?.addresses ?? ALONE;
    const hasMesh = settings.mesh === 'linkerd';
    const [controlPlane, keys] = await steps.run('control-plane', 'Starting the control plane', 40, async () => {
      const clusterCa = saved?.clusterCa ?? (await clusterAuthority(clock.now()));
      const anchor = saved?.anchor ?? company?.anchor ?? (hasMesh ? await trustAnchor(clock.now()) : undefined);
      const made = new ControlPlane({
        clock,
        clusterCa,
        addresses,
        volumeSyncMs: VOLUME_SYNC_MS,
        ...(saved
          ? {
              tokenKey: saved.tokenKey,
              objects: afterRestart(saved.objects),
              ...(saved.folders ? { folders: saved.folders } : {}),
            }
          : {}),
      });
      await made.start();
      return [made, { clusterCa, anchor }] as const;
    });
    await steps.run('node', saved ? 'Starting every pod again' : 'Starting the node', 10, () =>
      controlPlane.startNode(),
    );
    for (let index = 0; index < settings.workers; index++)
      await steps.run(`worker-${index + 1}`, `Starting worker ${index + 1}`, 10, () => controlPlane.startWorker(index));
    const cluster = new EmbeddedCluster(clock, controlPlane, keys, addresses, async (closing) => {
      if (!hasMesh) return;
      const signal = AbortSignal.any([closing, options.signal, AbortSignal.timeout(MESH_WITHIN_MS)]);
      if (!saved)
        await steps.run('mesh', 'Installing Linkerd', 300, () =>
          installLinkerd({ admin: controlPlane.admin, settings, anchor: keys.anchor!, now: clock.now() }),
        );
      await steps.run('mesh-ready', 'Waiting for the mesh to be ready', 900, () =>
        meshReady(controlPlane.admin, signal),
      );
    });
    if (!company) cluster.#life.add(() => clock.stop());
    return cluster;
  }

  /** From now on the networks of the two reach each other. */
  join(other: EmbeddedCluster, reach: Reach): void {
    this.#controlPlane.network.join(other.#controlPlane.network, reach);
  }

  async serveApi(socketPath: string, token: string): Promise<void> {
    this.#controlPlane.accept(token);
    const socket = await serveOnSocket(this.#controlPlane.server, socketPath);
    this.#life.add(() => socket.close());
  }

  advanceClock(ms: number): Promise<void> {
    return this.#clock.advance(ms);
  }

  save(): Promise<Uint8Array> {
    const { clusterCa, anchor } = this.#keys;
    return packSaved({
      aheadMs: this.#clock.aheadMs,
      clusterCa,
      tokenKey: this.#controlPlane.tokens.exportKey(),
      ...(anchor ? { anchor } : {}),
      folders: this.#controlPlane.folders(),
      objects: this.#controlPlane.server.export(),
    });
  }

  destroy(): Promise<void> {
    return this.#life.close();
  }
}

/** Tells of the steps of a bring-up as they happen. */
class Steps {
  readonly #options: CreateOptions;
  readonly #wall: () => number;
  readonly #of: string | undefined;

  /** `of`: the cluster's name, where there are several. */
  constructor(options: CreateOptions, wall: () => number, of: string | undefined) {
    this.#options = options;
    this.#wall = wall;
    this.#of = of;
  }

  async run<T>(key: string, what: string, usualMs: number, work: () => Promise<T>): Promise<T> {
    const { onStep, signal } = this.#options;
    const [step, title] = this.#of ? [`${this.#of}-${key}`, `${what} (${this.#of})`] : [key, what];
    signal.throwIfAborted();
    onStep({ step, title, state: 'started', at: this.#wall(), usualMs });
    try {
      const result = await work();
      onStep({ step, title, state: 'done', at: this.#wall() });
      return result;
    } catch (error) {
      onStep({ step, title, state: 'failed', at: this.#wall(), message: messageOf(error) });
      throw error;
    }
  }
}
