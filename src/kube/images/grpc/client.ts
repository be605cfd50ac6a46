import { type ClientHttp2Session, connect, constants } from 'node:http2';
import { goDialError } from '../http-call.ts';
import type { ContainerContext } from '../program.ts';
import { decodeFields, type Fields } from './protobuf.ts';
import { Deframer, frame, GrpcFailure } from './status.ts';

const UNAVAILABLE = 14;
const INTERNAL = 13;

/** HTTP statuses of an answer that is no gRPC, as grpc-go maps them. */
const FROM_HTTP: Record<number, number> = {
  400: INTERNAL,
  401: 16,
  403: 7,
  404: 12,
  429: 14,
  502: 14,
  503: 14,
  504: 14,
};

export interface GrpcCallOptions {
  signal?: AbortSignal;
  headers?: Record<string, string>;
}

/** A gRPC client of one target (`host:port`), which connects when it is first used and again after a break. */
export class GrpcClient {
  readonly #context: Pick<ContainerContext, 'net' | 'uid'>;
  readonly #target: string;
  #session: Promise<ClientHttp2Session> | undefined;
  #closed = false;

  constructor(context: Pick<ContainerContext, 'net' | 'uid'>, target: string) {
    this.#context = context;
    this.#target = target;
  }

  /** A unary call. Rejects with {@link GrpcFailure}. */
  async call(path: string, message: Uint8Array, options: GrpcCallOptions = {}): Promise<Fields> {
    return decodeFields(await this.callBytes(path, message, options));
  }

  /** The same, with the answer as it came. */
  async callBytes(path: string, message: Uint8Array, options: GrpcCallOptions = {}): Promise<Uint8Array> {
    const session = await this.#connected();
    const stream = session.request({
      ':method': 'POST',
      ':path': path,
      'content-type': 'application/grpc',
      'user-agent': 'grpc-go/1.60.1',
      te: 'trailers',
      ...options.headers,
    });
    const stop = () => stream.close(constants.NGHTTP2_CANCEL);
    options.signal?.addEventListener('abort', stop, { once: true });
    let status: string | undefined;
    let detail = '';
    let httpStatus = 0;
    const take = (headers: Record<string, unknown>) => {
      if (headers[':status'] !== undefined) httpStatus = Number(headers[':status']);
      if (headers['grpc-status'] === undefined) return;
      status = String(headers['grpc-status']);
      detail = decodeURIComponent(String(headers['grpc-message'] ?? ''));
    };
    stream.on('response', take);
    stream.on('trailers', take);
    stream.end(frame(message));
    const deframer = new Deframer();
    let answer: Buffer | undefined;
    try {
      for await (const chunk of stream) for (const bytes of deframer.push(chunk as Buffer)) answer ??= bytes;
    } catch (error) {
      options.signal?.throwIfAborted();
      throw new GrpcFailure(UNAVAILABLE, `error reading from server: ${(error as Error).message}`);
    } finally {
      options.signal?.removeEventListener('abort', stop);
    }
    options.signal?.throwIfAborted();
    if (status === undefined && httpStatus !== 200 && httpStatus !== 0) {
      throw new GrpcFailure(
        FROM_HTTP[httpStatus] ?? 2,
        `unexpected HTTP status code received from server: ${httpStatus}`,
      );
    }
    if (status === undefined) throw new GrpcFailure(UNAVAILABLE, 'error reading from server: EOF');
    if (status !== '0') throw new GrpcFailure(Number(status), detail);
    return answer ?? new Uint8Array();
  }

  close(): void {
    this.#closed = true;
    void this.#session?.then(
      (session) => session.destroy(),
      () => {},
    );
  }

  async #connected(): Promise<ClientHttp2Session> {
    const current = await this.#session?.catch(() => undefined);
    if (current && !current.destroyed && !current.closed) return current;
    this.#session = this.#connect();
    return this.#session;
  }

  async #connect(): Promise<ClientHttp2Session> {
    const [, host = this.#target, port = '80'] = /^(.*):(\d+)$/.exec(this.#target) ?? [];
    if (this.#closed) throw new GrpcFailure(1, 'grpc: the client connection is closing');
    try {
      const connection = await this.#context.net.dial(host, Number(port), { uid: this.#context.uid });
      const session = connect(`http://${this.#target}`, { createConnection: () => connection });
      session.on('error', () => {});
      return session;
    } catch (error) {
      const why = goDialError(error, this.#target);
      throw new GrpcFailure(UNAVAILABLE, `connection error: desc = "transport: Error while dialing: ${why}"`);
    }
  }
}
