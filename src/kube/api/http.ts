import type { Duplex } from 'node:stream';
import type { UserInfo } from './types.ts';

/**
 * A request to an API server, whichever way it arrived: parsed from HTTP by the front, or made in process by a client.
 * In process, objects travel as objects: the receiver must not change `body`, the caller must not change what it gets.
 */
export interface ApiRequest {
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE' | 'OPTIONS' | 'HEAD';
  /** Path without the query, e.g. `/apis/apps/v1/namespaces/shop/deployments`. */
  path: string;
  query: URLSearchParams;
  /** Lower-case names. */
  headers: Record<string, string>;
  /** A parsed object (in process), raw bytes (HTTP), or nothing. */
  body?: unknown;
  /** Set by a trusted in-process caller instead of a bearer token; then authentication is skipped, RBAC is not. */
  user?: UserInfo;
  /** Aborted when the client goes away; a watch ends then. */
  signal?: AbortSignal;
}

/** `object` is JSON; `text` and `stream` are sent as they are; `events` is a watch. */
export type ApiBody =
  | {
      type: 'object';
      value: unknown /** The items are stored objects as they are: they never change. */;
      stored?: true;
    }
  | { type: 'text'; value: string; contentType: string }
  | { type: 'stream'; chunks: AsyncIterable<Uint8Array>; contentType: string }
  | { type: 'events'; events: AsyncIterable<{ type: string; object: unknown }> };

export interface ApiResponse {
  status: number;
  headers?: Record<string, string | string[]>;
  /** Values for the `Warning` header, each becomes `299 - "…"`. */
  warnings?: string[];
  body: ApiBody;
}

/** What an upgraded request (exec, attach, port-forward) turns into: numbered byte channels over one connection. */
export interface ChannelSocket {
  /** The negotiated WebSocket subprotocol, e.g. `v5.channel.k8s.io`. */
  readonly protocol: string;
  /** On v5, channel 255 with one byte half-closes the channel that the byte names (in process too). */
  send(channel: number, data: Uint8Array): void;
  /** Bytes not yet handed to the transport; senders pause above about 1 MiB. */
  readonly bufferedBytes: number;
  onMessage(listener: (channel: number, data: Uint8Array) => void): void;
  /** v5 only: the peer half-closed one channel. */
  onChannelClose(listener: (channel: number) => void): void;
  onClose(listener: () => void): void;
  close(code?: number, reason?: string): void;
}

/** The whole of an API server towards its clients. */
export interface ApiHandler {
  handle(request: ApiRequest): Promise<ApiResponse>;
  /** Opens a channel connection, in process. Rejects with a StatusError when the request is refused. */
  connect(request: ApiRequest, protocols: string[]): Promise<ChannelSocket>;
}

/** What an HTTP server does with an upgrade request that it passes on whole. */
export type UpgradeHandler = (request: ApiRequest, socket: Duplex, head: Buffer) => void;
