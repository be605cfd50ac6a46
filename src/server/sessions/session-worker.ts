import { Worker } from 'node:worker_threads';
import type { Clock, Timer } from '#base/clock.ts';
import type { ErrorCode } from '#base/errors.ts';
import type { FromWorker, ToWorker } from './channel.ts';

/** A worker that answers no ping for this long is stuck in a loop and is ended. */
const STUCK_AFTER_MS = 12_000;
const PING_EVERY_MS = 3_000;
/** How long a worker may take to clean up before it is terminated; a kind cluster takes some seconds to remove. */
const STOP_WITHIN_MS = 15_000;
const SAVE_WITHIN_MS = 3_000;

/**
 * The server's handle on one session's worker thread: messages, a watchdog, and an honest name for every way it can
 * die. A worker has its own heap with a cap; running out of it, or looping without a pause, ends that session only.
 */
export class SessionWorker {
  readonly #worker: Worker;
  readonly #clock: Clock;
  readonly #memoryMb: number;
  #onMessage: ((message: FromWorker) => void) | undefined;
  #onDeath: ((code: ErrorCode, message: string) => void) | undefined;
  #held: FromWorker[] = [];
  #death: [ErrorCode, string] | undefined;
  #watchdog: Timer | undefined;
  #pinged = 0;
  #answered = 0;
  #lastAnswerAt: number;
  #stopping: Promise<void> | undefined;
  #saved: (() => void) | undefined;
  /** True once the shell answers; before that, messages of pages wait. */
  accepting = false;
  /** Called when the shell answers. */
  onAccepting: (() => void) | undefined;

  /** `youngMb`: room for what has just been made; more of it costs memory and saves collections. */
  constructor(options: { entry: URL; memoryMb: number; youngMb?: number; clock: Clock; execArgv?: string[] }) {
    this.#clock = options.clock;
    this.#memoryMb = options.memoryMb;
    this.#lastAnswerAt = options.clock.now();
    this.#worker = new Worker(options.entry, {
      name: 'session',
      resourceLimits: {
        maxOldGenerationSizeMb: options.memoryMb,
        maxYoungGenerationSizeMb: options.youngMb ?? 3,
        stackSizeMb: 4,
      },
      env: engineAddress(process.env),
      ...(options.execArgv ? { execArgv: options.execArgv } : {}),
      // What a learner's code prints stays in the learner's terminal; a worker writes nothing to the server's streams.
      stdout: true,
      stderr: true,
    });
    this.#worker.unref();
    this.#worker.on('message', (message: FromWorker) => this.#receive(message));
    this.#worker.on('error', (error: Error & { code?: string }) => {
      if (error.code === 'ERR_WORKER_OUT_OF_MEMORY') {
        this.#die('session/out-of-memory', `The session used more than its ${options.memoryMb} MiB of memory.`);
      } else {
        this.#die('session/crashed', `The session met a mistake of ours and was ended: ${firstLine(error)}`);
      }
    });
    this.#worker.on('exit', () => this.#die('session/crashed', 'The session ended unexpectedly.'));
  }

  /** Messages that came before are delivered at once. */
  listen(onMessage: (message: FromWorker) => void, onDeath: (code: ErrorCode, message: string) => void): void {
    this.#onMessage = onMessage;
    this.#onDeath = onDeath;
    for (const message of this.#held.splice(0)) onMessage(message);
    if (this.#death) onDeath(...this.#death);
    this.#watchdog ??= this.#clock.setInterval(() => this.#watch(), PING_EVERY_MS);
  }

  send(message: ToWorker): void {
    this.#worker.postMessage(message);
  }

  /** Asks for a snapshot and waits until it arrived, at most three seconds. */
  async save(): Promise<void> {
    if (!this.accepting) return;
    await Promise.race([
      new Promise<void>((resolve) => {
        this.#saved = resolve;
        this.send({ type: 'save' });
      }),
      this.#clock.sleep(SAVE_WITHIN_MS),
    ]);
  }

  /** Processor time that the thread has used, ms. */
  async cpuMs(): Promise<number> {
    const { user, system } = await this.#worker.cpuUsage();
    return (user + system) / 1_000;
  }

  /** Ends the session and keeps the thread for another one. False when it did not end in time, or was dead. */
  async rest(): Promise<boolean> {
    this.#watchdog?.cancel();
    this.#watchdog = undefined;
    this.#onDeath = undefined;
    const stopped = new Promise<boolean>((resolve) => {
      this.#onMessage = (message) => message.type === 'stopped' && resolve(true);
    });
    this.send({ type: 'stop', keep: false, stay: true });
    const rested = await Promise.race([stopped, this.#clock.sleep(STOP_WITHIN_MS).then(() => false)]);
    this.accepting = false;
    this.#onMessage = undefined;
    return rested && !this.#death;
  }

  /** `keep`: the session will be come back to. */
  stop(options: { keep: boolean } = { keep: false }): Promise<void> {
    this.#stopping ??= (async () => {
      this.#watchdog?.cancel();
      // Until it has ended the process must not: what it made is being taken away.
      this.#worker.ref();
      this.send({ type: 'stop', keep: options.keep });
      await Promise.race([
        new Promise<void>((resolve) => this.#worker.once('exit', () => resolve())),
        this.#clock.sleep(STOP_WITHIN_MS),
      ]);
      await this.#worker.terminate();
    })();
    return this.#stopping;
  }

  #receive(message: FromWorker): void {
    if (message.type === 'pong') {
      this.#answered = message.n;
      this.#lastAnswerAt = this.#clock.now();
      if (message.memoryMb > this.#memoryMb) {
        this.#die('session/out-of-memory', `The session used more than its ${this.#memoryMb} MiB of memory.`);
        void this.#worker.terminate();
      }
      return;
    }
    if (message.type === 'prompt') {
      this.accepting = true;
      this.onAccepting?.();
    }
    if (message.type === 'snapshot') this.#saved?.();
    if (this.#onMessage) this.#onMessage(message);
    else this.#held.push(message);
  }

  #watch(): void {
    const now = this.#clock.now();
    if (this.#answered < this.#pinged && now - this.#lastAnswerAt > STUCK_AFTER_MS) {
      this.#die('session/stuck', 'The session did not answer for twelve seconds: something in it ran without a pause.');
      void this.#worker.terminate();
      return;
    }
    if (this.#answered === this.#pinged) {
      this.#lastAnswerAt = now;
      this.send({ type: 'ping', n: ++this.#pinged });
    }
  }

  #die(code: ErrorCode, message: string): void {
    this.#watchdog?.cancel();
    if (this.#stopping || this.#death) return;
    this.#death = [code, message];
    this.#onDeath?.(code, message);
  }
}

function firstLine(error: Error): string {
  return (error.message || error.name || 'unknown').split('\n')[0]!.slice(0, 200);
}

/** What says where the Docker Engine is (DOCKER_HOST and its kin); a worker needs nothing else of the environment. */
function engineAddress(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(env).filter(([name]) => name.startsWith('DOCKER_')));
}
