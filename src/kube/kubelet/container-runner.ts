import { messageOf } from '#base/errors.ts';
import type { ContainerContext } from '#kube/images/program.ts';
import type { Stdio } from '#shell/stdio.ts';
import { AttachedInput, type Container, portOf, type Spec } from './container.ts';
import { ContainerProbes } from './container-probes.ts';
import { before, Deadline } from './deadline.ts';
import { ConfigError } from './environment.ts';
import { runHook, runInContainer, whyMissing } from './hooks.ts';
import { pulledImage } from './image-pull.ts';
import type { ResolvedImage } from './image-store.ts';
import { LogBuffer } from './log-buffer.ts';
import { newContainerId, prepareContainer } from './prepare.ts';
import { TerminalDriver } from './tty.ts';
import type { PodWorld } from './world.ts';

/** Of a terminal whose client has not told its size. */
const DEFAULT_SIZE = { columns: 80, rows: 24 };
const FIRST_BACKOFF_MS = 10_000;
const LONGEST_BACKOFF_MS = 300_000;
/** A container that ran this long is started again without a pause. */
const FORGIVEN_AFTER_MS = 600_000;
/** The kubelet looks at a pod about this often: so long a failure is shown as such before it is called a back-off. */
const SYNC_MS = 9_000;
const CONFIG_RETRY_MS = 3_000;
/** What SIGKILL did not end by now is given up. */
const KILLED_WITHIN_MS = 2_000;
const LIVENESS_GRACE_S = 30;
const MESSAGE_BYTES = 4_096;

/** Starts one container, keeps it in the state its pod's policy asks for, and ends it. */
export class ContainerRunner {
  readonly container: Container;
  readonly #world: PodWorld;
  readonly #probes: ContainerProbes;
  #prepared: { context: Omit<ContainerContext, 'stdio'>; image: ResolvedImage } | undefined;
  #exited: Promise<void> = Promise.resolve();
  #onStarted: () => void = () => {};
  /** Resolves when the container was first past its startup probe; never when it does not get there. */
  readonly started: Promise<void>;

  constructor(container: Container, world: PodWorld) {
    this.container = container;
    this.#world = world;
    this.started = new Promise((resolve) => {
      this.#onStarted = resolve;
    });
    this.#probes = new ContainerProbes(container, world, {
      exec: (command, timeoutMs) => this.#probeExec(command, timeoutMs),
      unhealthy: (why, gracePeriodS) => void this.#restartUnhealthy(why, gracePeriodS),
      started: () => this.#onStarted(),
    });
  }

  /** What an exec needs; undefined while the container does not run. */
  get prepared(): { context: Omit<ContainerContext, 'stdio'>; image: ResolvedImage } | undefined {
    return this.container.running ? this.#prepared : undefined;
  }

  /** Runs the container until it will not be started again. Never rejects. */
  async run(): Promise<void> {
    const { container } = this;
    const { signal } = this.#world;
    while (!signal.aborted) {
      if (!(await this.#start())) return;
      await this.#exited;
      if (signal.aborted || !this.#again()) return;
      await this.#backOff();
      if (signal.aborted) return;
      container.restarts++;
    }
  }

  /** Runs it to its end and never again: an ephemeral container. */
  async runOnce(): Promise<void> {
    if (await this.#start()) await this.#exited;
  }

  /** preStop, SIGTERM, and SIGKILL when the time is over. Resolves when the process has ended. */
  async stop(deadline: Deadline, why = `Stopping container ${this.container.name}`): Promise<void> {
    const { container } = this;
    const { process } = container;
    if (!process) return;
    this.#tell('Normal', 'Killing', why);
    this.#probes.stopDisruptive();
    const preStop = container.spec.lifecycle?.preStop;
    if (preStop && this.#prepared && deadline.leftMs > 0) await this.#preStop(preStop, deadline);
    if (container.process !== process) return;
    process.kill((container.spec.lifecycle?.stopSignal as NodeJS.Signals | undefined) ?? 'SIGTERM');
    if (await before(this.#exited, deadline.passed)) return;
    await this.kill();
  }

  /** SIGKILL. Resolves when the process has ended, or is given up. */
  async kill(): Promise<void> {
    const { process } = this.container;
    if (!process) return;
    process.kill('SIGKILL');
    const waiting = AbortSignal.timeout(KILLED_WITHIN_MS);
    if (!(await before(this.#exited, waiting))) this.#ended(137);
  }

  /** Resolves true once the process runs; false when nothing is to be started any more. */
  async #start(): Promise<boolean> {
    const { container } = this;
    const { signal } = this.#world;
    for (;;) {
      const image = await pulledImage(container, this.#world, (...event) => this.#tell(...event));
      if (!image) return false;
      try {
        const context = await prepareContainer(container, image, this.#world);
        if (signal.aborted) return false;
        this.#tell('Normal', 'Created', 'Container created');
        this.#prepared = { context, image };
        this.#spawn(context, image);
        return true;
      } catch (error) {
        if (!(error instanceof ConfigError)) throw error;
        container.waiting = { reason: 'CreateContainerConfigError', message: error.message };
        container.terminated = undefined;
        this.#world.changed();
        this.#tell('Warning', 'Failed', `Error: ${error.message}`);
        await this.#pause(CONFIG_RETRY_MS);
        if (signal.aborted) return false;
      }
    }
  }

  #spawn(context: Omit<ContainerContext, 'stdio'>, image: ResolvedImage): void {
    const { container } = this;
    const { clock } = this.#world.node;
    if (container.log.next > 0 || container.terminated) container.previousLog = container.log;
    container.log = new LogBuffer();
    container.image = image;
    container.uid = context.uid;
    container.gid = context.gid ?? 0;
    container.groups = context.groups ?? [0];
    container.containerId = newContainerId();
    container.startedAt = clock.now();
    if (container.terminated) container.last = container.terminated;
    container.terminated = undefined;
    container.waiting = undefined;
    container.started = false;
    container.ready = false;
    container.stdin = container.spec.stdin ? new AttachedInput() : undefined;
    let process: ReturnType<typeof image.image.start>;
    try {
      process = image.image.start({
        ...context,
        ...(container.spec.tty ? { env: { TERM: 'xterm', ...context.env } } : {}),
        isMain: true,
        stdio: this.#streams(),
      });
    } catch (error) {
      this.#failedToStart(messageOf(error));
      return;
    }
    if (!process) {
      this.#failedToStart(
        `failed to create containerd task: failed to create shim task: OCI runtime create failed: runc create failed: unable to start container process: error during container init: exec: ${JSON.stringify(context.argv[0])}: ${whyMissing(context.argv[0] ?? '')}`,
      );
      return;
    }
    const started = process;
    container.process = started;
    this.#exited = started.exited.then(
      (code) => container.process === started && this.#ended(code),
      () => container.process === started && this.#ended(1),
    ) as Promise<void>;
    this.#tell('Normal', 'Started', 'Container started');
    void this.#afterStart(started);
  }

  async #afterStart(process: unknown): Promise<void> {
    const { container } = this;
    const postStart = container.spec.lifecycle?.postStart;
    if (postStart && this.#prepared) {
      try {
        await runHook(postStart, this.#hookWorld(this.#world.signal));
      } catch (error) {
        this.#tell('Warning', 'FailedPostStartHook', `PostStartHook failed: ${messageOf(error)}`);
        void this.kill();
        return;
      }
    }
    if (container.process !== process) return;
    this.#probes.start();
    this.#world.changed();
  }

  #failedToStart(message: string): void {
    const { container } = this;
    const now = this.#world.node.clock.now();
    this.#tell('Warning', 'Failed', `Error: ${message}`);
    container.terminated = {
      exitCode: 128,
      reason: 'StartError',
      message,
      startedAt: 0,
      finishedAt: now,
      containerId: container.containerId,
    };
    container.log.end(now);
    this.#exited = Promise.resolve();
    this.#world.changed();
  }

  #ended(code: number): void {
    const { container } = this;
    const now = this.#world.node.clock.now();
    this.#probes.stop();
    container.process = undefined;
    container.ready = container.isInit && !container.isSidecar && code === 0;
    container.started = false;
    container.log.end(now);
    container.stdin?.end();
    for (const writer of container.attached) writer.end();
    container.attached.clear();
    const message = this.#terminationMessage(code);
    container.terminated = {
      exitCode: code,
      reason: code === 0 ? 'Completed' : 'Error',
      ...(message ? { message } : {}),
      startedAt: container.startedAt,
      finishedAt: now,
      containerId: container.containerId,
    };
    this.#world.changed();
  }

  #terminationMessage(code: number): string | undefined {
    const { spec, log } = this.container;
    const written = this.#prepared?.context.files.readFile(spec.terminationMessagePath ?? '/dev/termination-log');
    if (written?.length) return Buffer.from(written.subarray(0, MESSAGE_BYTES)).toString();
    if (code === 0 || spec.terminationMessagePolicy !== 'FallbackToLogsOnError') return undefined;
    const lines = log.from(Math.max(0, log.next - 80)).map(({ text }) => `${text}\n`);
    return lines.join('').slice(-2_048) || undefined;
  }

  /** Whether the pod's policy wants the container that ended to be started again. */
  #again(): boolean {
    const { container } = this;
    const code = container.terminated?.exitCode ?? 0;
    if (container.isSidecar) return true;
    const policy: string = this.#world.pod.spec.restartPolicy ?? 'Always';
    if (container.isInit) return code !== 0 && policy !== 'Never';
    return policy === 'Always' || (policy === 'OnFailure' && code !== 0);
  }

  async #backOff(): Promise<void> {
    const { container } = this;
    const { pod, node } = this.#world;
    const ran = node.clock.now() - container.startedAt;
    if (ran > FORGIVEN_AFTER_MS) container.backoffMs = 0;
    const wait = container.backoffMs;
    container.backoffMs = wait === 0 ? FIRST_BACKOFF_MS : Math.min(LONGEST_BACKOFF_MS, wait * 2);
    if (wait === 0) return;
    const which = `${container.name} in pod ${pod.metadata.name}_${pod.metadata.namespace}(${pod.metadata.uid})`;
    this.#tell('Warning', 'BackOff', `Back-off restarting failed container ${which}`);
    await this.#pause(SYNC_MS);
    if (this.#world.signal.aborted) return;
    container.last = container.terminated;
    container.terminated = undefined;
    container.waiting = {
      reason: 'CrashLoopBackOff',
      message: `back-off ${seconds(wait)} restarting failed container=${container.name} pod=${pod.metadata.name}_${pod.metadata.namespace}(${pod.metadata.uid})`,
    };
    this.#world.changed();
    await this.#pause(Math.max(wait - SYNC_MS, 0) + 3_000);
    container.previousLog = container.log;
  }

  async #preStop(handler: Spec, deadline: Deadline): Promise<void> {
    const left = deadline.passed;
    try {
      await before(
        runHook(handler, this.#hookWorld(left)).catch((error: unknown) => {
          this.#tell('Warning', 'FailedPreStopHook', `PreStopHook failed: ${messageOf(error)}`);
        }),
        AbortSignal.any([left, this.#exitSignal()]),
      );
    } catch {
      // What the hook says of itself was told above.
    }
  }

  /** Aborted when the process ends by itself: nothing is left to wait for then. */
  #exitSignal(): AbortSignal {
    const abort = new AbortController();
    void this.#exited.then(() => abort.abort());
    return abort.signal;
  }

  async #restartUnhealthy(why: 'liveness' | 'startup', gracePeriodS: number | undefined): Promise<void> {
    const { container } = this;
    const { pod, node, ending } = this.#world;
    if (ending || !container.process) return;
    const grace = gracePeriodS ?? pod.spec.terminationGracePeriodSeconds ?? LIVENESS_GRACE_S;
    const deadline = new Deadline(node.clock, grace * 1000);
    await this.stop(deadline, `Container ${container.name} failed ${why} probe, will be restarted`);
    deadline.cancel();
  }

  async #probeExec(command: string[], timeoutMs: number): Promise<{ code: number; output: string }> {
    const { prepared } = this;
    if (!prepared) return { code: 1, output: 'container is not running' };
    return runInContainer(command, { ...prepared, signal: AbortSignal.timeout(timeoutMs) });
  }

  #hookWorld(signal: AbortSignal) {
    return {
      ...this.#prepared!,
      clock: this.#world.node.clock,
      node: this.#world.node.network.node,
      port: (port: number | string) => portOf(this.container.spec, port),
      signal,
    };
  }

  #streams(): Stdio {
    const { container } = this;
    const { clock } = this.#world.node;
    const { log, attached } = container;
    const pass = async (data: Uint8Array | string) => {
      for (const writer of attached) await writer.write(data).catch(() => attached.delete(writer));
    };
    const out = {
      write(data: Uint8Array | string): Promise<void> {
        log.append(data, clock.now());
        return attached.size === 0 ? DONE : pass(data);
      },
      end() {},
    };
    const nothing = new AttachedInput();
    nothing.end();
    const stdin = container.stdin ?? nothing;
    if (!container.spec.tty) return { stdin, stdout: out, stderr: out };
    container.terminal = new TerminalDriver(stdin, out, DEFAULT_SIZE, (signal) => container.process?.kill(signal));
    return container.terminal.stdio;
  }

  async #pause(ms: number): Promise<void> {
    await this.#world.node.clock.sleep(ms, this.#world.signal).catch(() => {});
  }

  #tell(type: 'Normal' | 'Warning', reason: string, message: string): void {
    const { container } = this;
    const list = container.isInit ? 'spec.initContainers' : 'spec.containers';
    this.#world.events.tell(this.#world.pod, type, reason, message, `${list}{${container.name}}`);
  }
}

const DONE = Promise.resolve();

const seconds = (ms: number): string => {
  const s = Math.round(ms / 1000);
  return s < 60 ? `${s}s` : `${Math.floor(s / 60)}m${s % 60}s`;
};
