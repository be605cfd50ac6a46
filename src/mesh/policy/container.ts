import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { TLSSocket, type TLSSocketOptions } from 'node:tls';
import { Lifecycle } from '#base/lifecycle.ts';
import { rfc3339 } from '#base/rfc3339.ts';
import type { AdmissionReview } from '#kube/api/admission-review.ts';
import type { ContainerContext, Process } from '#kube/images/program.ts';

/** What a control-plane program keeps: what to undo at its end, its log, and its exit. */
export class Running implements Process {
  readonly exited: Promise<number>;
  readonly life = new Lifecycle();
  readonly context: ContainerContext;
  #exit!: (code: number) => void;

  constructor(context: ContainerContext) {
    this.context = context;
    this.exited = new Promise((resolve) => {
      this.#exit = resolve;
    });
  }

  kill(signal: NodeJS.Signals): void {
    // A controller that is asked to end does so at once and cleanly.
    void this.exit(signal === 'SIGKILL' ? 137 : 0);
  }

  async exit(code: number): Promise<void> {
    await this.life.close().catch(() => {});
    this.#exit(code);
  }

  write(line: string): void {
    void this.context.stdio.stdout.write(`${line}\n`).catch(() => {});
  }

  /** A line as Rust's tracing prints it: instant, level, message. */
  trace(level: 'INFO' | 'WARN', message: string): void {
    const at = new Date(this.context.clock.now()).toISOString().replace('Z', '000Z');
    this.write(`${at} ${level.padStart(5)} ${message}`);
  }

  /** A line as logrus prints it; `fields` begin with a space. */
  logrus(level: 'info' | 'warning' | 'error' | 'fatal', message: string, fields = ''): void {
    const at = rfc3339(this.context.clock.now());
    this.write(`time="${at}" level=${level} msg=${JSON.stringify(message)}${fields}`);
  }

  /** The first line of every controller: the tag of its image, unless the environment says another version. */
  version(): void {
    const { env, image } = this.context;
    const tag = /:([^:/@]+)(?:@.*)?$/.exec(image)?.[1] ?? 'dev';
    this.logrus('info', `running version ${env['LINKERD_CONTAINER_VERSION_OVERRIDE'] ?? tag}`);
  }
}

type Handler = (request: IncomingMessage, response: ServerResponse) => void;

/** An HTTP server on a port of the pod; it listens nowhere else. */
export function serveHttp(running: Running, port: number, handler: Handler): void {
  const server = createServer(handler);
  const listener = running.context.net.listen(port, (connection) => server.emit('connection', connection), {
    uid: running.context.uid,
  });
  closing(running, server, () => listener.close());
}

/** The same over TLS, with the certificate that the mounted Secret holds at the time of each connection. */
export function serveHttps(
  running: Running,
  port: number,
  directory: string,
  handler: Handler,
  options: Pick<TLSSocketOptions, 'requestCert' | 'rejectUnauthorized' | 'minVersion'> = {},
): void {
  const { context } = running;
  const server = createServer(handler);
  const listener = context.net.listen(
    port,
    (connection) => {
      const cert = context.files.readFile(`${directory}/tls.crt`);
      const key = context.files.readFile(`${directory}/tls.key`);
      if (!cert || !key) return connection.reset();
      try {
        const socket = new TLSSocket(connection, {
          isServer: true,
          cert: Buffer.from(cert),
          key: Buffer.from(key),
          minVersion: 'TLSv1.2',
          ...options,
        });
        socket.on('error', () => connection.destroy());
        server.emit('connection', socket);
      } catch {
        connection.reset();
      }
    },
    { uid: context.uid },
  );
  closing(running, server, () => listener.close());
}

function closing(running: Running, server: Server, stopListening: () => void): void {
  running.life.add(() => {
    stopListening();
    server.closeAllConnections();
    server.close();
  });
}

/** Liveness, readiness and metrics of a controller, on its admin port. */
export function serveAdmin(running: Running, port: number, options: { ready(): boolean; metrics?(): string }): void {
  serveHttp(running, port, (request, response) => {
    const path = request.url?.split('?')[0];
    if (path === '/ping' || path === '/live') response.end(path === '/ping' ? 'pong\n' : 'live\n');
    else if (path === '/ready') {
      const ready = options.ready();
      response.writeHead(ready ? 200 : 503).end(ready ? 'ok\n' : 'not ready\n');
    } else if (path === '/metrics') {
      response.setHeader('content-type', 'text/plain; version=0.0.4').end(options.metrics?.() ?? '');
    } else response.writeHead(404).end();
  });
}

/** An admission webhook: takes AdmissionReviews at `/` and answers them. */
export function serveWebhook(
  running: Running,
  port: number,
  directory: string,
  review: (review: AdmissionReview) => unknown,
): void {
  serveHttps(running, port, directory, (request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('error', () => {});
    request.on('end', () => {
      if (request.method !== 'POST' || request.url?.split('?')[0] !== '/') return response.writeHead(404).end();
      try {
        const answer = JSON.stringify(review(JSON.parse(Buffer.concat(chunks).toString())));
        response.setHeader('content-type', 'application/json').end(answer);
      } catch {
        response.writeHead(400).end();
      }
    });
  });
}

/** Flags as the controllers take them: `-name=value`, `--name=value`. */
export function readArguments(argv: string[]): Map<string, string> {
  const out = new Map<string, string>();
  for (const word of argv) {
    const [, name, value] = /^--?([a-z0-9-]+)(?:=([\s\S]*))?$/i.exec(word) ?? [];
    if (name) out.set(name, value ?? 'true');
  }
  return out;
}

/** The port of `0.0.0.0:8090` or `:8086`. */
export const portOf = (address: string | undefined, otherwise: number): number =>
  Number(/:(\d+)$/.exec(address ?? '')?.[1] ?? otherwise);
