import type { Duplex } from 'node:stream';
import type { Clock } from '#base/clock.ts';
import type { KubeClient } from '#kube/client/client.ts';
import type { Command, CommandContext } from '#shell/command.ts';
import { standardPrograms } from '#shell/programs/programs.ts';
import { type ClientAt, clusterMeant, type Meant } from './cluster-of.ts';
import type { LoopbackNet } from './loopback.ts';
import { academy } from './tools/academy.ts';
import { editors } from './tools/editors.ts';
import { lazy } from './tools/lazy.ts';
import { notHere } from './tools/not-here.ts';

export interface ToolsOptions {
  /** The cluster as the learner's user sees it. */
  client: KubeClient;
  /** Where there are several clusters: the one at the address that the kubeconfig's context has. */
  clientAt?: ClientAt;
  /** Connections to addresses of the clusters' own network. */
  dial?: (host: string, port: number) => Promise<Duplex>;
  /** The cluster's clock: certificates are made and judged by it. */
  clock: Clock;
  wall: Clock;
  loopback: LoopbackNet;
  /** Opens the editor pane; resolves with the saved text, or null when it was given up. */
  openEditor(path: string, content: string, signal: AbortSignal): Promise<string | null>;
  /** Present where the lab lets its learner move the cluster's clock. */
  advanceClock?(ms: number): Promise<void>;
}

/** Every program of the lab terminal but those of the terminals themselves. What is large is loaded when first run. */
export function createTools(options: ToolsOptions): Command[] {
  const { client, clock, loopback } = options;
  const several = options.clientAt ? { clientAt: options.clientAt } : {};
  return [
    ...standardPrograms(),
    lazy('kubectl', 'control the cluster', async () =>
      (await import('./kubectl/kubectl.ts')).createKubectl({ client, ...several, clock, loopback }),
    ),
    lazy('linkerd', 'install, check and look into the mesh', async () =>
      (await import('./linkerd/command.ts')).createLinkerd({
        client,
        ...several,
        ...(options.dial ? { dial: options.dial } : {}),
        clock,
        meant: meantBy,
      }),
    ),
    lazy('step', 'make and read certificates and keys', async () =>
      (await import('./step/step.ts')).createStep({ clock, dial: (...to) => loopback.dial(...to) }),
    ),
    lazy('openssl', 'read, make and try certificates', async () =>
      (await import('./openssl/openssl.ts')).createOpenssl({ clock, dial: (...to) => loopback.dial(...to) }),
    ),
    lazy('curl', 'make HTTP requests, to 127.0.0.1', async () =>
      (await import('#shell/curl/curl.ts')).createCurl({ dial: (...to) => loopback.dial(...to) }),
    ),
    lazy('nc', 'talk to a port of 127.0.0.1', async () =>
      (await import('./tools/nc.ts')).createNetcat((...to) => loopback.dial(...to)),
    ),
    ...editors(options.openEditor),
    academy(options),
    ...notHere(),
  ];
}

/** What the learner's kubeconfig says of the cluster that is meant. */
async function meantBy(
  { fs, cwd, env }: Pick<CommandContext, 'env' | 'fs' | 'cwd'>,
  wish: { context?: string; kubeconfig?: string },
): Promise<Meant> {
  const [{ KubeconfigFile }, { kubeconfigPath }] = await Promise.all([
    import('./kubectl/kubeconfig-file.ts'),
    import('./kubectl/kubectl.ts'),
  ]);
  const file = new KubeconfigFile(fs, kubeconfigPath({}, { fs, cwd, env }, wish.kubeconfig ?? ''));
  return clusterMeant(await file.read(), wish);
}
