import { request } from 'node:http';
import type { Clock } from '#base/clock.ts';
import type { ContainerContext } from '#kube/images/program.ts';
import type { NetNs } from '#kube/network/network.ts';
import type { Spec } from './container.ts';
import { before } from './deadline.ts';
import type { ResolvedImage } from './image-store.ts';
import { quietStreams } from './prepare.ts';

export interface HookWorld {
  context: Omit<ContainerContext, 'stdio'>;
  image: ResolvedImage;
  /** The node's: a program's own may sleep through a move of the clock. */
  clock: Clock;
  /** The node's namespace: the kubelet calls from there. */
  node: NetNs;
  port(port: number | string): number | undefined;
  /** Ends the hook. */
  signal: AbortSignal;
}

/** Runs a command in a container as `exec` does, collecting what it prints. 127 with the runtime's words when there is none. */
export async function runInContainer(
  command: string[],
  { context, image, signal }: Pick<HookWorld, 'context' | 'image' | 'signal'>,
): Promise<{ code: number; output: string }> {
  const streams = quietStreams();
  const process = image.image.start({ ...context, argv: command, stdio: streams.stdio });
  if (!process) return { code: 127, output: missingProgram(command[0] ?? '') };
  const ended = await before(process.exited, signal);
  if (!ended) {
    process.kill('SIGKILL');
    return { code: 137, output: `command ${JSON.stringify(command.join(' '))} timed out` };
  }
  return { code: await process.exited, output: streams.text() };
}

export const missingProgram = (name: string): string =>
  `OCI runtime exec failed: exec failed: unable to start container process: exec: ${JSON.stringify(name)}: ${whyMissing(name)}`;

/** A name is looked for on the path, a path only where it says. */
export const whyMissing = (name: string): string =>
  name.includes('/') ? `stat ${name}: no such file or directory` : 'executable file not found in $PATH';

/** Runs a lifecycle handler to its end. Rejects with the kubelet's words when it fails. Source: pkg/kubelet/lifecycle. */
export async function runHook(handler: Spec, world: HookWorld): Promise<void> {
  const { context, clock, signal } = world;
  if (handler.sleep) {
    await clock.sleep((handler.sleep.seconds ?? 0) * 1000, signal).catch(() => {});
    return;
  }
  if (handler.exec) {
    const { code, output } = await runInContainer(handler.exec.command ?? [], world);
    if (code !== 0 && !signal.aborted)
      throw new Error(
        `command '${(handler.exec.command ?? []).join(' ')}' exited with ${code}: ${output}, message: ${JSON.stringify(output)}`,
      );
    return;
  }
  if (handler.httpGet) {
    const port = world.port(handler.httpGet.port);
    if (port === undefined) throw new Error(`couldn't find port: ${handler.httpGet.port}`);
    const connection = await world.node.dial(handler.httpGet.host ?? context.pod.ip, port, { signal });
    connection.on('error', () => {});
    try {
      await new Promise<void>((resolve, reject) => {
        const sent = request(
          {
            createConnection: () => connection as never,
            path: handler.httpGet.path ?? '/',
            headers: { host: `${context.pod.ip}:${port}`, connection: 'close' },
            signal,
          },
          (got) => {
            got.resume();
            if ((got.statusCode ?? 0) >= 400) reject(new Error(`HTTP status ${got.statusCode}`));
            else got.on('end', resolve);
          },
        );
        sent.on('error', reject);
        sent.end();
      });
    } finally {
      connection.destroy();
    }
  }
}
