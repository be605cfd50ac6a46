import type { Duplex } from 'node:stream';
import type { Clock } from '#base/clock.ts';
import { GrpcChannel, GrpcError, UNAVAILABLE } from '#mesh/api/grpc.ts';
import type { Message } from '#mesh/api/protobuf.ts';

/** Waits between attempts grow from the first to the second of these, as the proxy's do. */
const FIRST_MS = 100;
const LAST_MS = 10_000;

/**
 * One connection to a controller, made when somebody needs it and made anew when it broke, and the streams on it, each
 * taken up again after it ended.
 */
export class ReconnectingChannel {
  readonly #dial: (signal: AbortSignal) => Promise<Duplex>;
  readonly #clock: Clock;
  readonly #abort = new AbortController();
  #channel: Promise<GrpcChannel> | undefined;

  constructor(dial: (signal: AbortSignal) => Promise<Duplex>, clock: Clock) {
    this.#dial = dial;
    this.#clock = clock;
  }

  close(): void {
    this.#abort.abort(new DOMException('closed', 'AbortError'));
    void this.#channel?.then(
      (channel) => channel.close(),
      () => {},
    );
  }

  /** The present connection, or a new one. Rejects when none can be made. */
  connect(): Promise<GrpcChannel> {
    this.#channel ??= this.#open();
    return this.#channel;
  }

  async #open(): Promise<GrpcChannel> {
    try {
      const channel = new GrpcChannel(await this.#dial(this.#abort.signal));
      void channel.closed.then(() => {
        this.#channel = undefined;
      });
      return channel;
    } catch (error) {
      this.#channel = undefined;
      throw error;
    }
  }

  /**
   * Opens a stream and hands on what it brings until the returned function is called. `onRefused` hears a status that
   * the controller ended the stream with, other than that it is not there; when it returns `stop`, nobody asks again.
   */
  follow(
    open: (channel: GrpcChannel, signal: AbortSignal) => AsyncIterable<Message>,
    onMessage: (message: Message) => void,
    onRefused: (error: GrpcError) => 'stop' | undefined = () => undefined,
  ): () => void {
    const own = new AbortController();
    const signal = AbortSignal.any([own.signal, this.#abort.signal]);
    void this.#run(open, onMessage, onRefused, signal);
    return () => own.abort(new DOMException('closed', 'AbortError'));
  }

  async #run(
    open: (channel: GrpcChannel, signal: AbortSignal) => AsyncIterable<Message>,
    onMessage: (message: Message) => void,
    onRefused: (error: GrpcError) => 'stop' | undefined,
    signal: AbortSignal,
  ): Promise<void> {
    let wait = FIRST_MS;
    while (!signal.aborted) {
      try {
        for await (const message of open(await this.connect(), signal)) {
          if (signal.aborted) return;
          wait = FIRST_MS;
          onMessage(message);
        }
      } catch (error) {
        if (signal.aborted) return;
        if (error instanceof GrpcError && error.code !== UNAVAILABLE && onRefused(error) === 'stop') return;
      }
      // What has failed for long is not tried a thousand times while the clock is moved.
      await this.#clock.sleep(wait, signal, { lazy: wait >= LAST_MS }).catch(() => {});
      wait = Math.min(wait * 2, LAST_MS);
    }
  }
}
