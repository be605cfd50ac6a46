import type { DriverName } from '#cluster/driver.ts';
import type { SessionState } from '#schema/protocol.ts';

/** What a kind cluster is given room for before it is started: a node with the mesh and a learner's workloads, and a toolbox. */
export const KIND_SESSION_BYTES = 2 * 1024 ** 3;
/** States in which a session's cluster still grows into the memory that it will use. */
const GROWING: ReadonlySet<SessionState> = new Set(['starting', 'rebuilding']);
const OVER: ReadonlySet<SessionState> = new Set(['ended', 'failed', 'queued']);

export interface Occupant {
  readonly state: SessionState;
  readonly driver: DriverName;
  /** When it ends if nobody does anything any more, ms since the epoch. */
  readonly endsAt: number;
}

export interface CapacityOptions {
  maxSessions: number;
  /** Memory that could be used now where the Docker Engine runs, bytes; undefined: not known, and so no limit. */
  freeBytes(): number | undefined;
}

/** Decides whether one more session fits, and when the next place may come free. */
export class Capacity {
  readonly #o: CapacityOptions;

  constructor(options: CapacityOptions) {
    this.#o = options;
  }

  /** Whether a session with this driver can begin beside the others. */
  hasRoom(driver: DriverName, others: readonly Occupant[]): boolean {
    const living = others.filter(({ state }) => !OVER.has(state));
    if (living.length >= this.#o.maxSessions) return false;
    return driver !== 'kind' || this.#memoryFor(living);
  }

  /**
   * The instants at which places come free if nobody does anything any more, soonest first. All that can honestly be said:
   * a learner who works on keeps theirs longer, one who ends early gives it back sooner.
   */
  placesAt(driver: DriverName, others: readonly Occupant[]): number[] {
    const living = others.filter(({ state }) => !OVER.has(state));
    const isFull = living.length >= this.#o.maxSessions;
    // Where only memory is short, the end of an embedded session does not help.
    const helping = driver === 'kind' && !isFull ? living.filter((one) => one.driver === 'kind') : living;
    return helping.map(({ endsAt }) => endsAt).sort((a, b) => a - b);
  }

  #memoryFor(living: readonly Occupant[]): boolean {
    const free = this.#o.freeBytes();
    if (free === undefined) return true;
    const promised = living.filter((one) => one.driver === 'kind' && GROWING.has(one.state)).length;
    return free - promised * KIND_SESSION_BYTES >= KIND_SESSION_BYTES;
  }
}
