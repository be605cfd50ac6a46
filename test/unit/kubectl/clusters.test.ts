import { beforeAll, describe, expect, it } from 'vitest';
import { ADMIN } from '#kube/apiserver/auth/authenticate.ts';
import { ApiServer } from '#kube/apiserver/server.ts';
import { createKubeClient } from '#kube/client/create.ts';
import { createInProcessTransport } from '#kube/client/in-process.ts';
import { parseKubeconfig } from '#kube/client/kubeconfig.ts';
import { kubeconfigOf } from '#server/http/kubeconfig.ts';
import { clientsAt, clusterMeant } from '#terminal/cluster-of.ts';
import { createLinkerd } from '#terminal/linkerd/command.ts';
import { createLab, type Lab } from './lab.ts';

const access = (name: string) => ({ name, token: 'secret', api: { url: `https://${name}:6443`, ca: `ca of ${name}` } });

describe('a terminal with two clusters', () => {
  let lab: Lab;

  beforeAll(async () => {
    const clusters = new Map<string, ReturnType<typeof createKubeClient>>();
    lab = await createLab({}, { clientAt: (server) => clientsAt(clusters)(server) });
    const west = createKubeClient(createInProcessTransport(new ApiServer({ clock: lab.clock }), ADMIN));
    clusters.set('https://east:6443', lab.client).set('https://west:6443', west);
    for (const name of ['default', 'only-west'])
      await west.create(
        { group: '', version: 'v1', resource: 'namespaces' },
        { apiVersion: 'v1', kind: 'Namespace', metadata: { name } },
      );
    await lab.fs.writeFile('/home/learner/.kube/config', kubeconfigOf([access('east'), access('west')]));
  });

  const namespaces = async (...words: string[]) =>
    (await lab.run(['get', 'namespaces', '-o', 'name', ...words])).stdout;

  it('asks the one that the context, the cluster or the server names', async () => {
    expect(await namespaces()).toBe('namespace/default\nnamespace/shop\n');
    const west = 'namespace/default\nnamespace/only-west\n';
    expect(await namespaces('--context', 'west')).toBe(west);
    expect(await namespaces('--cluster', 'west')).toBe(west);
    expect(await namespaces('--server', 'https://west:6443/')).toBe(west);
  });

  it('completes names out of the one that is meant', async () => {
    expect(await lab.complete('kubectl --context west get namespaces on')).toEqual(['only-west']);
    expect(await lab.complete('kubectl get namespaces --context=')).toEqual(['--context=east', '--context=west']);
  });

  it('is refused at an address where nobody is', async () => {
    const { code, stderr } = await lab.run(['get', 'namespaces', '--server', 'https://north:6443']);
    expect(code).toBe(1);
    expect(stderr).toContain(
      'The connection to the server north:6443 was refused - did you specify the right host or port?',
    );
  });

  it('has contexts that are changed, renamed and repaired in the file', async () => {
    await lab.run(['config', 'use-context', 'west']);
    expect(await namespaces()).toContain('only-west');
    await lab.run(['config', 'rename-context', 'west', 'far']);
    expect(await namespaces()).toContain('only-west');
    await lab.run(['config', 'set-cluster', 'west', '--server', 'https://nowhere:6443']);
    expect(await namespaces()).toBe('');
    await lab.run(['config', 'use-context', 'east']);
    expect(await namespaces()).toContain('shop');
  });

  it('gives linkerd the same choice, and the CA for a link', async () => {
    const text = kubeconfigOf([access('east'), { ...access('west'), innerCa: 'inner ca' }]);
    expect(clusterMeant(parseKubeconfig(text), { context: 'west' })).toMatchObject({
      context: 'west',
      known: true,
      server: 'https://west:6443',
      ca: 'ca of west\ninner ca',
    });
    const printed: string[] = [];
    const writer = { write: async (part: Uint8Array | string) => void printed.push(String(part)), end: () => {} };
    const linkerd = createLinkerd({
      client: lab.client,
      clock: lab.clock,
      meant: async (_world, wish) => clusterMeant(parseKubeconfig(text), wish),
    });
    const code = await linkerd.execute({
      args: ['identity', '--context', 'north', 'web'],
      env: {},
      cwd: '/home/learner',
      fs: lab.fs,
      clock: lab.clock,
      signal: new AbortController().signal,
      stdin: { read: async () => undefined, cancel: () => {}, async *[Symbol.asyncIterator]() {} },
      stdout: writer,
      stderr: writer,
      run: async () => 1,
    });
    expect(code).toBe(1);
    expect(printed.join('')).toMatch(
      /^Error: error configuring Kubernetes API client: context "north" does not exist\nUsage:/,
    );
  });
});
