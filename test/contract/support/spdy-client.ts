import { request } from 'node:http';
import type { Duplex } from 'node:stream';
import { constants, createDeflate } from 'node:zlib';
import { SPDY_DICTIONARY } from '#kube/apiserver/front/spdy-dictionary.ts';

const [SYN_STREAM, RST_STREAM, FLAG_FIN] = [1, 3, 1];

/** The client's end of a SPDY/3.1 connection, as Go clients use one: streams with headers, data, ends. */
export class SpdyClient {
  readonly protocol: string | undefined;
  readonly #socket: Duplex;
  readonly #deflate = createDeflate({ dictionary: SPDY_DICTIONARY, flush: constants.Z_SYNC_FLUSH });
  readonly #streams = new Map<number, { text: string; ended: boolean; reset: boolean }>();
  readonly #watchers = new Set<() => void>();
  #buffer = Buffer.alloc(0);
  #opening: Promise<unknown> = Promise.resolve();
  #nextId = 1;
  #isClosed = false;

  constructor(socket: Duplex, protocol: string | undefined) {
    this.#socket = socket;
    this.protocol = protocol;
    socket.on('data', (chunk: Buffer) => this.#receive(chunk));
    socket.on('error', () => {});
    socket.on('close', () => {
      this.#isClosed = true;
      for (const look of this.#watchers) look();
    });
  }

  /** One after the other: header blocks share a compression. */
  open(headers: Record<string, string>): Promise<number> {
    const opened = this.#opening.then(() => this.#open(headers));
    this.#opening = opened;
    return opened;
  }

  async #open(headers: Record<string, string>): Promise<number> {
    const id = this.#nextId;
    this.#nextId += 2;
    this.#streams.set(id, { text: '', ended: false, reset: false });
    const word = (text: string) => {
      const bytes = Buffer.from(text);
      const length = Buffer.alloc(4);
      length.writeUInt32BE(bytes.length);
      return Buffer.concat([length, bytes]);
    };
    const count = Buffer.alloc(4);
    count.writeUInt32BE(Object.keys(headers).length);
    const block = Buffer.concat([count, ...Object.entries(headers).flatMap((pair) => pair.map(word))]);
    const packed = await new Promise<Buffer>((resolve) => {
      const chunks: Buffer[] = [];
      const take = (chunk: Buffer) => chunks.push(chunk);
      this.#deflate.on('data', take);
      this.#deflate.write(block);
      this.#deflate.flush(constants.Z_SYNC_FLUSH, () =>
        setImmediate(() => {
          this.#deflate.off('data', take);
          resolve(Buffer.concat(chunks));
        }),
      );
    });
    const body = Buffer.alloc(10);
    body.writeUInt32BE(id, 0);
    const head = Buffer.alloc(8);
    head.writeUInt16BE(0x8003, 0);
    head.writeUInt16BE(SYN_STREAM!, 2);
    head.writeUIntBE(body.length + packed.length, 5, 3);
    this.#socket.write(Buffer.concat([head, body, packed]));
    return id;
  }

  write(id: number, data: string, end = false): void {
    const head = Buffer.alloc(8);
    head.writeUInt32BE(id, 0);
    head.writeUInt8(end ? FLAG_FIN! : 0, 4);
    head.writeUIntBE(Buffer.byteLength(data), 5, 3);
    this.#socket.write(Buffer.concat([head, Buffer.from(data)]));
  }

  /** Everything that a stream brought, once it ended. */
  async read(id: number): Promise<string> {
    const stream = this.#streams.get(id)!;
    await this.#until(() => stream.ended || stream.reset);
    return stream.text;
  }

  /** Resolves when the server closed the connection. */
  closed(): Promise<void> {
    return this.#until(() => this.#isClosed);
  }

  close(): void {
    this.#socket.destroy();
  }

  #until(condition: () => boolean): Promise<void> {
    return new Promise((resolve) => {
      const look = () => {
        if (!condition() && !this.#isClosed) return;
        this.#watchers.delete(look);
        resolve();
      };
      this.#watchers.add(look);
      look();
    });
  }

  #receive(chunk: Buffer): void {
    this.#buffer = Buffer.concat([this.#buffer, chunk]);
    while (this.#buffer.length >= 8) {
      const length = this.#buffer.readUIntBE(5, 3);
      if (this.#buffer.length < 8 + length) break;
      const frame = this.#buffer.subarray(0, 8 + length);
      this.#buffer = this.#buffer.subarray(8 + length);
      if ((frame[0]! & 0x80) === 0) {
        const stream = this.#streams.get(frame.readUInt32BE(0));
        if (!stream) continue;
        stream.text += frame.subarray(8).toString();
        stream.ended ||= (frame[4]! & FLAG_FIN!) !== 0;
      } else if (frame.readUInt16BE(2) === RST_STREAM) {
        const stream = this.#streams.get(frame.readUInt32BE(8));
        if (stream) stream.reset = true;
      }
    }
    for (const look of this.#watchers) look();
  }
}

/** A POST that asks for SPDY, as client-go's `spdy.NewDialer` sends it. Gives the connection, or the answer that refused it. */
export function dialSpdy(options: {
  socketPath: string;
  token: string;
  path: string;
  protocols: string[];
}): Promise<SpdyClient | { status: number; body: string }> {
  return new Promise((resolve, reject) => {
    const outgoing = request({
      socketPath: options.socketPath,
      method: 'POST',
      path: options.path,
      headers: {
        connection: 'Upgrade',
        upgrade: 'SPDY/3.1',
        'content-length': 0,
        authorization: `Bearer ${options.token}`,
        'x-stream-protocol-version': options.protocols,
      },
    });
    outgoing.on('upgrade', (answer, socket, head) => {
      const client = new SpdyClient(socket, String(answer.headers['x-stream-protocol-version']));
      if (head.length > 0) socket.unshift(head);
      resolve(client);
    });
    outgoing.on('response', (answer) => {
      let body = '';
      answer.setEncoding('utf8').on('data', (text: string) => {
        body += text;
      });
      answer.on('end', () => resolve({ status: answer.statusCode ?? 0, body }));
    });
    outgoing.on('error', reject);
    outgoing.end();
  });
}
