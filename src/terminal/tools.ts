import type { Clock } from '#base/clock.ts';
import type { KubeClient } from '#kube/client/client.ts';
import type { Command, CommandContext } from '#shell/command.ts';
import { standardPrograms } from '#shell/programs/programs.ts';
import type { LoopbackNet } from './loopback.ts';
import { academy } from './tools/academy.ts';
import { editors } from './tools/editors.ts';
import { lazy } from './tools/lazy.ts';
import { notHere } from './tools/not-here.ts';

export interface ToolsOptions {
  /** The cluster as the learner's user sees it. */
  client: KubeClient;
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
  return [
    ...standardPrograms(),
    lazy('kubectl', 'control the cluster', async () =>
      (await import('./kubectl/kubectl.ts')).createKubectl({ client, clock, loopback }),
    ),
    lazy('linkerd', 'install, check and look into the mesh', async () =>
      (await import('./linkerd/command.ts')).createLinkerd({ client, clock, namespace: currentNamespace }),
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

/** Namespace of the current context of the learner's kubeconfig. */
async function currentNamespace(context: Pick<CommandContext, 'env'> & Partial<CommandContext>): Promise<string> {
  const { fs, cwd, env } = context;
  if (!fs || !cwd) return 'default';
  const [{ KubeconfigFile }, { kubeconfigPath }] = await Promise.all([
    import('./kubectl/kubeconfig-file.ts'),
    import('./kubectl/kubectl.ts'),
  ]);
  return (await new KubeconfigFile(fs, kubeconfigPath({}, { fs, cwd, env }, '')).namespace('')) || 'default';
}
