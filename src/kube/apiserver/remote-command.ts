import type { ChannelSocket } from '#kube/api/http.ts';
import type { NodeExec, NodeExecOptions } from '#kube/api/node.ts';
import { StatusError } from '#kube/api/status.ts';
import { Inbox } from '#shell/inbox.ts';
import type { ByteWriter, TerminalSize } from '#shell/stdio.ts';
import { channelPair } from './channel-pair.ts';

export interface RemoteCommand {
  stdin: boolean;
  stdout: boolean;
  stderr: boolean;
  tty: boolean;
  open(options: Omit<NodeExecOptions, 'command'>): Promise<NodeExec>;
}

const [STDIN, STDOUT, STDERR, ERROR, RESIZE] = [0, 1, 2, 3, 4];
/** A client that reads slower than this is waited for. */
const HIGH_WATER_BYTES = 1024 * 1024;

/**
 * The server's side of exec and attach: channels 0 stdin, 1 stdout, 2 stderr, 3 the final Status, 4 terminal sizes.
 * Source: k8s.io/kubelet remotecommand, protocols v4 and v5.
 */
export async function remoteCommandServer(protocol: string, command: RemoteCommand): Promise<ChannelSocket> {
  const { client, server } = channelPair(protocol);
  const abort = new AbortController();
  const stdin = new Inbox();
  let exec: NodeExec | undefined;
  let size: TerminalSize = { columns: 80, rows: 24 };
  server.onMessage((channel, data) => {
    if (channel === STDIN && command.stdin) stdin.push(data);
    else if (channel === RESIZE) {
      const asked = parseSize(data);
      if (asked) {
        size = asked;
        exec?.resize(asked);
      }
    }
  });
  server.onChannelClose((channel) => channel === STDIN && stdin.end());
  server.onClose(() => {
    stdin.end();
    abort.abort(new DOMException('the client went away', 'AbortError'));
  });
  const writer = (channel: number): ByteWriter => ({
    async write(data) {
      while (server.bufferedBytes > HIGH_WATER_BYTES) await new Promise((resolve) => setImmediate(resolve));
      server.send(channel, typeof data === 'string' ? Buffer.from(data) : data);
    },
    end() {},
  });
  if (!command.stdin) stdin.end();
  exec = await command.open({
    stdio: { stdin, stdout: writer(STDOUT!), stderr: writer(command.tty ? STDOUT! : STDERR!) },
    ...(command.tty ? { tty: { size } } : {}),
    signal: abort.signal,
  });
  void exec.exited
    .then(exitStatus, (error: unknown) => (error instanceof StatusError ? error.status : internal(String(error))))
    .then((status) => {
      server.send(ERROR!, Buffer.from(JSON.stringify(status)));
      server.close();
    });
  return client;
}

const exitStatus = (code: number) =>
  code === 0
    ? { metadata: {}, status: 'Success' }
    : {
        metadata: {},
        status: 'Failure',
        message: `command terminated with non-zero exit code: command terminated with exit code ${code}`,
        reason: 'NonZeroExitCode',
        details: { causes: [{ reason: 'ExitCode', message: String(code) }] },
      };

const internal = (message: string) => ({
  metadata: {},
  status: 'Failure',
  message,
  reason: 'InternalError',
  code: 500,
});

function parseSize(data: Uint8Array): TerminalSize | undefined {
  try {
    const { Width, Height } = JSON.parse(Buffer.from(data).toString()) as { Width?: number; Height?: number };
    return Number.isInteger(Width) && Number.isInteger(Height) && Width! > 0 && Height! > 0
      ? { columns: Width!, rows: Height! }
      : undefined;
  } catch {
    return undefined;
  }
}
