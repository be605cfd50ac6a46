import type { Clock } from '#base/clock.ts';
import { AcademyError } from '#base/errors.ts';
import type { KubeClient } from '#kube/client/client.ts';
import { clusterNames, isMeshed } from '#schema/cluster-names.ts';
import type { CertificatesView, Matrix } from '#schema/evidence.ts';
import type { Lab, Task } from '#schema/lab.ts';
import type { Observation, Observed } from '#schema/observation.ts';
import type { TaskView } from '#schema/protocol.ts';
import { Answers, type Graded } from './answers.ts';
import { CATALOGUE } from './catalogue.ts';
import type { CheckContext, LearnerFiles } from './check.ts';
import { nextHint } from './hints.ts';
import { TrafficLog } from './probes/traffic-log.ts';
import { ClusterScope, type ScopeState, type SharedContext } from './scope.ts';
import { TaskRun } from './task-run.ts';
import { observe } from './views/observer.ts';

/** A task looks for the last time this long after a change, and a little later has judged. */
const QUIET_MS = 1_800;

export interface GraderOptions {
  lab: Lab;
  client: KubeClient;
  /** The lab's other clusters by name, with the certificates that they were born with. */
  others?: ReadonlyMap<string, { client: KubeClient; born?: ScopeState['names'] }>;
  /** The clock of the clusters. */
  clock: Clock;
  /** The clock that people wait on. */
  wall: Clock;
  /** What `save` returned, after a restart. */
  saved?: GraderState;
  /** The certificates that the cluster was born with, before the lab's start changed anything. */
  born?: GraderState['names'];
  hints?: Record<string, string[]>;
  /** The learner's files and a shell beside them, where the session has a desk. */
  files?: LearnerFiles;
  runScript?: CheckContext['runScript'];
  onTask(task: TaskView): void;
  /** For authors: each look at a task, how long it took, ms, and what hints may depend on. */
  onLook?: ((look: { task: string; looks: number; tookMs: number; saw: string[] }) => void) | undefined;
}

export interface GraderState extends ScopeState {
  /** What is remembered of the other clusters, by name. */
  others?: Record<string, ScopeState>;
  startedAt: number;
  /** What the learner answered, by question. */
  answers?: Record<string, string>;
}

/**
 * Judges one lab by looking at its cluster. It is told of changes by watches, asks with probes, and reports a task's
 * verdict whenever it changes, in either direction.
 */
export class Grader {
  readonly #o: GraderOptions;
  readonly #runs: TaskRun[];
  readonly #hints: Record<string, string[]>;
  readonly #abort = new AbortController();
  readonly #main: ClusterScope;
  readonly #others: ReadonlyMap<string, ClusterScope>;
  readonly #answers: Answers;
  readonly #startedAt: number;
  readonly #traffic: TrafficLog | undefined;

  constructor(options: GraderOptions) {
    this.#o = options;
    const { lab, client, clock, wall, saved, born, files, runScript } = options;
    this.#hints = { ...options.hints };
    const balanced = options.others?.get(lab.traffic?.cluster ?? '');
    this.#traffic = lab.traffic && new TrafficLog(balanced?.client ?? client, clock, lab.traffic, 'shop');
    this.#answers = new Answers(lab.answers, saved?.answers);
    this.#startedAt = saved?.startedAt ?? clock.now();
    const shared: SharedContext = {
      lab,
      traffic: this.#traffic,
      answers: this.#answers,
      ...(files ? { files } : {}),
      ...(runScript ? { runScript } : {}),
      startedAt: this.#startedAt,
      signal: this.#abort.signal,
    };
    const [main] = lab.cluster.others.length > 0 ? clusterNames(lab.cluster) : [];
    this.#main = new ClusterScope({
      client,
      name: main,
      clock,
      wall,
      meshed: lab.cluster.mesh === 'linkerd',
      shared,
      saved: saved ?? (born && { names: born }),
    });
    this.#others = new Map(
      lab.cluster.others.map(({ name }) => {
        const other = options.others?.get(name);
        if (!other) throw new AcademyError('driver/failed', `There is no cluster ${name}, which the lab asks for.`);
        const meshed = isMeshed(lab.cluster, name);
        const before = saved?.others?.[name] ?? (other.born && { names: other.born });
        return [name, new ClusterScope({ client: other.client, name, clock, wall, meshed, shared, saved: before })];
      }),
    );
    this.#runs = lab.tasks.map((task) => {
      const check = CATALOGUE.get(task.check);
      if (!check)
        throw new AcademyError(
          'lab/unknown-check',
          `Task ${task.id} names the check "${task.check}", which is not in the catalogue.`,
        );
      return new TaskRun({
        task,
        check,
        context: this.#scopeOf(task).context,
        wall,
        blockedBy: () => this.#blockerOf(task.needs),
        othersPassed: () => this.#runs.every((run) => run.task.mode === 'invariant' || run.verdict.state === 'passed'),
        report: (run) => this.#reported(run),
        looked: ({ task: { id }, looks, tookMs, saw }) => options.onLook?.({ task: id, looks, tookMs, saw }),
      });
    });
  }

  /** Begins to look. */
  async start(): Promise<void> {
    for (const scope of this.#scopes) await scope.start();
    this.#traffic?.start(this.#startedAt);
    for (const run of this.#runs) {
      const { triggers } = this.#scopeOf(run.task);
      for (const trigger of run.triggers)
        triggers.add(trigger, 'everyMs' in trigger ? () => void run.look() : () => run.changed());
      run.changed();
    }
  }

  stop(): void {
    this.#abort.abort(new DOMException('stopped', 'AbortError'));
    for (const { triggers } of this.#scopes) triggers.close();
    this.#traffic?.stop();
    for (const run of this.#runs) run.stop();
  }

  /**
   * Resolves when the world has come to rest: every task was looked at twice since the call, nothing that they watch
   * changed for a while, and nothing they judge by the last seconds is from before. Waits at least `atLeastMs`, at most
   * `atMostMs`.
   */
  async settled(atLeastMs: number, atMostMs: number): Promise<void> {
    const { wall } = this.#o;
    const began = wall.now();
    const looks = new Map(this.#runs.map((run) => [run, run.looks]));
    for (;;) {
      const now = wall.now();
      if (now - began >= atMostMs) return;
      const unseen = this.#runs.filter((run) => run.looks < looks.get(run)! + 2);
      const quiet = this.#runs.every((run) => now - run.changedAt >= Math.max(QUIET_MS, run.windowMs));
      const holding = this.#runs.some(({ verdict, task }) => task.mode === 'hold' && verdict.state === 'underway');
      const longEnough = now - began >= Math.max(atLeastMs, ...this.#runs.map((run) => run.windowMs));
      if (unseen.length === 0 && quiet && longEnough && !holding) return;
      for (const run of unseen) void run.look();
      await wall.sleep(100, this.#abort.signal);
    }
  }

  /** Looks at every task now; resolves with the verdicts. For proofs. */
  async lookAtAll(): Promise<TaskView[]> {
    for (const run of this.#runs) await run.look();
    return this.tasks();
  }

  tasks(): TaskView[] {
    return this.#runs.map((run) => this.#viewOf(run));
  }

  /** Shows the next hint of a task, if there is one that fits what was seen. */
  takeHint(taskId: string): { task: TaskView; hints: Record<string, string[]> } {
    const run = this.#runs.find((candidate) => candidate.task.id === taskId);
    if (!run) throw new AcademyError('request/invalid', 'There is no such task in this lab.');
    const shown = this.#hints[taskId] ?? [];
    const hint = nextHint(run.task.hints, shown, run.task.check, run.saw);
    if (hint) this.#hints[taskId] = [...shown, hint];
    return { task: this.#viewOf(run), hints: this.#hints };
  }

  /** Grades an answer to one of the lab's questions. */
  submitAnswer(id: string, value: string): Graded {
    const graded = this.#answers.submit(id, value);
    for (const { triggers } of this.#scopes) triggers.tell(`answer ${id}`);
    return graded;
  }

  /** A file of the learner's was written or removed. */
  fileChanged(path: string): void {
    for (const { triggers } of this.#scopes) triggers.tell(`file ${path}`);
  }

  /** Of the main cluster, or of the one that is named. */
  certificatesView(cluster?: string): Promise<CertificatesView> {
    return (this.#others.get(cluster ?? '') ?? this.#main).certificates.look();
  }

  /** The newest matrix of each task about one; also of tasks that wait for others, so that it can be watched from the start. */
  async matrices(): Promise<{ task: string; matrix: Matrix }[]> {
    const found = this.#runs
      .filter((run) => run.task.check === 'policy-matrix')
      .map(async (run) => {
        const evidence = run.verdict.state === 'blocked' ? await run.observe() : run.verdict.evidence;
        return evidence.flatMap((e) => (e.type === 'matrix' ? [{ task: run.task.id, matrix: e }] : []));
      });
    return (await Promise.all(found)).flat();
  }

  /** The values that a lesson shows in its text. */
  observe(wanted: Observation[]): Promise<Observed[]> {
    return observe(wanted, this.#main.context);
  }

  trafficEvidence() {
    return this.#traffic?.evidence();
  }

  save(): GraderState {
    return {
      ...this.#main.save(),
      others: Object.fromEntries([...this.#others].map(([name, scope]) => [name, scope.save()])),
      startedAt: this.#startedAt,
      answers: this.#answers.save(),
    };
  }

  get #scopes(): ClusterScope[] {
    return [this.#main, ...this.#others.values()];
  }

  /** The cluster that a task is about. */
  #scopeOf({ id, cluster }: Task): ClusterScope {
    const [main] = clusterNames(this.#o.lab.cluster);
    if (cluster === undefined || cluster === main) return this.#main;
    const scope = this.#others.get(cluster);
    if (!scope) throw new AcademyError('lab/invalid', `Task ${id}: the lab has no cluster "${cluster}".`);
    return scope;
  }

  #blockerOf(needs: string[]): string | undefined {
    const open = this.#runs.find((run) => needs.includes(run.task.id) && run.verdict.state !== 'passed');
    return open?.task.title;
  }

  #reported(run: TaskRun): void {
    this.#o.onTask(this.#viewOf(run));
    // Others may wait for this one, or judge by whether everything else has passed.
    for (const other of this.#runs) {
      if (other !== run && (other.task.needs.includes(run.task.id) || other.task.mode === 'invariant'))
        void other.look();
    }
  }

  #viewOf(run: TaskRun): TaskView {
    const { id, title, points, mode, needs, hints } = run.task;
    const asks = this.#questionOf(run);
    return {
      id,
      title,
      points,
      mode,
      needs,
      hintsTotal: hints.length,
      hintsShown: this.#hints[id] ?? [],
      ...(asks ? { asks } : {}),
      verdict: run.verdict,
    };
  }

  /** The question of a task with the check `answer`, without what is right. */
  #questionOf({ task }: TaskRun): TaskView['asks'] {
    const id = task.check === 'answer' ? task.with['answer'] : undefined;
    const definition = typeof id === 'string' ? this.#answers.definition(id) : undefined;
    if (!definition) return undefined;
    const { question, options } = definition;
    return { answer: definition.id, question, ...(options ? { options } : {}) };
  }
}
