import { setTimeout as pause } from 'node:timers/promises';
import type { ApiRequest, ChannelSocket } from '#kube/api/http.ts';
import { failure, type Status, StatusError } from '#kube/api/status.ts';
import type { ExecOptions, Transport } from './client.ts';
import { pathOf } from './paths.ts';
import { CLOSE_CHANNEL } from './web-socket.ts';

/** Newest first; v4 has no way to end stdin (apimachinery/pkg/util/remotecommand/constants.go). */
export const EXEC_PROTOCOLS = ['v5.channel.k8s.io', 'v4.channel.k8s.io'];
const CHANNEL = { stdin: 0, stdout: 1, stderr: 2, error: 3, resize: 4 } as const;
const HIGH_WATER_BYTES = 1024 * 1024;

export type AttachOptions = Omit<ExecOptions, 'command'>;

/** Runs a command in a container, or attaches to its main process; resolves with the exit code. */
export async function remoteCommand(
  transport: Transport,
  verb: 'exec' | 'attach',
  options: AttachOptions & { command?: string[] },
): Promise<number> {
  options.signal?.throwIfAborted();
  const query = new URLSearchParams();
  for (const word of options.command ?? []) query.append('command', word);
  if (options.container) query.set('container', options.container);
  if (options.stdin) query.set('stdin', 'true');
  if (options.stdout) query.set('stdout', 'true');
  if (options.stderr && !options.tty) query.set('stderr', 'true');
  if (options.tty) query.set('tty', 'true');
  const target = { group: '', version: 'v1', resource: 'pods', namespace: options.namespace };
  const request: Omit<ApiRequest, 'user'> = {
    method: 'GET',
    path: pathOf(target, options.pod, verb),
    query,
    headers: {},
    ...(options.signal ? { signal: options.signal } : {}),
  };
  const socket = await transport.connect(request, EXEC_PROTOCOLS);
  return new Promise<number>((resolve, reject) => {
    let outcome: Status | undefined;
    const ended = new AbortController();
    const onAbort = () => {
      socket.close();
      finish();
    };
    const finish = () => {
      options.signal?.removeEventListener('abort', onAbort);
      ended.abort();
      if (options.signal?.aborted) reject(options.signal.reason);
      else settle(outcome, resolve, reject);
    };
    socket.onMessage((channel, data) => {
      if (channel === CHANNEL.stdout) options.stdout?.(data);
      else if (channel === CHANNEL.stderr) options.stderr?.(data);
      else if (channel === CHANNEL.error && data.length > 0) outcome = parseStatus(data);
    });
    socket.onClose(finish);
    options.signal?.addEventListener('abort', onAbort, { once: true });
    if (options.signal?.aborted) return onAbort();
    if (options.stdin) void pumpInput(socket, options.stdin, ended.signal);
    if (options.resize) void pumpSizes(socket, options.resize, ended.signal);
  });
}

async function pumpInput(socket: ChannelSocket, stdin: AsyncIterable<Uint8Array>, ended: AbortSignal): Promise<void> {
  try {
    for await (const chunk of stdin) {
      if (ended.aborted) return;
      socket.send(CHANNEL.stdin, chunk);
      await drained(socket, ended);
    }
    if (socket.protocol.startsWith('v5.')) socket.send(CLOSE_CHANNEL, Uint8Array.of(CHANNEL.stdin));
  } catch {
    // The input broke off; the command sees what came so far.
  }
}

async function pumpSizes(
  socket: ChannelSocket,
  sizes: AsyncIterable<{ columns: number; rows: number }>,
  ended: AbortSignal,
): Promise<void> {
  const encoder = new TextEncoder();
  for await (const { columns, rows } of sizes) {
    if (ended.aborted) return;
    socket.send(CHANNEL.resize, encoder.encode(JSON.stringify({ Width: columns, Height: rows })));
  }
}

/** Waits until the transport has taken most of what was sent. */
export async function drained(socket: ChannelSocket, ended?: AbortSignal): Promise<void> {
  while (socket.bufferedBytes > HIGH_WATER_BYTES && !ended?.aborted) await pause(5, undefined, { ref: false });
}

function parseStatus(data: Uint8Array): Status {
  const text = Buffer.from(data).toString('utf8');
  try {
    return JSON.parse(text) as Status;
  } catch {
    return failure('InternalError', text).status;
  }
}

/** An exit code travels as a cause of the Status on the error channel. */
function settle(status: Status | undefined, resolve: (code: number) => void, reject: (error: Error) => void): void {
  if (!status) return reject(failure('InternalError', 'the connection to the container was lost'));
  if (status.status === 'Success') return resolve(0);
  const code = status.details?.causes?.find((cause) => cause.reason === 'ExitCode')?.message;
  if (code !== undefined && /^\d+$/.test(code)) return resolve(Number(code));
  reject(new StatusError(status));
}
