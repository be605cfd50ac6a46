import type { ErrorCode } from '#base/errors.ts';
import type { DriverName, StepEvent } from '#cluster/driver.ts';
import type { KindSettings } from '#cluster/kind/settings.ts';
import type { ClientMessage, ServerMessage } from '#schema/protocol.ts';
import type { LoadedLab } from './lab-source.ts';

/** How one cluster's Kubernetes API is reached. */
export interface ClusterAccess {
  /** Unix socket (or Windows pipe) on which the worker serves it. */
  socketPath: string;
  /** Bearer token of the session's administrator. */
  token: string;
  /** Where the learner's own kubectl finds it, and the CA that signed that server's certificate. */
  api: { url: string; ca: string };
}

/** What the server gives a session's worker to be reached by. */
export type SessionAccess = Pick<StartOrder, 'id' | 'others' | keyof ClusterAccess>;

/**
 * What the server and a session's worker say to each other. The worker holds the cluster, the shells and the grader;
 * the server holds the sockets and the store. Both ends are ours, so these are plain types, not schemas.
 */
export interface StartOrder extends ClusterAccess {
  type: 'start';
  id: string;
  lab: LoadedLab;
  driver: DriverName;
  /** Names the cluster: the same for every cluster of one learner and lab. */
  cluster: string;
  kind?: KindSettings;
  /** The ways to the lab's other clusters, by name. */
  others: Record<string, ClusterAccess>;
  /** The learner's files as they were; undefined for a fresh start. */
  files: Record<string, Uint8Array> | undefined;
  history: string[];
  hints: Record<string, string[]>;
  snapshot: Uint8Array | undefined;
  /** Tells of each look of the grader, for authors. */
  tellLooks?: boolean;
  /** For proofs: tells how long each program of the terminal ran, and saves nothing. */
  proof?: boolean;
}

export type ToWorker =
  | StartOrder
  | { type: 'client'; message: ClientMessage }
  | { type: 'idle-warning'; text: string }
  | { type: 'save' }
  /** Runs a script in the learner's shell environment, for proofs. */
  | { type: 'script'; script: string }
  /** Answers `settled` when the world has come to rest, for proofs. */
  | { type: 'settle'; atLeastMs: number; atMostMs: number }
  /** `keep`: a cluster that outlives the server is let go of, not taken away. */
  | { type: 'stop'; keep: boolean /** The thread stays, for another `start`. */; stay?: boolean }
  | { type: 'ping'; n: number };

export type FromWorker =
  /** Code is loaded; `start` may be sent. */
  | { type: 'loaded' }
  | { type: 'step'; step: StepEvent }
  /** The shell answers keys; the lab may still be setting itself up. */
  | { type: 'prompt' }
  | { type: 'ready' }
  /** Where there are several clusters: the CA (PEM) of each, by name. */
  | { type: 'inner-ca'; ca: Record<string, string> }
  /** For every connected page. */
  | { type: 'broadcast'; message: ServerMessage }
  | { type: 'terminal.opened'; terminal: string }
  | { type: 'terminal.output'; terminal: string; data: string }
  | { type: 'terminal.closed'; terminal: string }
  | { type: 'tasks'; tasks: import('#schema/protocol.ts').TaskView[] }
  | { type: 'task'; task: import('#schema/protocol.ts').TaskView }
  | { type: 'hints'; hints: Record<string, string[]> }
  | { type: 'file'; path: string; content: Uint8Array | null; version: number }
  | { type: 'history'; line: string }
  | { type: 'answer'; answer: string; value: string; correct: boolean }
  | { type: 'snapshot'; data: Uint8Array }
  /** The saved state could not be used after all; says what was done instead. */
  | { type: 'rebuilt'; text: string }
  | { type: 'script.done'; code: number; output: string }
  | { type: 'ran'; command: string; tookMs: number }
  | { type: 'settled' }
  | { type: 'looked'; task: string; looks: number; tookMs: number; saw: string[] }
  | { type: 'clock'; aheadMs: number }
  | { type: 'failed'; code: ErrorCode; message: string }
  | { type: 'pong'; n: number; memoryMb: number }
  | { type: 'stopped' };
