import { request } from 'node:http';
import { connect as connectHttp2 } from 'node:http2';
import type { Clock } from '#base/clock.ts';
import type { KubeObject } from '#kube/api/types.ts';
import type { NetNs } from '#kube/network/network.ts';

export interface ProbeTarget {
  podIp: string;
  /** The node's namespace: the kubelet probes from there. */
  node: NetNs;
  /** Number of a named port of the container. */
  port(port: number | string): number | undefined;
  exec(command: string[], timeoutMs: number): Promise<{ code: number; output: string }>;
}

export interface ProbeResult {
  ok: boolean;
  /** The kubelet's words for an event. */
  output: string;
}

type Spec = KubeObject['spec'];

/** Asks once. Source: pkg/probe. */
export async function probeOnce(probe: Spec, target: ProbeTarget): Promise<ProbeResult> {
  const timeoutMs = (probe.timeoutSeconds ?? 1) * 1000;
  try {
    if (probe.httpGet) return await httpProbe(probe.httpGet, target, timeoutMs);
    if (probe.tcpSocket) {
      const connection = await target.node.dial(
        probe.tcpSocket.host ?? target.podIp,
        target.port(probe.tcpSocket.port) ?? 0,
        { timeoutMs },
      );
      connection.destroy();
      return { ok: true, output: '' };
    }
    if (probe.exec) {
      const { code, output } = await target.exec(probe.exec.command ?? [], timeoutMs);
      return { ok: code === 0, output };
    }
    if (probe.grpc) return await grpcProbe(probe.grpc, target, timeoutMs);
    return { ok: true, output: '' };
  } catch (error) {
    return { ok: false, output: reasonOf(error as Error & { code?: string }, probe, target) };
  }
}

function reasonOf(error: Error & { code?: string }, probe: Spec, target: ProbeTarget): string {
  const { httpGet, tcpSocket } = probe;
  const port = target.port((httpGet ?? tcpSocket)?.port ?? 0);
  const refusedOrReset =
    error.code === 'ECONNREFUSED'
      ? 'connect: connection refused'
      : error.code === 'ECONNRESET'
        ? 'read: connection reset by peer'
        : error.message;
  if (httpGet) {
    const url = `${(httpGet.scheme ?? 'HTTP').toLowerCase()}://${target.podIp}:${port}${httpGet.path ?? '/'}`;
    if (error.name === 'TimeoutError')
      return `Get ${JSON.stringify(url)}: context deadline exceeded (Client.Timeout exceeded while awaiting headers)`;
    return `Get ${JSON.stringify(url)}: dial tcp ${target.podIp}:${port}: ${refusedOrReset}`;
  }
  return tcpSocket ? `dial tcp ${target.podIp}:${port}: ${refusedOrReset}` : error.message;
}

async function httpProbe(get: Spec, target: ProbeTarget, timeoutMs: number): Promise<ProbeResult> {
  const port = target.port(get.port);
  if (port === undefined) return { ok: false, output: `couldn't find port: ${get.port}` };
  const connection = await target.node.dial(get.host ?? target.podIp, port, { timeoutMs });
  connection.on('error', () => {});
  try {
    return await new Promise<ProbeResult>((resolve, reject) => {
      const headers: Record<string, string> = {
        host: `${target.podIp}:${port}`,
        'user-agent': 'kube-probe/1.35',
        accept: '*/*',
        connection: 'close',
      };
      for (const { name, value } of get.httpHeaders ?? []) headers[String(name).toLowerCase()] = value;
      const timer = setTimeout(() => fail(Object.assign(new Error('timeout'), { name: 'TimeoutError' })), timeoutMs);
      const fail = (error: Error) => {
        clearTimeout(timer);
        reject(error);
      };
      const req = request(
        { createConnection: () => connection as never, method: 'GET', path: get.path ?? '/', headers },
        (res) => {
          clearTimeout(timer);
          res.resume();
          const status = res.statusCode ?? 0;
          resolve(
            status >= 200 && status < 400
              ? { ok: true, output: '' }
              : { ok: false, output: `HTTP probe failed with statuscode: ${status}` },
          );
        },
      );
      req.on('error', fail);
      req.end();
    });
  } finally {
    connection.destroy();
  }
}

/** grpc.health.v1.Health/Check: SERVING is the varint 1 in field 1. */
async function grpcProbe(grpc: Spec, target: ProbeTarget, timeoutMs: number): Promise<ProbeResult> {
  const connection = await target.node.dial(target.podIp, grpc.port, { timeoutMs });
  const session = connectHttp2('http://pod', { createConnection: () => connection });
  try {
    return await new Promise<ProbeResult>((resolve, reject) => {
      session.on('error', reject);
      const stream = session.request({
        ':method': 'POST',
        ':path': '/grpc.health.v1.Health/Check',
        'content-type': 'application/grpc',
        te: 'trailers',
      });
      const name = Buffer.from(grpc.service ?? '');
      const message = name.length > 0 ? Buffer.concat([Buffer.from([0x0a, name.length]), name]) : name;
      const frame = Buffer.alloc(5);
      frame.writeUInt32BE(message.length, 1);
      let data = Buffer.alloc(0);
      stream.on('data', (chunk: Buffer) => {
        data = Buffer.concat([data, chunk]);
      });
      stream.on('end', () =>
        resolve(
          data[5] === 0x08 && data[6] === 1
            ? { ok: true, output: '' }
            : { ok: false, output: 'service unhealthy (responded with "NOT_SERVING")' },
        ),
      );
      stream.on('error', reject);
      stream.setTimeout(timeoutMs, () => reject(new Error('timeout: failed to connect service')));
      stream.end(Buffer.concat([frame, message]));
    });
  } finally {
    session.destroy();
  }
}

/**
 * A program of this node is up within milliseconds. Before its first success a probe is asked in these steps, ms, so that
 * nobody waits a whole period for that; only what is due by the period counts as a failure.
 */
const EARLY_STEPS_MS = [15, 30, 60, 120, 250, 500];

/** Failures in a row after which a clock that is moved goes past the next ones. */
const MOST_LIVE_FAILURES = 30;

/** Runs one probe of a container on its schedule and tells when its verdict changes. */
export class ProbeWorker {
  readonly #probe: Spec;
  readonly #target: ProbeTarget;
  readonly #clock: Clock;
  readonly #verdict: (ok: boolean, output: string) => void;
  readonly #failed: (output: string) => void;
  #early: number[];
  #successes = 0;
  #failures = 0;
  #stopped = false;
  #timer: { cancel(): void } | undefined;

  /** `failed` hears of every failure that counts (for events), `verdict` of thresholds reached. */
  constructor(o: {
    probe: Spec;
    target: ProbeTarget;
    clock: Clock;
    /** Whether to look early for the first success. */
    eager: boolean;
    verdict: (ok: boolean, output: string) => void;
    failed: (output: string) => void;
  }) {
    this.#probe = o.probe;
    this.#target = o.target;
    this.#clock = o.clock;
    this.#verdict = o.verdict;
    this.#failed = o.failed;
    const period = (o.probe.periodSeconds ?? 10) * 1000;
    let sum = 0;
    this.#early = o.eager
      ? EARLY_STEPS_MS.filter((step) => {
          sum += step;
          return sum < period;
        })
      : [];
  }

  start(): void {
    this.#timer = this.#clock.setTimeout(() => void this.#ask(), (this.#probe.initialDelaySeconds ?? 0) * 1000);
  }
  stop(): void {
    this.#stopped = true;
    this.#timer?.cancel();
  }

  async #ask(): Promise<void> {
    const release = this.#clock.hold?.();
    const { ok, output } = await probeOnce(this.#probe, this.#target);
    release?.();
    if (this.#stopped) return;
    let next = (this.#probe.periodSeconds ?? 10) * 1000;
    if (ok) {
      this.#early = [];
      this.#failures = 0;
      if (++this.#successes >= (this.#probe.successThreshold ?? 1)) this.#verdict(true, '');
    } else {
      this.#successes = 0;
      const soon = this.#early.shift();
      if (soon === undefined) {
        this.#failed(output);
        if (++this.#failures >= (this.#probe.failureThreshold ?? 3)) this.#verdict(false, output);
      } else next = soon;
    }
    // What is well, or fails for good, is not asked a thousand times while the clock is moved.
    const lazy = ok || this.#failures > MOST_LIVE_FAILURES;
    if (!this.#stopped) this.#timer = this.#clock.setTimeout(() => void this.#ask(), next, { lazy });
  }
}
