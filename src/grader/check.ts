import type { z } from 'zod';
import type { Clock } from '#base/clock.ts';
import type { KubeClient } from '#kube/client/client.ts';
import type { Evidence } from '#schema/evidence.ts';
import type { Lab } from '#schema/lab.ts';
import type { Answers } from './answers.ts';
import type { CertificateNames } from './names.ts';
import type { Handshakes } from './probes/handshakes.ts';
import type { ProxyMetrics } from './probes/proxy-metrics.ts';
import type { TrafficLog } from './probes/traffic-log.ts';

/** Reads the learner's files by path below the home. */
export interface LearnerFiles {
  read(path: string): string | undefined;
}

/** What a check may look at. It asks the cluster through `client` only, so that it cannot tell one driver from another. */
export interface CheckContext {
  client: KubeClient;
  /** The cluster's clock: certificates are judged by it. */
  clock: Clock;
  lab: Lab;
  /** Names that stay with certificates: `issuer 2`. */
  names: CertificateNames;
  /** TLS handshakes with meshed pods, shared by all checks and views of this session. */
  handshakes: Handshakes;
  /** The background traffic's record; undefined when the lab has none. */
  traffic: TrafficLog | undefined;
  /** Counters of meshed pods' proxies, read at most once a moment, and by how much they grew. */
  metrics: ProxyMetrics;
  /** What the learner answered to the lab's questions. */
  answers: Answers;
  /** What checks remember of earlier looks; saved with the session. Keys begin with the check's name. */
  memory: Map<string, unknown>;
  /** The learner's files; undefined where there is no desk. */
  files?: LearnerFiles;
  /** Runs a script in a fresh shell in the learner's home, to look and not to change. Undefined where there is no desk. */
  runScript?: (script: string) => Promise<{ code: number; output: string }>;
  /** When the learner was let in, ms on the cluster's clock. */
  startedAt: number;
  signal: AbortSignal;
}

/** What one look at the cluster concluded. */
export interface Outcome {
  /** `waiting`: nothing to judge yet. `lost`: can't become true any more in this cluster. */
  state: 'passed' | 'failed' | 'waiting' | 'lost';
  /** One sentence with figures: what was seen, or what still differs from what was asked. */
  said: string;
  evidence: Evidence[];
  /** Short facts that hints can depend on: `signedBy issuer-1`, `too-much`. */
  saw?: string[];
}

/** What can make a check's outcome change; the runner looks again when one of these does. */
export type Trigger =
  | { group: string; version: string; resource: string; namespace?: string }
  /** Looks again this often, ms, beside everything else: for what no watch tells. */
  | { everyMs: number }
  /** The learner answered this question of the lab. */
  | { answer: string }
  /** This file of the learner's was written or removed. */
  | { file: string };

/** An entry of the catalogue. Its parameters are a zod schema; the schema's descriptions are its reference page. */
export interface Check<P = unknown> {
  readonly name: string;
  readonly summary: string;
  readonly params: z.ZodType<P>;
  /**
   * For what judges by the last while: how long, ms, what was seen before still counts. A verdict may change for so long
   * although nothing happens.
   */
  windowMs?(params: P): number;
  triggers(params: P, context: Pick<CheckContext, 'lab'>): Trigger[];
  run(params: P, context: CheckContext): Promise<Outcome>;
}

/** Keeps the parameter type between a check's schema and its functions. */
export function defineCheck<P>(check: Check<P>): Check<unknown> {
  return check as Check<unknown>;
}

export const passed = (said: string, evidence: Evidence[] = [], saw: string[] = []): Outcome => ({
  state: 'passed',
  said,
  evidence,
  saw,
});
export const failed = (said: string, evidence: Evidence[] = [], saw: string[] = []): Outcome => ({
  state: 'failed',
  said,
  evidence,
  saw,
});
export const waiting = (said: string, evidence: Evidence[] = [], saw: string[] = []): Outcome => ({
  state: 'waiting',
  said,
  evidence,
  saw,
});
