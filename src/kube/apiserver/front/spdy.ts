import { constants, createDeflate, createInflate, type Deflate, type Inflate } from 'node:zlib';
import { SPDY_DICTIONARY } from './spdy-dictionary.ts';

const [SYN_STREAM, SYN_REPLY, RST_STREAM, SETTINGS, PING, GOAWAY, HEADERS, WINDOW_UPDATE] = [1, 2, 3, 4, 6, 7, 8, 9];
const FLAG_FIN = 1;
const MAX_FRAME_BYTES = 4 * 1024 * 1024;
const MAX_STREAMS = 1_000;

/** One stream of a SPDY/3.1 connection. Header names are lower case. */
export class SpdyStream {
  readonly id: number;
  readonly headers: Record<string, string>;
  readonly #connection: SpdyConnection;
  #data: ((data: Uint8Array) => void) | undefined;
  #end: (() => void) | undefined;
  #reset: (() => void) | undefined;
  #held: Uint8Array[] = [];
  #closed = false;

  constructor(connection: SpdyConnection, id: number, headers: Record<string, string>) {
    this.#connection = connection;
    this.id = id;
    this.headers = headers;
  }
  reply(): void {
    void this.#connection.sendReply(this.id);
  }
  write(data: Uint8Array): void {
    if (!this.#closed) this.#connection.sendData(this.id, data, false);
  }
  end(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#connection.sendData(this.id, new Uint8Array(0), true);
  }
  reset(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#connection.sendReset(this.id);
  }
  onData(listener: (data: Uint8Array) => void): void {
    this.#data = listener;
    for (const chunk of this.#held.splice(0)) listener(chunk);
  }
  onEnd(listener: () => void): void {
    this.#end = listener;
  }
  onReset(listener: () => void): void {
    this.#reset = listener;
  }
  take(data: Uint8Array, fin: boolean): void {
    if (data.length > 0) {
      if (this.#data) this.#data(data);
      else this.#held.push(data);
    }
    if (fin) this.#end?.();
  }
  wasReset(): void {
    this.#closed = true;
    this.#reset?.();
  }
}

/** The server's end of a SPDY/3.1 connection, as much of it as exec and port forwarding use. `receive` throws on malformed input. */
export class SpdyConnection {
  readonly #send: (bytes: Uint8Array) => void;
  readonly #streams = new Map<number, SpdyStream>();
  readonly #inflate: Inflate = createInflate({
    dictionary: SPDY_DICTIONARY,
    flush: constants.Z_SYNC_FLUSH,
    finishFlush: constants.Z_SYNC_FLUSH,
  });
  readonly #deflate: Deflate = createDeflate({ dictionary: SPDY_DICTIONARY, flush: constants.Z_SYNC_FLUSH });
  #buffer = Buffer.alloc(0);
  #closed = false;
  #onStream: (stream: SpdyStream) => void = () => {};
  /** Frames are handled in order; header blocks are unpacked asynchronously. */
  #work: Promise<void> = Promise.resolve();
  #out: Promise<void> = Promise.resolve();

  constructor(send: (bytes: Uint8Array) => void) {
    this.#send = send;
    this.#inflate.on('error', () => this.close());
  }

  onStream(listener: (stream: SpdyStream) => void): void {
    this.#onStream = listener;
  }

  receive(bytes: Uint8Array): void {
    this.#buffer = Buffer.concat([this.#buffer, bytes]);
    while (this.#buffer.length >= 8) {
      const length = this.#buffer.readUIntBE(5, 3);
      if (length > MAX_FRAME_BYTES) throw new RangeError('frame too large');
      if (this.#buffer.length < 8 + length) return;
      const frame = this.#buffer.subarray(0, 8 + length);
      this.#buffer = this.#buffer.subarray(8 + length);
      const copy = Buffer.from(frame);
      this.#work = this.#work.then(() => this.#frame(copy)).catch(() => this.close());
    }
  }

  /** Resolves when everything that was to be sent was handed on. */
  async sent(): Promise<void> {
    let last: Promise<void> | undefined;
    while (last !== this.#out) {
      last = this.#out;
      await last;
    }
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    for (const stream of this.#streams.values()) stream.wasReset();
    this.#streams.clear();
    this.#inflate.close();
    this.#deflate.close();
  }

  sendData(id: number, data: Uint8Array, fin: boolean): void {
    const head = Buffer.alloc(8);
    head.writeUInt32BE(id, 0);
    head.writeUInt8(fin ? FLAG_FIN : 0, 4);
    head.writeUIntBE(data.length, 5, 3);
    this.#queue(() => this.#send(Buffer.concat([head, data])));
  }
  sendReset(id: number): void {
    const body = Buffer.alloc(8);
    body.writeUInt32BE(id, 0);
    body.writeUInt32BE(5, 4);
    this.#queue(() => this.#control(RST_STREAM!, 0, body));
  }
  sendReply(id: number): void {
    this.#queue(async () => {
      const block = await this.#pack(Buffer.alloc(4));
      const body = Buffer.alloc(4);
      body.writeUInt32BE(id, 0);
      this.#control(SYN_REPLY!, 0, Buffer.concat([body, block]));
    });
  }

  #queue(step: () => void | Promise<void>): void {
    this.#out = this.#out.then(step).catch(() => {});
  }

  async #frame(frame: Buffer): Promise<void> {
    const body = frame.subarray(8);
    if ((frame[0]! & 0x80) === 0) {
      const id = frame.readUInt32BE(0);
      this.#streams.get(id)?.take(body, (frame[4]! & FLAG_FIN) !== 0);
      if (body.length > 0) this.#credit(id, body.length);
      return;
    }
    switch (frame.readUInt16BE(2)) {
      case SYN_STREAM: {
        if (body.length < 10 || this.#streams.size >= MAX_STREAMS) throw new RangeError('malformed SYN_STREAM');
        const id = body.readUInt32BE(0) & 0x7fffffff;
        const headers = parseHeaders(await this.#unpack(body.subarray(10)));
        const stream = new SpdyStream(this, id, headers);
        this.#streams.set(id, stream);
        this.#onStream(stream);
        if ((frame[4]! & FLAG_FIN) !== 0) stream.take(new Uint8Array(0), true);
        return;
      }
      case HEADERS:
        await this.#unpack(body.subarray(4));
        return;
      case RST_STREAM: {
        const id = body.readUInt32BE(0);
        this.#streams.get(id)?.wasReset();
        this.#streams.delete(id);
        return;
      }
      case PING:
        this.#control(PING!, 0, Buffer.from(body));
        return;
      case GOAWAY:
      case SETTINGS:
      case WINDOW_UPDATE:
        return;
      default:
        throw new RangeError('unknown frame');
    }
  }

  /** Gives back what was read, so that the client's window stays open. */
  #credit(id: number, bytes: number): void {
    for (const stream of [id, 0]) {
      const body = Buffer.alloc(8);
      body.writeUInt32BE(stream, 0);
      body.writeUInt32BE(bytes, 4);
      this.#control(WINDOW_UPDATE!, 0, body);
    }
  }

  #control(type: number, flags: number, body: Buffer): void {
    const head = Buffer.alloc(8);
    head.writeUInt16BE(0x8003, 0);
    head.writeUInt16BE(type, 2);
    head.writeUInt8(flags, 4);
    head.writeUIntBE(body.length, 5, 3);
    this.#send(Buffer.concat([head, body]));
  }

  #unpack(block: Buffer): Promise<Buffer> {
    return through(this.#inflate, block);
  }
  #pack(block: Buffer): Promise<Buffer> {
    return through(this.#deflate, block);
  }
}

/** One header block through a shared compression context. */
function through(stream: Inflate | Deflate, block: Buffer): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    const take = (chunk: Buffer) => {
      chunks.push(chunk);
    };
    stream.on('data', take);
    stream.write(block, (error) => {
      if (error) {
        stream.off('data', take);
        reject(error);
        return;
      }
      stream.flush(constants.Z_SYNC_FLUSH, () => {
        // What was flushed is readable in the next turn.
        setImmediate(() => {
          stream.off('data', take);
          resolve(Buffer.concat(chunks));
        });
      });
    });
  });
}

function parseHeaders(block: Buffer): Record<string, string> {
  const headers: Record<string, string> = {};
  let at = 4;
  for (let left = block.readUInt32BE(0); left > 0; left--) {
    const name = block.subarray(at + 4, at + 4 + block.readUInt32BE(at));
    at += 4 + name.length;
    const value = block.subarray(at + 4, at + 4 + block.readUInt32BE(at));
    at += 4 + value.length;
    headers[name.toString('latin1').toLowerCase()] = value.toString('latin1');
  }
  return headers;
}
