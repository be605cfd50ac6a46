import { Readable } from 'node:stream';
import type { Headers } from './headers.ts';
import {
  CANCEL,
  FLOW_CONTROL_ERROR,
  LARGEST_WINDOW,
  NO_ERROR,
  PROTOCOL_ERROR,
  reasonText,
  STREAM_CLOSED,
  STREAM_WINDOW,
} from './numbers.ts';

/** The part of a connection that its streams use. */
export interface StreamCarrier {
  readonly isServer: boolean;
  writeHead(id: number, first: Headers, headers: Headers, ended: boolean): void;
  writeData(id: number, data: Buffer, window: number, ended: boolean): number;
  reset(id: number, code: number): void;
  giveBack(id: number, bytes: number): void;
  forget(id: number): void;
}

/** How much is read before the peer hears that it may send as much more. */
const GIVE_BACK_AT = 64 * 1024;
const NONE: Headers = {};
const EMPTY: Buffer = Buffer.alloc(0);

/** One HTTP/2 stream, of either side. */
export class Http2Stream {
  /** Called once when nothing more comes or goes; `true` when both sides came to their ends. */
  onClosed: ((complete: boolean) => void) | undefined;
  /** Called when more may be written after {@link write} said no. */
  onDrain: (() => void) | undefined;
  /** What followed the body. */
  trailers: Headers | undefined;
  /** Why it broke off. */
  error: Error | undefined;
  isClosed = false;
  readonly #onHead: (headers: Headers) => void;
  #carrier: StreamCarrier | undefined;
  #id = 0;
  #head: Headers | undefined;
  #told = false;
  /** What came before the head was told. */
  #early: Buffer[] = [];
  #body: StreamBody | undefined;
  #received = false;
  #receiveWindow = STREAM_WINDOW;
  #owed = 0;
  #sendWindow = 0;
  #queue: Buffer[] = [];
  #ended = false;
  #endTrailers: Headers | undefined;
  #sent = false;

  /** `onHead` is told the head of the request, or of the answer. */
  constructor(onHead: (headers: Headers) => void) {
    this.#onHead = onHead;
  }

  /** Of its connection: it has a number now. */
  open(carrier: StreamCarrier, id: number, sendWindow: number): void {
    this.#carrier = carrier;
    this.#id = id;
    this.#sendWindow = sendWindow;
  }

  /** All of the message's body, where its end came together with its head. Asked in `onHead`. */
  get complete(): Buffer | undefined {
    if (!this.#received) return undefined;
    return this.#early.length === 1 ? this.#early[0] : Buffer.concat(this.#early);
  }

  /** The same for a message without trailers. */
  get whole(): Buffer | undefined {
    return this.trailers ? undefined : this.complete;
  }

  /** What comes in after the head; to be asked for in `onHead`, or it is dropped. */
  body(): Readable {
    const body = new StreamBody(
      () => this.#consumed(),
      () => this.#givenUp(),
    );
    this.#body = body;
    for (const data of this.#early) body.push(data);
    if (this.#received) body.finish();
    return body;
  }

  writeHead(first: Headers, headers: Headers, ended = false): void {
    if (this.isClosed) return;
    this.#carrier!.writeHead(this.#id, first, headers, ended);
    if (ended) this.sentEnd();
  }

  /** False when no more should be written until `onDrain`. */
  write(data: Buffer): boolean {
    if (this.isClosed || data.length === 0) return true;
    if (this.#queue.length === 0 && this.#carrier) {
      const sent = this.#carrier.writeData(this.#id, data, this.#sendWindow, false);
      this.#sendWindow -= sent;
      if (sent === data.length) return true;
      this.#queue.push(data.subarray(sent));
    } else this.#queue.push(data);
    return false;
  }

  /** Ends this side, with a last piece of the body or with trailers after it. */
  end(last: Buffer = EMPTY, trailers?: Headers): void {
    if (this.isClosed || this.#ended) return;
    this.#ended = true;
    this.#endTrailers = trailers;
    if (last.length > 0) this.#queue.push(last);
    this.proceed();
  }

  /** Breaks it off. */
  fail(code: number, error: Error = new Error(`stream error sent by user: ${reasonText(code)}`)): void {
    if (this.isClosed) return;
    if (this.#carrier) this.#carrier.reset(this.#id, code);
    this.onGone(error);
  }

  /** Of its connection: sends what waits, as far as that goes. */
  proceed(): void {
    const carrier = this.#carrier;
    if (!carrier || this.isClosed || this.#sent) return;
    const waited = this.#queue.length > 0;
    while (this.#queue.length > 0) {
      const data = this.#queue[0]!;
      const closes = this.#ended && !this.#endTrailers && this.#queue.length === 1;
      const sent = carrier.writeData(this.#id, data, this.#sendWindow, closes);
      this.#sendWindow -= sent;
      if (sent < data.length) {
        this.#queue[0] = data.subarray(sent);
        return;
      }
      this.#queue.shift();
      if (closes) return this.sentEnd();
    }
    if (this.#ended) {
      if (this.#endTrailers) carrier.writeHead(this.#id, NONE, this.#endTrailers, true);
      else carrier.writeData(this.#id, EMPTY, 0, true);
      this.sentEnd();
    } else if (waited) this.onDrain?.();
  }

  /** Of its connection: false when the window has grown beyond what it may be. */
  widen(more: number): boolean {
    this.#sendWindow += more;
    return this.#sendWindow <= LARGEST_WINDOW;
  }

  /** This side has said all. */
  sentEnd(): void {
    this.#ended = true;
    this.#sent = true;
    if (this.#received) this.#close(true);
    else if (this.#carrier!.isServer) {
      // What is left of the request is of no use to anybody.
      this.#carrier!.reset(this.#id, NO_ERROR);
      this.#close(true);
      this.#body?.destroy();
    }
  }

  /** Of its connection: a head or trailers. True when the head is to be told, with {@link tell}. */
  takeHead(headers: Headers, ended: boolean): boolean {
    if (this.#received) {
      this.fail(STREAM_CLOSED);
      return false;
    }
    if (!this.#head) {
      const status = headers[':status'] as string | undefined;
      if (!this.#carrier!.isServer && (status === undefined || !/^\d{3}$/.test(status))) {
        this.fail(PROTOCOL_ERROR);
        return false;
      }
      // Word before the answer.
      if (status?.startsWith('1') && !ended) return false;
      this.#head = headers;
      if (ended) this.#end();
      return true;
    }
    if (!ended) this.fail(PROTOCOL_ERROR);
    else {
      this.trailers = headers;
      this.#end();
    }
    return false;
  }

  /** Of its connection: `lost` bytes of padding count as well. */
  takeData(data: Buffer, lost: number, ended: boolean): void {
    if (this.#received || !this.#head) return this.fail(this.#head ? STREAM_CLOSED : PROTOCOL_ERROR);
    const size = data.length + lost;
    this.#receiveWindow -= size;
    if (this.#receiveWindow < 0) return this.fail(FLOW_CONTROL_ERROR);
    this.#owed += size;
    if (data.length > 0) {
      if (!this.#told) this.#early.push(data);
      else if (this.#body && !this.#body.destroyed) this.#body.push(data);
      else this.#consumed();
    }
    if (ended) this.#end();
  }

  takeReset(code: number): void {
    // Its other side is through, and does not care for what it did not read.
    if (code === NO_ERROR && this.#received) this.#close(true);
    else this.onGone(new Error(`stream error received: ${reasonText(code)}`));
  }

  /** Of its connection: what came in this turn is told. */
  tell(): void {
    if (this.#told || !this.#head) return;
    if (this.error) return;
    this.#told = true;
    this.#onHead(this.#head);
    this.#early = [];
  }

  /** It broke, or its connection did. */
  onGone(error: Error): void {
    if (this.isClosed) return;
    this.error = error;
    this.#close(false);
    if (!this.#received) this.#body?.destroy(error);
  }

  #end(): void {
    this.#received = true;
    this.#body?.finish();
    if (this.#sent) this.#close(true);
  }

  #close(complete: boolean): void {
    if (this.isClosed) return;
    this.isClosed = true;
    this.#queue = [];
    this.#carrier?.forget(this.#id);
    this.onClosed?.(complete);
  }

  #consumed(): void {
    if (this.#owed < GIVE_BACK_AT || this.#received || this.isClosed) return;
    this.#carrier!.giveBack(this.#id, this.#owed);
    this.#receiveWindow += this.#owed;
    this.#owed = 0;
  }

  #givenUp(): void {
    if (this.#carrier!.isServer) this.#consumed();
    else this.fail(CANCEL, new Error('given up'));
  }
}

/** What comes in on a stream; the peer is told to send on as it is read. */
class StreamBody extends Readable {
  readonly #onRead: () => void;
  readonly #onGivenUp: () => void;
  #complete = false;

  constructor(onRead: () => void, onGivenUp: () => void) {
    super();
    this.#onRead = onRead;
    this.#onGivenUp = onGivenUp;
    this.on('error', () => {});
  }

  finish(): void {
    this.#complete = true;
    if (!this.destroyed) this.push(null);
  }

  override _read(): void {
    this.#onRead();
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    if (!this.#complete) this.#onGivenUp();
    done(error);
  }
}
