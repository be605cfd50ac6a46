import type { ApiRequest, ApiResponse, ChannelSocket } from '#kube/api/http.ts';
import type { GroupVersionResource, KubeList, KubeObject, WatchEvent } from '#kube/api/types.ts';

/** How requests reach a cluster: over HTTP, or straight into an {@link ApiHandler} of the same process. */
export interface Transport {
  request(request: Omit<ApiRequest, 'user'>): Promise<ApiResponse>;
  connect(request: Omit<ApiRequest, 'user'>, protocols: string[]): Promise<ChannelSocket>;
  close(): void;
}

/** `{ resource: 'deployments', group: 'apps', version: 'v1' }`; namespace absent means cluster-scoped or all. */
export interface Target extends GroupVersionResource {
  namespace?: string;
}

export interface ListOptions {
  labelSelector?: string;
  fieldSelector?: string;
  limit?: number;
  continue?: string;
  resourceVersion?: string;
  signal?: AbortSignal;
}

export interface WatchOptions extends ListOptions {
  allowBookmarks?: boolean;
  sendInitialEvents?: boolean;
  timeoutSeconds?: number;
}

export interface DeleteOptions {
  propagationPolicy?: 'Background' | 'Foreground' | 'Orphan';
  gracePeriodSeconds?: number;
  preconditions?: { uid?: string; resourceVersion?: string };
  dryRun?: boolean;
}

export type PatchType = 'json' | 'merge' | 'strategic' | 'apply';

export interface WriteOptions {
  dryRun?: boolean;
  fieldManager?: string;
  force?: boolean;
  fieldValidation?: 'Strict' | 'Warn' | 'Ignore';
  subresource?: string;
}

export interface ExecOptions {
  namespace: string;
  pod: string;
  container?: string;
  command: string[];
  stdin?: AsyncIterable<Uint8Array>;
  stdout?: (chunk: Uint8Array) => void;
  stderr?: (chunk: Uint8Array) => void;
  tty?: boolean;
  /** Terminal sizes, the first at once. */
  resize?: AsyncIterable<{ columns: number; rows: number }>;
  signal?: AbortSignal;
}

export interface LogOptions {
  container?: string;
  follow?: boolean;
  previous?: boolean;
  tailLines?: number;
  sinceSeconds?: number;
  sinceTime?: string;
  timestamps?: boolean;
  limitBytes?: number;
  signal?: AbortSignal;
}

/**
 * The one way to talk to a cluster. Failures of the server are `StatusError`s (`kube/api/status.ts`); a cluster that
 * cannot be reached is an `AcademyError` with code `driver/unavailable`.
 */
export interface KubeClient {
  readonly transport: Transport;
  get(target: Target, name: string, options?: { subresource?: string; signal?: AbortSignal }): Promise<KubeObject>;
  list(target: Target, options?: ListOptions): Promise<KubeList>;
  /** Yields events until the server ends the watch or `signal` aborts. A 410 arrives as an ERROR event. */
  watch(target: Target, options?: WatchOptions): AsyncIterable<WatchEvent>;
  create(target: Target, object: KubeObject, options?: WriteOptions): Promise<KubeObject>;
  update(target: Target, object: KubeObject, options?: WriteOptions): Promise<KubeObject>;
  patch(target: Target, name: string, type: PatchType, patch: unknown, options?: WriteOptions): Promise<KubeObject>;
  delete(target: Target, name: string, options?: DeleteOptions): Promise<KubeObject>;
  deleteCollection(target: Target, options?: ListOptions & DeleteOptions): Promise<void>;
  logs(namespace: string, pod: string, options?: LogOptions): AsyncIterable<Uint8Array>;
  /** Resolves with the exit code when the command ends. */
  exec(options: ExecOptions): Promise<number>;
  /** Attaches to a container's main process; resolves with its exit code. */
  attach(options: Omit<ExecOptions, 'command'>): Promise<number>;
  /** A byte stream to a port of a pod, as `kubectl port-forward` opens it (it arrives there from 127.0.0.1). */
  portForward(
    namespace: string,
    pod: string,
    port: number,
    signal?: AbortSignal,
  ): Promise<import('node:stream').Duplex>;
  /** `{ group, version, resource, namespaced, kind }` of what the server serves, from discovery, cached; `fresh` asks again. */
  discover(options?: { fresh?: boolean }): Promise<ApiResource[]>;
  /** Applies an object of any served kind, finding its resource by discovery (server-side apply, field manager given). */
  apply(object: KubeObject, options: { fieldManager: string; force?: boolean }): Promise<KubeObject>;
  raw(method: ApiRequest['method'], path: string, body?: unknown): Promise<unknown>;
}

export interface ApiResource extends GroupVersionResource {
  kind: string;
  singular: string;
  shortNames: string[];
  categories: string[];
  namespaced: boolean;
  verbs: string[];
}
