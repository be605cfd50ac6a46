import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Docker from 'dockerode';
import { Engine } from '#cluster/kind/engine.ts';

type Answer = (req: IncomingMessage, res: ServerResponse, body: string) => void;

/** An Engine on a socket that answers as a test wants it: with a cut connection, a stream without an end, a refusal. */
export class FakeEngine {
  readonly engine: Engine;
  readonly requests: string[] = [];
  readonly #server: Server;
  readonly #folder = mkdtempSync(join(tmpdir(), 'academy-engine-'));
  readonly #sockets = new Set<Socket>();
  readonly #answers = new Map<string, Answer>();
  onUpgrade: ((socket: Socket, path: string) => void) | undefined;

  constructor() {
    const socketPath = join(this.#folder, 'engine.sock');
    this.#server = createServer((req, res) => {
      const path = `${req.method} ${(req.url ?? '').split('?')[0]}`;
      this.requests.push(path);
      let body = '';
      req.on('data', (chunk) => {
        body += chunk;
      });
      req.on('end', () => {
        const answer = [...this.#answers].find(([pattern]) => new RegExp(`^${pattern}$`).test(path))?.[1];
        if (answer) answer(req, res, body);
        else res.writeHead(404, { 'content-type': 'application/json' }).end('{"message":"nothing here"}');
      });
    });
    this.#server.on('connection', (socket) => {
      this.#sockets.add(socket);
      socket.on('close', () => this.#sockets.delete(socket));
    });
    this.#server.on('upgrade', (req: IncomingMessage, socket: Socket) => {
      this.requests.push(`UPGRADE ${(req.url ?? '').split('?')[0]}`);
      socket.write('HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n');
      this.onUpgrade?.(socket, req.url ?? '');
    });
    this.#server.listen(socketPath);
    this.engine = new Engine(new Docker({ socketPath }));
  }

  /** `path`: method and path, a regular expression. */
  on(path: string, answer: Answer): this {
    this.#answers.set(path, answer);
    return this;
  }

  json(path: string, status: number, value: unknown): this {
    return this.on(path, (_req, res) =>
      res.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value)),
    );
  }

  /** Connections that are open at this moment. */
  get open(): number {
    return this.#sockets.size;
  }

  close(): void {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

/** One frame of a multiplexed stream. */
export function frame(stream: 1 | 2, text: string): Buffer {
  const body = Buffer.from(text);
  const head = Buffer.alloc(8);
  head[0] = stream;
  head.writeUInt32BE(body.length, 4);
  return Buffer.concat([head, body]);
}
