import type { Clock } from '#base/clock.ts';
import { GrpcChannel, GrpcError, UNAVAILABLE } from '#mesh/api/grpc.ts';
import type { Message } from '#mesh/api/protobuf.ts';
import type { ControlLink } from '#mesh/proxy/control-client.ts';

/** Waits between streams grow from the first to the second of these. */
const FIRST_MS = 100;
const LAST_MS = 10_000;
/** Those between attempts to connect no further than this: so often the proxy looks up a name that has no address. */
const LAST_CONNECT_MS = 5_000;
/** How long a stream may bring nothing at first (`LINKERD2_PROXY_CONTROL_STREAM_INITIAL_TIMEOUT`). */
const INITIAL_MS = 3_000;

type Open = (channel: GrpcChannel, signal: AbortSignal) => AsyncIterable<Message>;

export interface Followed {
  onMessage(message: Message): void;
  /**
   * Hears a status that the controller ended the stream with, other than that it is not there; when it returns `stop`,
   * nobody asks again.
   */
  onRefused?(error: GrpcError): 'stop' | undefined;
  /** Where the log tells that nothing came in time; absent: it does not. */
  where?: string;
}

/**
 * One connection to a controller, made when somebody needs it and made anew when it broke, and the streams on it, each
 * taken up again after it ended.
 */
export class ReconnectingChannel {
  readonly #link: ControlLink;
  readonly #clock: Clock;
  readonly #abort = new AbortController();
  #channel: GrpcChannel | undefined;
  #connecting: Promise<GrpcChannel> | undefined;

  constructor(link: ControlLink, clock: Clock) {
    this.#link = link;
    this.#clock = clock;
  }

  close(): void {
    this.#abort.abort(new DOMException('closed', 'AbortError'));
    this.#channel?.close();
  }

  /** The present connection, or the next: it is tried until there is one. Rejects when this is closed. */
  async #connect(signal: AbortSignal): Promise<GrpcChannel> {
    if (this.#channel && !this.#channel.isClosed) {
      this.#link.pass?.();
      return this.#channel;
    }
    const leave = this.#link.wait?.();
    this.#connecting ??= this.#open().finally(() => {
      this.#connecting = undefined;
    });
    try {
      return await until(this.#connecting, signal);
    } finally {
      leave?.();
    }
  }

  async #open(): Promise<GrpcChannel> {
    const { signal } = this.#abort;
    for (let wait = FIRST_MS; ; wait = Math.min(wait * 2, LAST_CONNECT_MS)) {
      try {
        const channel = new GrpcChannel(await this.#link.dial(signal), undefined, this.#link.calls);
        if (signal.aborted) channel.close();
        this.#channel = channel;
        return channel;
      } catch {
        signal.throwIfAborted();
      }
      // What has failed for long is not tried a thousand times while the clock is moved.
      await this.#clock.sleep(wait, signal, { lazy: wait >= LAST_CONNECT_MS });
    }
  }

  /** Opens a stream and hands on what it brings until the returned function is called. */
  follow(open: Open, followed: Followed): () => void {
    const own = new AbortController();
    const signal = AbortSignal.any([own.signal, this.#abort.signal]);
    void this.#run(open, followed, signal);
    return () => own.abort(new DOMException('closed', 'AbortError'));
  }

  async #run(open: Open, { onMessage, onRefused, where }: Followed, signal: AbortSignal): Promise<void> {
    let wait = FIRST_MS;
    while (!signal.aborted) {
      const silent = new AbortController();
      const timer = this.#clock.setTimeout(() => silent.abort(SILENT), INITIAL_MS, { lazy: true });
      const either = AbortSignal.any([signal, silent.signal]);
      try {
        for await (const message of open(await this.#connect(either), either)) {
          timer.cancel();
          if (signal.aborted) return;
          wait = FIRST_MS;
          onMessage(message);
        }
      } catch (error) {
        if (signal.aborted) return;
        if (error === SILENT) {
          if (where !== undefined) this.#link.silent?.(where);
        } else if (error instanceof GrpcError && error.code !== UNAVAILABLE && onRefused?.(error) === 'stop') return;
      } finally {
        timer.cancel();
      }
      await this.#clock.sleep(wait, signal, { lazy: wait >= LAST_MS }).catch(() => {});
      wait = Math.min(wait * 2, LAST_MS);
    }
  }
}

const SILENT = new Error('initial item not received within timeout');

/** What is waited for, or the signal's reason when that comes first. */
function until<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const stop = () => reject(signal.reason);
    if (signal.aborted) return stop();
    signal.addEventListener('abort', stop, { once: true });
    const settled = () => signal.removeEventListener('abort', stop);
    promise.finally(settled).then(resolve, reject);
  });
}
