import { messageOf } from '#base/errors.ts';
import { parseGoDuration } from '#base/go-duration.ts';
import type { ContainerContext } from '#kube/images/program.ts';
import type { ProbeSpec } from './link.ts';
import type { MirrorMetrics } from './metrics.ts';

export interface ProbeOptions {
  /** What can make a call; the pod's own proxy carries it to the gateway. */
  context: Pick<ContainerContext, 'clock'>;
  /** `GET url`; resolves with the status. */
  call(url: string, timeoutMs: number): Promise<number>;
  spec: ProbeSpec;
  /** The Service whose endpoints are the gateway's addresses. */
  service: string;
  metrics: MirrorMetrics;
  signal: AbortSignal;
  log(level: 'info' | 'warning', message: string): void;
  onChange(alive: boolean): void;
}

/** Asks the gateway again and again whether it is there (service-mirror/probe_worker.go). Resolves when the signal aborts. */
export async function probeGateway(options: ProbeOptions): Promise<void> {
  const { context, spec, service, metrics, signal, log, onChange } = options;
  const { clock } = context;
  const periodMs = parseGoDuration(spec.period) ?? 3_000;
  const timeoutMs = parseGoDuration(spec.timeout) ?? 30_000;
  const threshold = Number(spec.failureThreshold ?? 3);
  const url = `http://${service}:${spec.port}${spec.path}`;
  let failures = 0;
  let alive = false;
  log('info', 'Starting probe worker');
  metrics.probing(true);
  while (!signal.aborted) {
    const wait = periodMs + (Math.random() * 2 - 1) * (periodMs / 10);
    await clock.sleep(wait, signal, { lazy: true }).catch(() => {});
    if (signal.aborted) break;
    const startedAt = clock.now();
    try {
      const status = await options.call(url, timeoutMs);
      if (status !== 200) throw new Error(`gateway returned unexpected status ${status}`);
      failures = 0;
      metrics.answered(clock.now() - startedAt);
      if (!alive) onChange(true);
      alive = true;
    } catch (error) {
      if (signal.aborted) break;
      log('warning', `problem connecting with gateway: ${messageOf(error)}`);
      failures++;
      if (failures < threshold) continue;
      log('warning', `Failure threshold (${threshold}) reached - Marking as unhealthy`);
      metrics.failed();
      if (alive) onChange(false);
      alive = false;
    }
  }
  metrics.probing(false);
  log('info', 'Stopping probe worker');
}
