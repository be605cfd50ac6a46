import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { Cluster } from '#cluster/driver.ts';
import { createEmbeddedDriver } from '#cluster/embedded/driver.ts';
import type { KubeObject } from '#kube/api/types.ts';
import type { KubeClient, Target } from '#kube/client/client.ts';
import { clusterSettings } from '#schema/lab.ts';

const core = (resource: string, namespace?: string): Target => ({
  group: '',
  version: 'v1',
  resource,
  ...(namespace ? { namespace } : {}),
});

const WEB: KubeObject[] = [
  {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'web', namespace: 'default', labels: { app: 'web' } },
    spec: {
      containers: [
        { name: 'web', image: 'hashicorp/http-echo:1.0', args: ['-listen=:8080', '-text=from the other side'] },
      ],
    },
  },
  {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'web', namespace: 'default' },
    spec: { type: 'LoadBalancer', selector: { app: 'web' }, ports: [{ port: 80, targetPort: 8080, nodePort: 30_080 }] },
  },
];
const TOOL: KubeObject = {
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'tool', namespace: 'default' },
  spec: { containers: [{ name: 'tool', image: 'curlimages/curl:8.11.1', command: ['sleep', '3600'] }] },
};

const isReady = ({ status }: KubeObject): boolean =>
  (status?.conditions ?? []).some(
    (one: { type: string; status: string }) => one.type === 'Ready' && one.status === 'True',
  );

async function make(network: 'gateway' | 'flat', restore?: Uint8Array): Promise<{ east: Cluster; west: Cluster }> {
  const east = await createEmbeddedDriver().create({
    id: 'contract',
    settings: clusterSettings.parse({ mesh: 'none', others: [{ name: 'west', network }] }),
    onStep: () => {},
    signal: new AbortController().signal,
    ...(restore ? { restore } : {}),
  });
  await east.ready;
  return { east, west: east.others!.get('west')! };
}

/** What a command in the pod `tool` prints, and how it ends. */
async function run(client: KubeClient, command: string[]): Promise<{ code: number; text: string }> {
  let text = '';
  const take = (chunk: Uint8Array) => {
    text += Buffer.from(chunk).toString();
  };
  const code = await client.exec({ namespace: 'default', pod: 'tool', command, stdout: take, stderr: take });
  return { code, text };
}
const ready = (client: KubeClient, name: string) =>
  vi.waitFor(async () => expect(isReady(await client.get(core('pods', 'default'), name))).toBe(true), 10_000);

async function balancerAddress(client: KubeClient): Promise<string> {
  const address = async () =>
    (await client.get(core('services', 'default'), 'web')).status?.loadBalancer?.ingress?.[0]?.ip as string | undefined;
  await expect.poll(address).toBeDefined();
  return (await address())!;
}

describe.each(['gateway', 'flat'] as const)('two clusters joined by %s', (network) => {
  let east: Cluster;
  let west: Cluster;
  beforeAll(async () => {
    ({ east, west } = await make(network));
    const account = ({ admin }: Cluster) => admin.get(core('serviceaccounts', 'default'), 'default');
    for (const cluster of [east, west]) await vi.waitFor(() => account(cluster), 10_000);
    for (const object of WEB) await west.admin.apply(object, { fieldManager: 'test' });
    for (const { admin } of [east, west]) await admin.apply(TOOL, { fieldManager: 'test' });
    await ready(west.admin, 'web');
    await ready(east.admin, 'tool');
    await ready(west.admin, 'tool');
  });
  afterAll(async () => {
    await east?.destroy();
  });

  const curl = (url: string, ...more: string[]) => run(east.admin, ['curl', '-sS', '-m', '2', ...more, url]);

  it('share no address', async () => {
    for (const resource of ['services', 'pods', 'nodes']) {
      const text = async ({ admin }: Cluster) => JSON.stringify((await admin.list(core(resource))).items);
      const addresses = async (cluster: Cluster) =>
        new Set((await text(cluster)).match(/\b(10|172)\.\d+\.\d+\.\d+\b/g));
      const ofWest = await addresses(west);
      expect(
        [...(await addresses(east))].filter((ip) => ofWest.has(ip)),
        resource,
      ).toEqual([]);
    }
  });

  it('reach each other’s load balancers and node ports', async () => {
    expect(await curl(`http://${await balancerAddress(west.admin)}/`)).toEqual({
      code: 0,
      text: 'from the other side\n',
    });
    const [node] = (await west.admin.list(core('nodes'))).items;
    expect(await curl(`http://${node!.status.addresses[0].address}:30080/`)).toMatchObject({ code: 0 });
    expect(await curl(`http://${node!.status.addresses[0].address}:30081/`)).toMatchObject({ code: 7 });
  });

  it('reach pods only where the network is flat, and Service addresses never', async () => {
    const { podIP } = (await west.admin.get(core('pods', 'default'), 'web')).status;
    expect((await curl(`http://${podIP}:8080/`)).code).toBe(network === 'flat' ? 0 : 28);
    const { clusterIP } = (await west.admin.get(core('services', 'default'), 'web')).spec;
    expect((await curl(`http://${clusterIP}/`)).code).toBe(28);
  });

  it('serve their API to each other’s pods, who show a token', async () => {
    const { admin } = west;
    await admin.create(core('serviceaccounts', 'default'), {
      apiVersion: 'v1',
      kind: 'ServiceAccount',
      metadata: { name: 'guest', namespace: 'default' },
    });
    await admin.create(
      { group: 'rbac.authorization.k8s.io', version: 'v1', resource: 'clusterrolebindings' },
      {
        apiVersion: 'rbac.authorization.k8s.io/v1',
        kind: 'ClusterRoleBinding',
        metadata: { name: 'guest' },
        roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'view' },
        subjects: [{ kind: 'ServiceAccount', name: 'guest', namespace: 'default' }],
      },
    );
    const { status } = (await admin.raw('POST', '/api/v1/namespaces/default/serviceaccounts/guest/token', {
      apiVersion: 'authentication.k8s.io/v1',
      kind: 'TokenRequest',
      spec: {},
    })) as KubeObject;
    const url = `${west.inner!.url}/api/v1/namespaces/default/services/web`;
    await run(east.admin, ['sh', '-c', `cat > /tmp/ca.crt <<'END'\n${west.inner!.ca}\nEND`]);
    const asked = await curl(url, '--cacert', '/tmp/ca.crt', '-H', `authorization: Bearer ${status.token}`);
    expect(asked.text).toMatch(/"nodePort": ?30080/);
    const refused = await curl(url, '--cacert', '/tmp/ca.crt');
    expect(refused.text).toContain('forbidden');
    expect((await curl(url)).code).toBe(60);
  });

  it('move in time together', async () => {
    const before = west.clock.now();
    await east.advanceClock(3_600_000);
    expect(west.clock.now() - before).toBeGreaterThanOrEqual(3_600_000);
  });

  it('come back together, still joined', async () => {
    const saved = await east.save();
    await east.destroy();
    ({ east, west } = await make(network, saved));
    await ready(west.admin, 'web');
    await ready(east.admin, 'tool');
    expect(await curl(`http://${await balancerAddress(west.admin)}/`)).toMatchObject({ code: 0 });
    expect(west.clock.now() - Date.now()).toBeGreaterThan(3_500_000);
  });
});

describe.each(['shared', 'own'] as const)('two meshes whose anchor is %s', (anchor) => {
  let east: Cluster;
  let west: Cluster;
  beforeAll(async () => {
    east = await createEmbeddedDriver().create({
      id: 'contract',
      settings: clusterSettings.parse({ others: [{ name: 'west', anchor }] }),
      onStep: () => {},
      signal: new AbortController().signal,
    });
    west = east.others!.get('west')!;
    await east.ready;
  });
  afterAll(async () => {
    await east?.destroy();
  });

  const bundle = async ({ admin }: Cluster) =>
    (await admin.get(core('configmaps', 'linkerd'), 'linkerd-identity-trust-roots')).data['ca-bundle.crt'] as string;
  const issuer = async ({ admin }: Cluster) =>
    (await admin.get(core('secrets', 'linkerd'), 'linkerd-identity-issuer')).data['crt.pem'] as string;

  it(`trust ${anchor === 'shared' ? 'one anchor' : 'an anchor each'}, and have an issuer each`, async () => {
    expect((await bundle(east)).trim() === (await bundle(west)).trim()).toBe(anchor === 'shared');
    expect(await issuer(east)).not.toBe(await issuer(west));
  });

  it('leave the learner the keys that are needed to sign for both', () => {
    const names = Object.keys(east.homeFiles).sort();
    expect(names).toEqual(
      anchor === 'shared' ? ['ca.crt', 'ca.key'] : ['ca.crt', 'ca.key', 'west/ca.crt', 'west/ca.key'],
    );
  });
});
