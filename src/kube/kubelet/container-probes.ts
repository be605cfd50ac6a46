import { type Container, portOf, type Spec } from './container.ts';
import { type ProbeTarget, ProbeWorker } from './probe.ts';
import type { PodWorld } from './world.ts';

export interface ProbeHooks {
  exec(command: string[], timeoutMs: number): Promise<{ code: number; output: string }>;
  /** A container that must be restarted, with the probe's own grace period if it has one. */
  unhealthy(why: 'liveness' | 'startup', gracePeriodS: number | undefined): void;
  started(): void;
}

/** The probes of one container: startup first, then liveness and readiness, as long as it runs. */
export class ContainerProbes {
  readonly #container: Container;
  readonly #world: PodWorld;
  readonly #hooks: ProbeHooks;
  #readiness: ProbeWorker | undefined;
  #disruptive: ProbeWorker | undefined;

  constructor(container: Container, world: PodWorld, hooks: ProbeHooks) {
    this.#container = container;
    this.#world = world;
    this.#hooks = hooks;
  }

  /** The container runs. Without a startup probe it counts as started at once. */
  start(): void {
    const { spec } = this.#container;
    if (!spec.startupProbe) {
      this.#passedStartup();
      return;
    }
    this.#disruptive = this.#worker('Startup', spec.startupProbe, (ok) => {
      if (ok) this.#passedStartup();
      else this.#hooks.unhealthy('startup', spec.startupProbe.terminationGracePeriodSeconds);
    });
  }

  stop(): void {
    this.stopDisruptive();
    this.#readiness?.stop();
    this.#readiness = undefined;
  }

  /** A container that is being ended is still asked whether it is ready, but no longer restarted. */
  stopDisruptive(): void {
    this.#disruptive?.stop();
    this.#disruptive = undefined;
  }

  #passedStartup(): void {
    const container = this.#container;
    const { spec } = container;
    if (container.started) return;
    this.stopDisruptive();
    container.started = true;
    if (spec.livenessProbe)
      this.#disruptive = this.#worker('Liveness', spec.livenessProbe, (ok) => {
        if (!ok) this.#hooks.unhealthy('liveness', spec.livenessProbe.terminationGracePeriodSeconds);
      });
    if (spec.readinessProbe)
      this.#readiness = this.#worker('Readiness', spec.readinessProbe, (ok) => this.#setReady(ok));
    else this.#setReady(!container.isInit || container.isSidecar);
    this.#hooks.started();
    this.#world.changed();
  }

  #setReady(ready: boolean): void {
    if (this.#container.ready === ready) return;
    this.#container.ready = ready;
    this.#world.changed();
  }

  #worker(kind: 'Startup' | 'Liveness' | 'Readiness', probe: Spec, verdict: (ok: boolean) => void): ProbeWorker {
    const container = this.#container;
    const { node, ip } = this.#world;
    const target: ProbeTarget = {
      podIp: ip,
      node: node.network.node,
      port: (port) => portOf(container.spec, port),
      exec: this.#hooks.exec,
    };
    const list = container.isInit ? 'spec.initContainers' : 'spec.containers';
    const atOnce = kind !== 'Liveness' && container.image !== undefined && node.isMesh(container.image.image);
    const worker = new ProbeWorker({
      probe: atOnce ? { ...probe, initialDelaySeconds: 0 } : probe,
      target,
      clock: node.clock,
      eager: kind !== 'Liveness',
      verdict,
      failed: (output) =>
        this.#world.events.tell(
          this.#world.pod,
          'Warning',
          'Unhealthy',
          `${kind} probe failed: ${output}`,
          `${list}{${container.name}}`,
        ),
    });
    worker.start();
    return worker;
  }
}
