import { InMemoryFs } from 'just-bash';
import { vi } from 'vitest';
import { parseAllDocuments } from 'yaml';
import type { Cluster } from '#cluster/driver.ts';
import { createEmbeddedDriver } from '#cluster/embedded/driver.ts';
import { StatusError } from '#kube/api/status.ts';
import type { KubeObject } from '#kube/api/types.ts';
import type { Target } from '#kube/client/client.ts';
import { clusterSettings } from '#schema/lab.ts';
import type { CommandContext } from '#shell/command.ts';
import { createLinkerd } from '#terminal/linkerd/command.ts';

export const core = (resource: string, namespace?: string): Target => ({
  group: '',
  version: 'v1',
  resource,
  ...(namespace ? { namespace } : {}),
});
export const NAMESPACE = 'linkerd-multicluster';

export interface Ran {
  code: number;
  stdout: string;
  stderr: string;
}

/** Two meshed clusters on one clock, and what a person does with them. */
export class Pair {
  readonly east: Cluster;
  readonly west: Cluster;

  private constructor(east: Cluster, west: Cluster) {
    this.east = east;
    this.west = west;
  }

  static async make({
    mesh = 'linkerd',
    ...joined
  }: {
    network: 'gateway' | 'flat';
    anchor?: 'shared' | 'own';
    mesh?: 'linkerd' | 'none';
  }): Promise<Pair> {
    const east = await createEmbeddedDriver().create({
      id: 'contract',
      settings: clusterSettings.parse({ mesh, others: [{ name: 'west', ...joined }] }),
      onStep: () => {},
      signal: new AbortController().signal,
    });
    await east.ready;
    return new Pair(east, east.others!.get('west')!);
  }

  destroy(): Promise<void> {
    return this.east.destroy();
  }

  /** `linkerd` of the lab's terminal, in the context of one cluster. */
  async linkerd(name: 'east' | 'west', ...args: string[]): Promise<Ran> {
    const cluster = this[name];
    const printed = { stdout: '', stderr: '' };
    const writer = (to: keyof typeof printed) => ({
      write: async (text: Uint8Array | string) => {
        printed[to] += typeof text === 'string' ? text : Buffer.from(text).toString();
      },
      end: () => {},
    });
    const context: CommandContext = {
      args,
      env: {},
      cwd: '/',
      fs: new InMemoryFs(),
      clock: cluster.clock,
      signal: new AbortController().signal,
      stdin: { read: async () => undefined, cancel: () => {}, async *[Symbol.asyncIterator]() {} },
      stdout: writer('stdout'),
      stderr: writer('stderr'),
      run: async () => 0,
    };
    const { inner } = cluster;
    const command = createLinkerd({
      client: cluster.admin,
      clock: cluster.clock,
      dial: inner!.dial,
      meant: async () => ({
        context: name,
        known: true,
        cluster: name,
        server: inner!.url,
        ca: inner!.ca,
        namespace: undefined,
      }),
    });
    return { code: await command.execute(context), ...printed };
  }

  /** Applies what a command printed. */
  async apply(name: 'east' | 'west', text: string): Promise<void> {
    for (const object of objectsIn(text)) await this[name].admin.apply(object, { fieldManager: 'test', force: true });
  }

  /** Deletes what a command printed, and waits until it is gone; what is not there is fine. */
  async remove(name: 'east' | 'west', text: string): Promise<void> {
    const { admin } = this[name];
    const served = await admin.discover({ fresh: true });
    for (const { apiVersion, kind, metadata } of objectsIn(text)) {
      const found = served.find(
        (each) => each.kind === kind && [each.group, each.version].filter(Boolean).join('/') === apiVersion,
      );
      const target = { ...found!, ...(metadata.namespace ? { namespace: metadata.namespace } : {}) };
      const is = (code: number) => (error: unknown) => error instanceof StatusError && error.code === code;
      await admin.delete(target, metadata.name!).catch((error: unknown) => {
        if (!is(404)(error)) throw error;
      });
      await vi.waitFor(async () => {
        const there = await admin.get(target, metadata.name!).then(
          () => true,
          (error: unknown) => !is(404)(error),
        );
        if (there) throw new Error(`${kind} ${metadata.name} is still there`);
      }, 30_000);
    }
  }

  /** Installs the extension on both sides and links east to west: east mirrors what west exports. */
  async link(options: { gateway: boolean; settings?: string[] }): Promise<void> {
    const gateway = `--gateway=${options.gateway}`;
    const install = await this.linkerd('west', 'multicluster', 'install', gateway);
    await this.apply('west', install.stdout);
    const settings = ['controllers[0].link.ref.name=west', ...(options.settings ?? [])];
    const controller = settings.flatMap((each) => ['--set', each]);
    await this.apply('east', (await this.linkerd('east', 'mc', 'install', gateway, ...controller)).stdout);
    const made = await vi.waitFor(async () => {
      const ran = await this.linkerd('west', 'multicluster', 'link-gen', '--cluster-name=west', gateway);
      if (ran.code !== 0) throw new Error(ran.stderr);
      return ran.stdout;
    }, 20_000);
    await this.apply('east', made);
  }

  /** A command in a pod of east. */
  async exec(pod: string, command: string[], cluster: 'east' | 'west' = 'east'): Promise<Ran> {
    const ran: Ran = { code: 0, stdout: '', stderr: '' };
    ran.code = await this[cluster].admin.exec({
      namespace: 'shop',
      pod,
      container: pod,
      command,
      stdout: (chunk) => {
        ran.stdout += Buffer.from(chunk).toString();
      },
      stderr: (chunk) => {
        ran.stderr += Buffer.from(chunk).toString();
      },
    });
    return ran;
  }

  curl = (url: string, ...more: string[]): Promise<Ran> =>
    this.exec('client', ['curl', '-sS', '-m', '5', ...more, url]);
}

const objectsIn = (text: string): KubeObject[] =>
  parseAllDocuments(text)
    .map((document) => document.toJS() as KubeObject | null)
    .filter((each): each is KubeObject => each !== null);

/** The namespace `shop` on both sides, a client in east and a Service `web` that says where it is. */
export async function shop(pair: Pair, where: ('east' | 'west')[], labels: Record<string, string>): Promise<void> {
  for (const name of ['east', 'west'] as const) {
    await pair[name].admin.apply(
      {
        apiVersion: 'v1',
        kind: 'Namespace',
        metadata: { name: 'shop', annotations: { 'linkerd.io/inject': 'enabled' } },
      },
      { fieldManager: 'test' },
    );
    await vi.waitFor(() => pair[name].admin.get(core('serviceaccounts', 'shop'), 'default'), 10_000);
  }
  for (const name of where) {
    for (const object of web(name, labels)) await pair[name].admin.apply(object, { fieldManager: 'test' });
  }
  await pair.east.admin.apply(
    {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'client', namespace: 'shop' },
      spec: {
        terminationGracePeriodSeconds: 0,
        containers: [{ name: 'client', image: 'curlimages/curl:8.11.1', command: ['sleep', '3600'] }],
      },
    },
    { fieldManager: 'test' },
  );
  await ready(pair, 'east', 'client');
  for (const name of where) await ready(pair, name, 'web');
}

const web = (text: string, labels: Record<string, string>): KubeObject[] => [
  {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'web', namespace: 'shop', labels: { app: 'web' } },
    spec: {
      terminationGracePeriodSeconds: 0,
      containers: [
        {
          name: 'web',
          image: 'hashicorp/http-echo:1.0',
          args: ['-listen=:8080', `-text=${text}`],
          ports: [{ name: 'http', containerPort: 8080 }],
        },
      ],
    },
  },
  {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'web', namespace: 'shop', labels },
    spec: { selector: { app: 'web' }, ports: [{ name: 'http', port: 80, targetPort: 8080 }] },
  },
];

export async function ready(pair: Pair, cluster: 'east' | 'west', pod: string): Promise<void> {
  await vi.waitFor(async () => {
    const { status } = await pair[cluster].admin.get(core('pods', 'shop'), pod);
    const is = (status?.conditions ?? []).some(
      (each: { type: string; status: string }) => each.type === 'Ready' && each.status === 'True',
    );
    if (!is) throw new Error(`${pod} is not ready`);
  }, 20_000);
}

/** Lets only this identity reach `web` in a cluster. */
export async function allowOnly(pair: Pair, cluster: 'east' | 'west', identity: string): Promise<void> {
  const policy = { apiVersion: 'policy.linkerd.io/v1alpha1', metadata: { name: 'web', namespace: 'shop' } };
  const objects: KubeObject[] = [
    {
      ...policy,
      apiVersion: 'policy.linkerd.io/v1beta3',
      kind: 'Server',
      spec: { podSelector: { matchLabels: { app: 'web' } }, port: 'http', proxyProtocol: 'HTTP/1' },
    },
    { ...policy, kind: 'MeshTLSAuthentication', spec: { identities: [identity] } },
    {
      ...policy,
      kind: 'AuthorizationPolicy',
      spec: {
        targetRef: { group: 'policy.linkerd.io', kind: 'Server', name: 'web' },
        requiredAuthenticationRefs: [{ group: 'policy.linkerd.io', kind: 'MeshTLSAuthentication', name: 'web' }],
      },
    },
  ];
  for (const object of objects) await pair[cluster].admin.apply(object, { fieldManager: 'test', force: true });
}

/** Lines of the proxy's metrics that hold all of these texts. */
export async function metrics(
  pair: Pair,
  cluster: 'east' | 'west',
  pod: string,
  ...texts: string[]
): Promise<string[]> {
  const { stdout } = await pair.linkerd(cluster, 'diagnostics', 'proxy-metrics', '-n', 'shop', `pod/${pod}`);
  return stdout.split('\n').filter((line) => texts.every((text) => line.includes(text)));
}
