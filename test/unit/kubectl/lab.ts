import { InMemoryFs } from 'just-bash';
import { MovableClock } from '#base/clock.ts';
import type { KubeObject } from '#kube/api/types.ts';
import { ADMIN } from '#kube/apiserver/auth/authenticate.ts';
import { ApiServer } from '#kube/apiserver/server.ts';
import type { KubeClient } from '#kube/client/client.ts';
import { createKubeClient } from '#kube/client/create.ts';
import { createInProcessTransport } from '#kube/client/in-process.ts';
import { kubeconfigFor, stringifyKubeconfig } from '#kube/client/kubeconfig.ts';
import type { Command, CommandContext } from '#shell/command.ts';
import { collector, readerOf } from '#shell/pipe.ts';
import { createKubectl } from '#terminal/kubectl/kubectl.ts';
import type { KubectlOptions } from '#terminal/kubectl/verb.ts';

const HOME = '/home/learner';

export interface Ran {
  code: number;
  stdout: string;
  stderr: string;
}

/** kubectl with files in memory, before an API server in which nothing moves by itself. */
export interface Lab {
  client: KubeClient;
  clock: MovableClock;
  fs: InMemoryFs;
  kubectl: Command;
  run(words: string[], context?: Partial<CommandContext>): Promise<Ran>;
  complete(line: string): Promise<string[]>;
}

export async function createLab(
  files: Record<string, string> = {},
  options: Partial<KubectlOptions> = {},
): Promise<Lab> {
  const clock = new MovableClock();
  const client = createKubeClient(createInProcessTransport(new ApiServer({ clock }), ADMIN));
  for (const name of ['default', 'shop']) {
    const namespace: KubeObject = { apiVersion: 'v1', kind: 'Namespace', metadata: { name } };
    await client.create({ group: '', version: 'v1', resource: 'namespaces' }, namespace);
  }
  const config = stringifyKubeconfig(kubeconfigFor({ name: 'lab', server: 'https://lab' }));
  const all = { ...files, '.kube/config': config };
  const fs = new InMemoryFs(Object.fromEntries(Object.entries(all).map(([name, text]) => [`${HOME}/${name}`, text])));
  const kubectl = createKubectl({ client, clock, ...options });
  const world = { env: { HOME }, cwd: HOME, fs };
  return {
    client,
    clock,
    fs,
    kubectl,
    async run(words, context = {}) {
      const [stdout, stderr] = [collector(), collector()];
      const code = await kubectl.execute({
        args: words,
        ...world,
        clock,
        signal: new AbortController().signal,
        stdin: readerOf(''),
        stdout: stdout.writer,
        stderr: stderr.writer,
        run: async () => 1,
        ...context,
      });
      return { code, stdout: stdout.text(), stderr: stderr.text() };
    },
    complete: (line) => kubectl.complete!(line.split(' '), world),
  };
}

export const pod = (name: string, namespace: string, labels: Record<string, string> = {}): KubeObject => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name, namespace, labels },
  spec: { containers: [{ name: 'main', image: 'nginx' }], initContainers: [{ name: 'setup', image: 'busybox' }] },
});
