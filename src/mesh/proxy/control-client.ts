import type { Duplex } from 'node:stream';
import type { Clock, Timer } from '#base/clock.ts';
import type { CallMeter } from '#mesh/api/grpc.ts';
import type { ControlDialer, Controller } from './control.ts';
import { CONTROL_FAILFAST_MS } from './control-metrics.ts';
import type { ProxyLog } from './log.ts';

/** A way to a controller, as the clients above have it. */
export interface ControlLink {
  dial(signal: AbortSignal): Promise<Duplex>;
  /** Counts the calls that are made on what was dialled. */
  calls?: CallMeter;
  /** A request waits for a connection until the returned function is called. */
  wait?(): () => void;
  /** A request finds a connection ready. */
  pass?(): void;
  /** A stream brought nothing in time, and is asked for again; `where` stands in the log. */
  silent?(where: string): void;
}

export interface ControlClientOptions {
  dialer: ControlDialer;
  controller: Controller;
  clock: Clock;
  log: ProxyLog;
}

/**
 * Connections to one controller and the requests that wait for one: when none came for long, the gate is shut until one
 * does (linkerd/proxy/balance/queue/src/worker.rs).
 */
export class ControlClient implements ControlLink {
  readonly #options: ControlClientOptions;
  /** Of those that wait, each to be told when the gate is shut. */
  readonly #waiting = new Set<() => void>();
  #timer: Timer | undefined;
  #since = 0;
  #isShut = false;

  constructor(options: ControlClientOptions) {
    this.#options = options;
  }

  get calls(): CallMeter {
    return this.#options.controller.metrics;
  }

  async dial(signal: AbortSignal): Promise<Duplex> {
    const { dialer, controller } = this.#options;
    const connection = await dialer.dial(controller, signal);
    this.#available();
    return connection;
  }

  /** `onShut` hears that it was in vain; no request gets as far as the queue while the gate is shut. */
  wait(onShut: () => void = () => {}): () => void {
    if (this.#isShut) return () => {};
    const { clock, controller } = this.#options;
    const { queue } = controller.metrics;
    const since = queue?.enter() ?? 0;
    let waits = true;
    const leave = () => {
      if (!waits) return;
      waits = false;
      this.#waiting.delete(shut);
      queue?.leave(since);
    };
    const shut = () => {
      leave();
      onShut();
    };
    this.#waiting.add(shut);
    if (!this.#timer) {
      this.#since = clock.now();
      this.#timer = clock.setTimeout(() => this.#failFast(), CONTROL_FAILFAST_MS, { lazy: true });
    }
    return leave;
  }

  pass(): void {
    const { queue } = this.#options.controller.metrics;
    queue?.leave(queue.enter());
  }

  silent(where: string): void {
    this.#options.log.warn(
      where,
      'Unexpected policy controller response; retrying with a backoff grpc.status=Deadline expired before operation could complete grpc.message="initial item not received within timeout"',
    );
  }

  /** A new balancer takes the place of the last, its gate open. */
  renew(): void {
    this.close();
    this.#isShut = false;
    this.#options.controller.metrics.built();
  }

  close(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  #failFast(): void {
    this.#timer = undefined;
    this.#isShut = true;
    this.#tell(`Unavailable; entering failfast timeout=${(CONTROL_FAILFAST_MS / 1000).toFixed(1)}`);
    this.#options.controller.metrics.queue?.shut();
    for (const shut of [...this.#waiting]) shut();
  }

  #available(): void {
    this.close();
    if (!this.#isShut) return;
    this.#isShut = false;
    const { clock, controller } = this.#options;
    controller.metrics.queue?.open();
    this.#tell(`Available; exited failfast elapsed=${(clock.now() - this.#since) / 1000}`);
  }

  #tell(what: string): void {
    const { span, to } = this.#options.controller;
    const where = `${span}:controller{addr=${to.host}:${to.port}}: linkerd_proxy_balance_queue::worker`;
    this.#options.log.info(where, what, span.startsWith('identity') ? 2 : 1);
  }
}
