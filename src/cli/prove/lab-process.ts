import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { WallClock } from '#base/clock.ts';
import { AcademyError } from '#base/errors.ts';
import { secretId } from '#base/ids.ts';
import type { DriverName } from '#cluster/driver.ts';
import type { KindSettings } from '#cluster/kind/settings.ts';
import type { ClientMessage, TaskView } from '#schema/protocol.ts';
import type { FromWorker } from '#server/sessions/channel.ts';
import type { LoadedLab } from '#server/sessions/lab-source.ts';
import { SessionWorker } from '#server/sessions/session-worker.ts';
import { keepHeapsSmall } from '#server/sessions/small-heaps.ts';
import { type Phase, Stopwatch, type Timing } from './timing.ts';
import type { WarmWorkers } from './warm-workers.ts';

/** Which part of a run has ended when a step of the bring-up has. */
const PHASE_OF_STEP: Record<string, Phase> = {
  'control-plane': 'cluster',
  node: 'cluster',
  mesh: 'mesh',
  'mesh-ready': 'mesh',
  lab: 'start',
  workloads: 'start',
};

/**
 * One lab in one session worker, without a server: what proofs and benchmarks drive. It is the worker that learners get,
 * so that what is proved is what they meet.
 */
export class LabProcess {
  readonly #worker: SessionWorker;
  readonly #workers: WarmWorkers | undefined;
  readonly #watch: Stopwatch;
  readonly #dir = mkdtempSync(join(tmpdir(), 'academy-proof-'));
  readonly #clock = new WallClock();
  readonly #watchers = new Set<() => void>();
  #tasks: TaskView[] = [];
  #ready = false;
  #settled = false;
  /** A node of real Kubernetes on a busy host takes its time. */
  readonly #readyWithinMs: number;
  #death: AcademyError | undefined;
  #scriptDone: ((result: { code: number; output: string }) => void) | undefined;
  /** Where the Kubernetes API of this lab's cluster listens, and its token. */
  readonly api: { socketPath: string; token: string };

  constructor(
    lab: LoadedLab,
    options: {
      entry: URL;
      driver: DriverName;
      kind?: KindSettings;
      memoryMb?: number;
      /** Threads that are used again; without them the session has a new one, as a learner's has. */
      workers?: WarmWorkers;
      /** Each look of the grader is a message. */
      tellLooks?: boolean;
      onMessage?(message: FromWorker): void;
    },
  ) {
    this.#workers = options.workers;
    this.#readyWithinMs = options.driver === 'kind' ? 600_000 : 180_000;
    if (!options.workers) keepHeapsSmall();
    this.api = { socketPath: join(this.#dir, 'api.sock'), token: secretId() };
    this.#worker =
      options.workers?.take() ??
      new SessionWorker({ entry: options.entry, memoryMb: options.memoryMb ?? 384, clock: this.#clock });
    this.#watch = new Stopwatch(() => this.#worker.cpuMs());
    this.#worker.listen(
      (message) => {
        options.onMessage?.(message);
        this.#receive(message);
      },
      (code, message) => this.#die(new AcademyError(code, message)),
    );
    this.#worker.send({
      type: 'start',
      id: 'proof',
      cluster: secretId()
        .toLowerCase()
        .replaceAll(/[^a-z0-9]/g, '0')
        .slice(0, 12),
      ...(options.kind ? { kind: options.kind } : {}),
      lab,
      driver: options.driver,
      ...this.api,
      api: { url: 'https://127.0.0.1', ca: '' },
      others: Object.fromEntries(
        lab.definition.cluster.others.map(({ name }) => [
          name,
          {
            socketPath: join(this.#dir, `${name}.sock`),
            token: secretId(),
            api: { url: `https://127.0.0.1/clusters/${name}`, ca: '' },
          },
        ]),
      ),
      files: undefined,
      history: [],
      hints: {},
      snapshot: undefined,
      tellLooks: options.tellLooks ?? false,
      proof: true,
    });
  }

  get tasks(): readonly TaskView[] {
    return this.#tasks;
  }

  /** Resolves when the learner would be let in. */
  ready(timeoutMs = this.#readyWithinMs): Promise<void> {
    return this.until(() => this.#ready, timeoutMs, 'the lab to be set up');
  }

  async run(script: string): Promise<{ code: number; output: string }> {
    const done = new Promise<{ code: number; output: string }>((resolve) => {
      this.#scriptDone = resolve;
    });
    this.#worker.send({ type: 'script', script });
    let result: { code: number; output: string } | undefined;
    void done.then((value) => {
      result = value;
      this.#changed();
    });
    await this.until(() => result !== undefined, 300_000, 'the script to end');
    return result!;
  }

  /** Resolves when no verdict is about to change (see `Grader.settled`), or as soon as `condition` holds. */
  async settled(atLeastMs: number, atMostMs: number, condition: () => boolean): Promise<void> {
    this.#settled = false;
    this.#worker.send({ type: 'settle', atLeastMs, atMostMs });
    await this.until(() => this.#settled || condition(), atMostMs + 30_000, 'the world to come to rest');
  }

  /** Sends what a learner's page would send. */
  tell(message: ClientMessage): void {
    this.#worker.send({ type: 'client', message });
  }

  /** Answers a question of the lab. */
  answer(id: string, value: string): void {
    this.tell({ type: 'answer.submit', answer: id, value });
  }

  /** Resolves when `condition` holds; rejects after `timeoutMs`, or when the session dies. */
  async until(condition: () => boolean, timeoutMs: number, what: string): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      const timer = setTimeout(() => finish(() => reject(new Error(`timed out waiting for ${what}`))), timeoutMs);
      const finish = (settle: () => void) => {
        clearTimeout(timer);
        this.#watchers.delete(look);
        settle();
      };
      const look = () => {
        if (this.#death) finish(() => reject(this.#death));
        else if (condition()) finish(resolve);
      };
      this.#watchers.add(look);
      look();
    });
  }

  /** Says what the time since the last such call was spent on. */
  ended(phase: Phase): void {
    this.#watch.ended(phase);
  }

  timing(): Promise<Timing> {
    return this.#watch.timing();
  }

  async stop(): Promise<void> {
    await (this.#workers ? this.#workers.giveBack(this.#worker) : this.#worker.stop());
    rmSync(this.#dir, { recursive: true, force: true });
  }

  #receive(message: FromWorker): void {
    if (message.type === 'ready') this.#ready = true;
    else if (message.type === 'loaded') this.#watch.ended('load');
    else if (message.type === 'step' && message.step.state === 'done')
      this.#watch.ended(PHASE_OF_STEP[message.step.step] ?? 'cluster');
    else if (message.type === 'ran') this.#watch.ran(message.command, message.tookMs);
    else if (message.type === 'tasks') this.#tasks = message.tasks;
    else if (message.type === 'task')
      this.#tasks = this.#tasks.map((t) => (t.id === message.task.id ? message.task : t));
    else if (message.type === 'script.done') this.#scriptDone?.(message);
    else if (message.type === 'settled') this.#settled = true;
    else if (message.type === 'failed') this.#death = new AcademyError(message.code, message.message);
    this.#changed();
  }

  #die(error: AcademyError): void {
    this.#death = error;
    this.#changed();
  }

  #changed(): void {
    for (const look of [...this.#watchers]) look();
  }
}
