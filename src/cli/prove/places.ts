import { availableParallelism, cpus } from 'node:os';
import type { Clock, Timer } from '#base/clock.ts';

const LOOK_EVERY_MS = 1_000;
/**
 * With more idle time than the first share there is work for one more session; with less than the second for one less.
 * Processors that are always busy keep requests waiting, and labs in which none may be lost would be unjust.
 */
const ROOM = 0.3;
const NO_ROOM = 0.1;
/** How much the newest second counts: a bring-up keeps every processor busy for one, and that is no reason to run less. */
const NEWEST = 0.3;

/** Processor time of this machine since it started, all processors together, ms. */
export interface ProcessorTimes {
  idle: number;
  total: number;
}

/**
 * How many sessions may run at once. They wait about as much as they work, some labs much more, so no number is right
 * for all; this one follows what the machine's processors have to do, others' work included.
 */
export class Places {
  readonly #least: number;
  readonly #most: number;
  readonly #read: () => ProcessorTimes;
  readonly #timer: Timer;
  #before: ProcessorTimes;
  /** Share of the time that processors are idle, lately. */
  #idle = (ROOM + NO_ROOM) / 2;
  #size: number;
  /** Called when there is a place more. */
  onMore: (() => void) | undefined;
  /** How many of the places are taken; nothing is learnt from a machine that is idle because too little is asked of it. */
  taken: () => number = () => this.#size;

  constructor(clock: Clock, read = processorTimes, processors = availableParallelism()) {
    this.#least = 2 * processors;
    this.#most = 5 * processors;
    this.#size = this.#least;
    this.#read = read;
    this.#before = read();
    this.#timer = clock.setInterval(() => this.look(), LOOK_EVERY_MS);
  }

  get size(): number {
    return this.#size;
  }

  look(): void {
    const now = this.#read();
    const total = now.total - this.#before.total;
    const idle = total > 0 ? (now.idle - this.#before.idle) / total : 0;
    this.#idle += NEWEST * (idle - this.#idle);
    this.#before = now;
    if (this.#idle > ROOM && this.#size < this.#most && this.taken() >= this.#size) {
      this.#size++;
      this.onMore?.();
    } else if (this.#idle < NO_ROOM && this.#size > this.#least) this.#size--;
  }

  close(): void {
    this.#timer.cancel();
  }
}

function processorTimes(): ProcessorTimes {
  const sum = { idle: 0, total: 0 };
  for (const { times } of cpus()) {
    sum.idle += times.idle;
    sum.total += times.user + times.nice + times.sys + times.idle + times.irq;
  }
  return sum;
}
