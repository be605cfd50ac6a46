import { deserialize, serialize } from 'node:v8';
import { gunzipSync, gzipSync } from 'node:zlib';
import type { GraderState } from '#grader/grader.ts';
import type { ContextChoice } from './context-choice.ts';

/** What a session comes back from after a restart of the server. */
export interface Snapshot {
  /** What the driver saved of its cluster. */
  cluster: Uint8Array;
  grader: GraderState;
  /** What the learner chose in the kubeconfig. */
  choice?: ContextChoice | undefined;
}

/** Raised when the shape of a snapshot changes; an older one is not read, and the lab is built anew. */
const VERSION = 1;

export function writeSnapshot(snapshot: Snapshot): Uint8Array {
  return gzipSync(serialize({ version: VERSION, ...snapshot }), { level: 1 });
}

/** Undefined when the bytes are not a snapshot of this version. */
export function readSnapshot(data: Uint8Array): Snapshot | undefined {
  try {
    const { version, cluster, grader, choice } = deserialize(gunzipSync(data)) as Snapshot & { version: number };
    return version === VERSION ? { cluster, grader, choice } : undefined;
  } catch {
    return undefined;
  }
}
