import type { Clock, Timer } from '#base/clock.ts';
import { messageOf } from '#base/errors.ts';
import type { Evidence } from '#schema/evidence.ts';
import type { Task } from '#schema/lab.ts';
import type { Verdict } from '#schema/verdict.ts';
import type { Check, CheckContext, Outcome } from './check.ts';

/** After a change the cluster needs a moment to act on it; the check looks again at these delays, ms. */
const LOOK_AGAIN_MS = [40, 250, 700, 1_500];
/** No task is looked at more often than this, ms. */
const MIN_INTERVAL_MS = 200;
/** How often a view asks for what no verdict looks at. */
const OBSERVE_EVERY_MS = 3_000;

/**
 * One task of a running lab: looks when told that something changed, turns outcomes into verdicts by the task's mode,
 * and reports each verdict that differs from the one before.
 */
export class TaskRun {
  readonly task: Task;
  readonly #check: Check;
  readonly #params: unknown;
  readonly #context: CheckContext;
  readonly #wall: Clock;
  #observed: { at: number; evidence: Promise<Evidence[]> } | undefined;
  readonly #report: (run: TaskRun) => void;
  readonly #looked: ((run: TaskRun) => void) | undefined;
  verdict: Verdict;
  /** What the last look saw, for hints. */
  saw: string[] = [];
  #blockedBy: () => string | undefined;
  #othersPassed: () => boolean;
  #running = false;
  #again = false;
  #lastLookAt = Number.NEGATIVE_INFINITY;
  #soonAt = Number.NEGATIVE_INFINITY;
  #timers: Timer[] = [];
  #trueSince: number | undefined;
  #invariantBroken: Outcome | undefined;
  #stopped = false;
  /** Looks that have ended, and how long the last one took, ms. */
  looks = 0;
  tookMs = 0;
  /** When something last changed that this task watches, ms on the wall's clock. */
  changedAt = Number.NEGATIVE_INFINITY;

  constructor(options: {
    task: Task;
    check: Check;
    context: CheckContext;
    wall: Clock;
    blockedBy: () => string | undefined;
    othersPassed: () => boolean;
    report: (run: TaskRun) => void;
    /** Called after each look, whatever came of it. */
    looked?: ((run: TaskRun) => void) | undefined;
  }) {
    this.task = options.task;
    this.#check = options.check;
    this.#params = options.task.with;
    this.#context = options.context;
    this.#wall = options.wall;
    this.#blockedBy = options.blockedBy;
    this.#othersPassed = options.othersPassed;
    this.#report = options.report;
    this.#looked = options.looked;
    this.verdict = this.#verdictOf('waiting', 'Not looked at yet.', []);
  }

  get triggers() {
    return this.#check.triggers(this.#params, this.#context);
  }

  /** For how long the verdict may change although nothing happens, ms. */
  get windowMs(): number {
    return this.#check.windowMs?.(this.#params) ?? 0;
  }

  /** Something changed: look now, and a few times more while the cluster acts on it. */
  changed(): void {
    if (this.#stopped) return;
    const now = this.#wall.now();
    this.changedAt = now;
    const [first] = LOOK_AGAIN_MS;
    // Many changes in a row must not put off the look that the first of them asked for.
    const soon = this.#soonAt > now ? this.#soonAt - now : first!;
    this.#soonAt = now + soon;
    for (const timer of this.#timers) timer.cancel();
    this.#timers = [soon, ...LOOK_AGAIN_MS.slice(1)].map((delay) =>
      this.#wall.setTimeout(() => void this.look(), delay),
    );
  }

  stop(): void {
    this.#stopped = true;
    for (const timer of this.#timers) timer.cancel();
  }

  /** What the check sees now, without a verdict: for views of a task that waits for another one. Asked at most every few seconds. */
  async observe(): Promise<Evidence[]> {
    const now = this.#wall.now();
    if (!this.#observed || now - this.#observed.at > OBSERVE_EVERY_MS) {
      const evidence = this.#check.run(this.#params, this.#context).then(
        (outcome) => outcome.evidence,
        () => [],
      );
      this.#observed = { at: now, evidence };
    }
    return this.#observed.evidence;
  }

  /** Looks once; concurrent calls become one more look afterwards. */
  async look(): Promise<void> {
    if (this.#stopped) return;
    if (this.#running) {
      this.#again = true;
      return;
    }
    const wait = this.#lastLookAt + MIN_INTERVAL_MS - this.#wall.now();
    if (wait > 0) {
      this.#timers.push(this.#wall.setTimeout(() => void this.look(), wait));
      return;
    }
    this.#running = true;
    this.#lastLookAt = this.#wall.now();
    const began = performance.now();
    try {
      await this.#lookOnce();
    } finally {
      this.#running = false;
      this.looks++;
      this.tookMs = performance.now() - began;
      this.#looked?.(this);
      if (this.#again) {
        this.#again = false;
        void this.look();
      }
    }
  }

  async #lookOnce(): Promise<void> {
    const blocker = this.#blockedBy();
    if (blocker && this.verdict.state !== 'passed') {
      this.#set(this.#verdictOf('blocked', `First: ${blocker}.`, []));
      return;
    }
    let outcome: Outcome;
    try {
      outcome = await this.#check.run(this.#params, this.#context);
    } catch (error) {
      if (this.#stopped || this.#context.signal.aborted) return;
      this.#set(
        this.#verdictOf(
          'broken',
          `The probe failed: ${messageOf(error)}. This costs you nothing; it is tried again.`,
          [],
        ),
      );
      this.#timers.push(this.#wall.setTimeout(() => void this.look(), 2_000));
      return;
    }
    if (this.#stopped) return;
    this.saw = outcome.saw ?? [];
    this.#set(this.#judge(outcome));
  }

  #judge(outcome: Outcome): Verdict {
    const lost = this.task['lost-if'];
    if (lost && this.saw.includes(lost.saw)) return this.#verdictOf('lost', lost.say, outcome.evidence);
    switch (this.task.mode) {
      case 'once':
        return this.#verdictOf(outcome.state, outcome.said, outcome.evidence);
      case 'hold':
        return this.#hold(outcome);
      case 'invariant':
        return this.#invariant(outcome);
    }
  }

  #hold(outcome: Outcome): Verdict {
    if (outcome.state !== 'passed') {
      this.#trueSince = undefined;
      return this.#verdictOf(outcome.state, outcome.said, outcome.evidence);
    }
    const now = this.#wall.now();
    this.#trueSince ??= now;
    const heldMs = now - this.#trueSince;
    const wantedMs = (this.task.holdSeconds ?? 10) * 1_000;
    if (heldMs >= wantedMs) return this.#verdictOf('passed', outcome.said, outcome.evidence);
    this.#timers.push(this.#wall.setTimeout(() => void this.look(), Math.min(1_000, wantedMs - heldMs)));
    const seconds = `${Math.floor(heldMs / 1000)} of ${wantedMs / 1000} s`;
    return this.#verdictOf('underway', `${outcome.said} It must stay so: ${seconds}.`, outcome.evidence);
  }

  /** Never false while the lab runs; counts as passed when everything else has. Once broken it stays broken. */
  #invariant(outcome: Outcome): Verdict {
    if (outcome.state === 'failed' || outcome.state === 'lost') this.#invariantBroken ??= outcome;
    if (this.#invariantBroken) {
      const { said, evidence } = outcome.state === 'failed' ? outcome : this.#invariantBroken;
      return this.#verdictOf('failed', `${said} Reset the lab to try again.`, evidence);
    }
    if (outcome.state !== 'passed') return this.#verdictOf('waiting', outcome.said, outcome.evidence);
    return this.#othersPassed()
      ? this.#verdictOf('passed', outcome.said, outcome.evidence)
      : this.#verdictOf('underway', `So far: ${outcome.said}`, outcome.evidence);
  }

  #verdictOf(state: Verdict['state'], said: string, evidence: Verdict['evidence']): Verdict {
    const at = this.#wall.now();
    const clusterAt = this.#context.clock.now();
    return {
      task: this.task.id,
      state,
      said,
      at,
      ...(Math.abs(clusterAt - at) > 2_000 ? { clusterAt } : {}),
      points: state === 'passed' ? this.task.points : 0,
      evidence,
    };
  }

  #set(next: Verdict): void {
    const before = this.verdict;
    this.verdict = next;
    if (before.state !== next.state || before.said !== next.said) this.#report(this);
  }
}
