/** What a run's time went into, in the order of a run. */
export const PHASES = ['load', 'cluster', 'mesh', 'start', 'untouched', 'script', 'verdict', 'end'] as const;
export type Phase = (typeof PHASES)[number];

export interface Timing {
  /** Wall time and the thread's processor time, ms. */
  phases: Partial<Record<Phase, { wallMs: number; cpuMs: number }>>;
  /** How long programs of the terminal ran, by their names, ms. */
  programs: Record<string, number>;
}

/** Measures one run. What passed since the mark before belongs to the phase that is named. */
export class Stopwatch {
  readonly #cpuMs: () => Promise<number>;
  readonly #marks: { phase: Phase | undefined; at: number; cpu: Promise<number> }[] = [];
  readonly #programs: Record<string, number> = {};

  constructor(cpuMs: () => Promise<number>) {
    this.#cpuMs = cpuMs;
    this.#mark(undefined);
  }

  ended(phase: Phase): void {
    this.#mark(phase);
  }

  ran(program: string, tookMs: number): void {
    this.#programs[program] = (this.#programs[program] ?? 0) + tookMs;
  }

  async timing(): Promise<Timing> {
    const phases: Timing['phases'] = {};
    const cpu = await Promise.all(this.#marks.map((mark) => mark.cpu));
    for (const [i, { phase, at }] of this.#marks.entries()) {
      if (!phase) continue;
      add(phases, phase, at - this.#marks[i - 1]!.at, Math.max(0, cpu[i]! - cpu[i - 1]!));
    }
    return { phases, programs: this.#programs };
  }

  #mark(phase: Phase | undefined): void {
    const before = this.#marks.at(-1)?.cpu ?? Promise.resolve(0);
    // A thread that has ended tells nothing any more.
    this.#marks.push({ phase, at: performance.now(), cpu: this.#cpuMs().catch(() => before) });
  }
}

/** The times of several runs added up. */
export function sumOf(timings: readonly Timing[]): Timing {
  const sum: Timing = { phases: {}, programs: {} };
  for (const { phases, programs } of timings) {
    for (const phase of PHASES) {
      const spent = phases[phase];
      if (spent) add(sum.phases, phase, spent.wallMs, spent.cpuMs);
    }
    for (const [program, ms] of Object.entries(programs)) sum.programs[program] = (sum.programs[program] ?? 0) + ms;
  }
  return sum;
}

function add(phases: Timing['phases'], phase: Phase, wallMs: number, cpuMs: number): void {
  const before = phases[phase];
  phases[phase] = { wallMs: (before?.wallMs ?? 0) + wallMs, cpuMs: (before?.cpuMs ?? 0) + cpuMs };
}
