import { InMemoryFs } from 'just-bash';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { parseAllDocuments } from 'yaml';
import type { Cluster } from '#cluster/driver.ts';
import { createEmbeddedDriver } from '#cluster/embedded/driver.ts';
import type { KubeObject } from '#kube/api/types.ts';
import type { KubeClient } from '#kube/client/client.ts';
import { clusterSettings } from '#schema/lab.ts';
import type { CommandContext } from '#shell/command.ts';
import { createLinkerd } from '#terminal/linkerd/command.ts';

const options = { fieldManager: 'test', force: true };
const API_SERVICES = { group: 'apiregistration.k8s.io', version: 'v1', resource: 'apiservices' };
const POD = { group: '', version: 'v1', resource: 'pods' };
let cluster: Cluster;

/** `linkerd` of the lab's terminal; ends when it has printed what is waited for. */
async function linkerd(
  args: string[],
  until?: (lines: string[]) => boolean,
  client: KubeClient = cluster.admin,
  tty?: CommandContext['tty'],
) {
  const stop = new AbortController();
  const printed = { stdout: '', stderr: '' };
  const writer = (to: keyof typeof printed) => ({
    write: async (text: Uint8Array | string) => {
      printed[to] += typeof text === 'string' ? text : Buffer.from(text).toString();
      if (until?.(printed.stdout.split('\n'))) stop.abort();
    },
    end: () => {},
  });
  const context: CommandContext = {
    args,
    env: {},
    cwd: '/',
    fs: new InMemoryFs(),
    clock: cluster.clock,
    signal: AbortSignal.any([stop.signal, AbortSignal.timeout(20_000)]),
    stdin: { read: async () => undefined, cancel: () => {}, async *[Symbol.asyncIterator]() {} },
    stdout: writer('stdout'),
    stderr: writer('stderr'),
    run: async () => 0,
    ...(tty ? { tty } : {}),
  };
  const code = await createLinkerd({ client, clock: cluster.clock })
    .execute(context)
    .catch((error: unknown) => {
      if (stop.signal.aborted) return 130;
      throw error;
    });
  return { code, ...printed };
}

const deployment = (name: string, container: object): KubeObject => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name, namespace: 'shop' },
  spec: {
    replicas: 1,
    selector: { matchLabels: { app: name } },
    template: {
      metadata: { labels: { app: name } },
      spec: { terminationGracePeriodSeconds: 0, containers: [{ name, ...container }] },
    },
  },
});

const SHOP: KubeObject[] = [
  {
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: { name: 'shop', annotations: { 'linkerd.io/inject': 'enabled' } },
  },
  deployment('web', {
    image: 'hashicorp/http-echo:1.0',
    args: ['-listen=:8080', '-text=hello'],
    ports: [{ name: 'http', containerPort: 8080 }],
  }),
  {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'web', namespace: 'shop' },
    spec: { selector: { app: 'web' }, ports: [{ name: 'http', port: 80, targetPort: 8080 }] },
  },
  deployment('client', {
    image: 'curlimages/curl:8.11.1',
    command: ['sh', '-c', 'while true; do curl -s http://web/orders?id=7; sleep 0.2; done'],
  }),
];

async function ready(namespace: string, count: number): Promise<KubeObject[]> {
  return vi.waitFor(async () => {
    const { items } = await cluster.admin.list({ ...POD, namespace });
    const done = items.filter(({ status }) =>
      (status?.conditions ?? []).some(
        (each: { type: string; status: string }) => each.type === 'Ready' && each.status === 'True',
      ),
    );
    if (done.length < count) throw new Error(`${done.length} of ${count} pods are ready in ${namespace}`);
    return items;
  }, 30_000);
}

const apply = async (objects: KubeObject[]) => {
  for (const object of objects) await cluster.admin.apply(object, options);
};

const started = (lines: string[], ...starts: string[]) =>
  starts.every((start) => lines.some((each) => each.startsWith(start)));

describe('linkerd viz tap', () => {
  beforeAll(async () => {
    cluster = await createEmbeddedDriver().create({
      id: 'tap',
      settings: clusterSettings.parse({ mesh: 'linkerd' }),
      onStep: () => {},
      signal: new AbortController().signal,
    });
    await cluster.ready;
  }, 60_000);
  afterAll(() => cluster?.destroy());

  it('says where the extension is missing', async () => {
    const ran = await linkerd(['viz', 'tap', 'deploy/web', '-n', 'shop']);
    expect(ran).toMatchObject({
      code: 1,
      stderr:
        'Cannot connect to Linkerd Viz: namespace with label "linkerd.io/extension: viz" not found\nValidate the install with: linkerd viz check\n',
    });
  });

  it('comes with an API that the API server finds available', async () => {
    const { stdout } = await linkerd(['viz', 'install']);
    await apply(parseAllDocuments(stdout).map((each) => each.toJS() as KubeObject));
    await ready('linkerd-viz', 2);
    await vi.waitFor(async () => {
      const { status } = await cluster.admin.get(API_SERVICES, 'v1alpha1.tap.linkerd.io');
      expect(status?.conditions).toMatchObject([{ type: 'Available', status: 'True', reason: 'Passed' }]);
    }, 20_000);
    const served = await cluster.admin.discover({ fresh: true });
    expect(served.some((each) => each.group === 'tap.linkerd.io' && each.kind === 'Tap')).toBe(true);
  });

  it('shows requests, answers and ends on both sides, mutually authenticated', async () => {
    await apply(SHOP);
    const pods = await ready('shop', 2);
    for (const pod of pods) expect(pod.metadata.annotations?.['viz.linkerd.io/tap-enabled']).toBe('true');
    const inbound = await linkerd(['viz', 'tap', 'deploy/web', '-n', 'shop'], (lines) =>
      started(lines, 'req', 'rsp', 'end'),
    );
    const ips = '(\\d+\\.){3}\\d+:\\d+';
    expect(inbound.stdout).toMatch(
      new RegExp(
        `^req id=\\d+:\\d+ proxy=in  src=${ips} dst=${ips} tls=true :method=GET :authority=web :path=/orders$`,
        'm',
      ),
    );
    expect(inbound.stdout).toMatch(/^rsp id=\d+:\d+ proxy=in {2}.* tls=true :status=200 latency=\d+µs$/m);
    expect(inbound.stdout).toMatch(/^end id=\d+:\d+ proxy=in {2}.* tls=true duration=\d+µs response-length=6B$/m);
    const outbound = await linkerd(
      ['viz', 'tap', 'deploy', 'client', '-n', 'shop', '--to', 'deploy/web', '--to-namespace', 'shop', '-o', 'wide'],
      (lines) => started(lines, 'req', 'rsp', 'end'),
    );
    expect(outbound.stdout).toMatch(/^req .* proxy=out .* tls=true .* src_deployment=client .* dst_deployment=web /m);
  });

  it('tells headers in JSON', async () => {
    const ran = await linkerd(
      ['viz', 'tap', 'ns/shop', '--method', 'get', '--path', '/orders', '-o', 'json'],
      (lines) => lines.includes('}'),
    );
    const event = JSON.parse(ran.stdout.slice(0, ran.stdout.indexOf('\n}') + 2));
    expect(event.requestInitEvent).toMatchObject({ method: 'GET', scheme: 'HTTP', authority: 'web', path: '/orders' });
    expect(event.requestInitEvent.headers).toContainEqual({ name: 'host', valueStr: 'web' });
  });

  it('says which pods can’t be tapped', async () => {
    const ran = await linkerd(['viz', 'tap', 'deploy/nothing', '-n', 'shop']);
    expect(ran).toMatchObject({ code: 1, stderr: 'deployment.apps "nothing" not found\n' });
    const controlPlane = await linkerd(['viz', 'tap', 'deploy/linkerd-identity', '-n', 'linkerd']);
    expect(controlPlane.stderr).toContain('1 pods found with tap not enabled:\n\t* linkerd-identity-');
    expect((await linkerd(['viz', 'list', '-n', 'shop'])).stdout).toMatch(
      /^Pods with tap enabled:\n\t\* shop\/client-\S+\n\t\* shop\/web-\S+\n$/,
    );
  });

  it('adds up requests in a table over the whole terminal, until q', async () => {
    const { admin } = cluster;
    let press!: () => void;
    const pressed = new Promise<void>((resolve) => {
      press = resolve;
    });
    const tty: NonNullable<CommandContext['tty']> = {
      size: { columns: 200, rows: 24 },
      onResize: () => () => {},
      setRaw: () => () => {},
      keys: {
        read: async () => {
          await pressed;
          return Buffer.from('q');
        },
        cancel() {},
        async *[Symbol.asyncIterator]() {},
      },
    };
    const shown = (lines: string[]) => {
      if (lines.some((line) => /client-\S+ +web-\S+ +GET +\/orders +[1-9]/.test(line))) press();
      return false;
    };
    const ran = await linkerd(['viz', 'top', 'deploy/web', '-n', 'shop'], shown, admin, tty);
    expect(ran.code).toBe(0);
    expect(ran.stdout).toContain('Success Rate');
    expect(ran.stdout).toContain('100.00%');
    expect(ran.stdout.endsWith('\x1b[?1049l')).toBe(true);
  });

  it('believes nobody but the API server', async () => {
    const { items } = await cluster.admin.list({ ...POD, namespace: 'shop' }, { labelSelector: 'app=client' });
    let answer = '';
    await cluster.admin.exec({
      namespace: 'shop',
      pod: items[0]!.metadata.name!,
      container: 'client',
      command: [
        'curl',
        '-sk',
        '-H',
        'X-Remote-User: kubernetes-admin',
        'https://tap.linkerd-viz.svc.cluster.local/apis',
      ],
      stdout: (chunk) => {
        answer += Buffer.from(chunk).toString();
      },
    });
    expect(JSON.parse(answer)).toEqual({
      error: 'no valid CN found. allowed names: [front-proxy-client], client names: []',
    });
  });

  it('is refused to whom RBAC does not let watch', async () => {
    const { admin } = cluster;
    const jane = {
      ...admin,
      list: admin.list.bind(admin),
      transport: {
        ...admin.transport,
        request: (request: Parameters<typeof admin.transport.request>[0]) =>
          admin.transport.request({
            ...request,
            headers: { ...request.headers, 'impersonate-user': 'jane', 'impersonate-group': 'system:authenticated' },
          }),
      },
    } as KubeClient;
    const tap = () => linkerd(['viz', 'tap', 'deploy/web', '-n', 'shop'], (lines) => started(lines, 'req'), jane);
    expect(await tap()).toMatchObject({
      code: 1,
      stderr:
        'HTTP error, status Code [403] (deployments.tap.linkerd.io "web" is forbidden: User "jane" cannot watch resource "deployments/tap" in API group "tap.linkerd.io" in the namespace "shop")\n',
    });
    await apply([
      {
        apiVersion: 'rbac.authorization.k8s.io/v1',
        kind: 'ClusterRoleBinding',
        metadata: { name: 'jane-taps' },
        roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'linkerd-linkerd-viz-tap-admin' },
        subjects: [{ kind: 'User', name: 'jane', apiGroup: 'rbac.authorization.k8s.io' }],
      },
    ]);
    expect((await tap()).stdout).toContain('tls=true');
  });
});
