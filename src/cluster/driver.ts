import type { Duplex } from 'node:stream';
import type { Clock } from '#base/clock.ts';
import type { KubeClient } from '#kube/client/client.ts';
import type { ClusterSettings } from '#schema/lab.ts';
import type { Box } from './desk.ts';

export type DriverName = 'embedded' | 'kind';

/** One step of a bring-up, shown in the page as it happens. */
export interface StepEvent {
  /** Stable key, e.g. `node`, `kubeadm`, `mesh`. */
  step: string;
  /** For a person: "Starting the control plane". */
  title: string;
  state: 'started' | 'done' | 'failed' | 'skipped';
  /** Instant of this event, ms since the epoch, wall clock. */
  at: number;
  /** What usually passes here, ms; absent when not known. */
  usualMs?: number;
  /** Set when failed: the line that mends it. */
  message?: string;
}

/** The seam. A driver makes disposable clusters; everything above it sees a kubeconfig and this handle. */
export interface ClusterDriver {
  readonly name: DriverName;
  /** Whether this driver can work here, and if not the line that mends it. */
  preflight(signal?: AbortSignal): Promise<{ ok: boolean; reasons: string[] }>;
  create(options: CreateOptions): Promise<Cluster>;
}

export interface CreateOptions {
  /** Names the cluster wherever its parts need names: the same for every cluster of one learner and lab. Not a secret. */
  id: string;
  settings: ClusterSettings;
  /**
   * Images that pods will run, beside those of the mesh: `needed` ones must be there when the cluster is, `useful` ones are
   * taken along where they can be had. For drivers whose nodes can't fetch any; absent: not known.
   */
  images?: { needed: string[]; useful: string[] };
  /** Programs that the learner's terminals must have beside kubectl, wherever they run; absent: not known. */
  tools?: string[];
  onStep(event: StepEvent): void;
  signal: AbortSignal;
  /** A saved state to come back to (`Cluster.save`), where the driver supports it. */
  restore?: Uint8Array;
}

export interface Cluster {
  readonly driver: DriverName;
  readonly clock: Clock;
  /** The administrator's client: used by the grader, the lab setup and the views. */
  readonly admin: KubeClient;
  /** Resolves when the mesh that the settings ask for is ready; the API answers before that. Rejects when it can't be. */
  readonly ready: Promise<void>;
  /**
   * Serves this cluster's Kubernetes API on a local socket for callers who come with `token`. Where the cluster has an
   * API of its own that the host reaches, requests are passed on to it.
   */
  serveApi(socketPath: string, token: string): Promise<void>;
  /** The other clusters of the lab by name, joined to this one; its clock is theirs, and they end with it. */
  readonly others?: ReadonlyMap<string, Cluster>;
  /**
   * Where pods of this cluster and of those joined to it find its API, the CA (PEM) of what it shows there, and how its
   * node connects to an address of their networks.
   */
  readonly inner?: { url: string; ca: string; dial(host: string, port: number): Promise<Duplex> };
  /** Moves the cluster's clock, where the driver can; refuses with `driver/unavailable` where it can't. */
  advanceClock(ms: number): Promise<void>;
  /** Files that making this cluster leaves for the learner's home, e.g. the trust anchor `ca.crt` and its key. */
  readonly homeFiles: Record<string, string>;
  /** A machine of this cluster in which the learner's terminals run; without one they run in the academy itself. */
  readonly box?: Box;
  /** Rejects, with the reason, when the cluster is lost without having been taken away; absent where that can't be. */
  readonly lost?: Promise<never>;
  /** Everything needed to come back after a restart: the cluster's state, or where the cluster itself is found. */
  save(): Promise<Uint8Array>;
  /** Lets go of a cluster that outlives the server, to come back to it by what `save` gave; absent where none does. */
  release?(): Promise<void>;
  /** Resolves when everything made for this cluster is gone. Safe to call twice. */
  destroy(): Promise<void>;
}
