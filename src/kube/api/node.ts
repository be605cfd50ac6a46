import type { Duplex } from 'node:stream';
import type { Stdio, TerminalSize } from '#shell/stdio.ts';

/**
 * What an API server asks of a node: the kubelet's side of logs, exec, attach and port-forward. Failures are
 * `StatusError`s worded as a kubelet words them (`container "x" in pod "y" is waiting to start: ContainerCreating`).
 */
export interface NodeApi {
  logs(namespace: string, pod: string, container: string, options: NodeLogOptions): Promise<AsyncIterable<Uint8Array>>;
  exec(namespace: string, pod: string, container: string, options: NodeExecOptions): Promise<NodeExec>;
  /** Attaches to the running main process; `stdin` reaches it only if the container has `stdin: true`. */
  attach(
    namespace: string,
    pod: string,
    container: string,
    options: Omit<NodeExecOptions, 'command'>,
  ): Promise<NodeExec>;
  /** A stream to 127.0.0.1:port inside the pod. */
  portForward(namespace: string, pod: string, port: number): Promise<Duplex>;
}

export interface NodeLogOptions {
  follow?: boolean;
  previous?: boolean;
  tailLines?: number;
  sinceMs?: number;
  timestamps?: boolean;
  limitBytes?: number;
  signal?: AbortSignal;
}

export interface NodeExecOptions {
  command: string[];
  stdio: Omit<Stdio, 'tty'>;
  /** Present when a terminal was asked for. */
  tty?: { size: TerminalSize };
  signal?: AbortSignal;
}

export interface NodeExec {
  readonly exited: Promise<number>;
  resize(size: TerminalSize): void;
}
