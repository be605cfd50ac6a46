import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseAllDocuments } from 'yaml';
import type { Cluster } from '#cluster/driver.ts';
import { createEmbeddedDriver } from '#cluster/embedded/driver.ts';
import { trafficManifests } from '#grader/traffic-source.ts';
import type { KubeObject } from '#kube/api/types.ts';
import { clusterSettings } from '#schema/lab.ts';

const ROOT = join(import.meta.dirname, '../..');

/** The sample workloads in a cluster as a learner gets it, with its kubelet, network and mesh. */
describe('sample images in the embedded cluster', () => {
  let cluster: Cluster;
  beforeAll(async () => {
    cluster = await createEmbeddedDriver().create({
      id: 'images',
      settings: clusterSettings.parse({ mesh: 'linkerd' }),
      onStep: () => {},
      signal: new AbortController().signal,
    });
    await cluster.ready;
  });
  afterAll(() => cluster.destroy());

  const apply = async (objects: KubeObject[]) => {
    for (const object of objects) await cluster.admin.apply(object, { fieldManager: 'test', force: true });
  };
  const pods = { group: '', version: 'v1', resource: 'pods' } as const;
  const podOf = async (namespace: string, app: string): Promise<string> => {
    const { items } = await cluster.admin.list({ ...pods, namespace }, { labelSelector: `app=${app}` });
    return items.find(({ metadata }) => !metadata.deletionTimestamp)!.metadata.name!;
  };
  const allReady = (namespace: string) =>
    expect
      .poll(
        async () => {
          const { items } = await cluster.admin.list({
            group: 'apps',
            version: 'v1',
            resource: 'deployments',
            namespace,
          });
          return items
            .filter(({ spec, status }) => status?.readyReplicas !== spec.replicas)
            .map((d) => d.metadata.name);
        },
        { timeout: 30_000, interval: 50 },
      )
      .toEqual([]);
  const exec = async (namespace: string, app: string, ...command: string[]) => {
    let output = '';
    const take = (chunk: Uint8Array) => {
      output += Buffer.from(chunk).toString();
    };
    const pod = await podOf(namespace, app);
    const code = await cluster.admin.exec({ namespace, pod, container: app, command, stdout: take, stderr: take });
    return { code, output };
  };
  const logsOf = async (namespace: string, app: string, tailLines = 20): Promise<string> => {
    let text = '';
    const pod = await podOf(namespace, app);
    for await (const chunk of cluster.admin.logs(namespace, pod, { container: app, tailLines }))
      text += Buffer.from(chunk).toString();
    return text;
  };
  const manifests = (path: string): KubeObject[] =>
    parseAllDocuments(readFileSync(join(ROOT, path), 'utf8'))
      .map((document) => document.toJS() as KubeObject)
      .filter(Boolean);

  it('run the shop of the first lab: nginx in front of http-echo, under traffic, in the mesh', async () => {
    await apply(manifests('labs/rotate-the-issuer/start/shop.yaml'));
    await apply(trafficManifests({ from: 'deployment/client', to: 'http://web.shop', perSecond: 20 } as never));
    await allReady('shop');
    const { code, output } = await exec('shop', 'client', 'sh', '-c', 'curl -si http://web | tr -d "\\r"; id -un');
    expect(code).toBe(0);
    expect(output).toMatch(/^HTTP\/1\.1 200 OK\n/);
    expect(output).toMatch(/\n\nok\ncurl_user\n$/);
    expect(output).not.toMatch(/^connection:/im);
    await expect.poll(() => logsOf('shop', 'client'), { timeout: 10_000 }).toMatch(/(200 0\.\d+\n){3}$/);
    expect(await logsOf('shop', 'web')).toMatch(/"GET \/ HTTP\/1\.1" 200 3 "-" "curl\//);
  });

  /** A Deployment of one container, and its Service where it has a port. */
  const part = (
    namespace: string,
    app: string,
    image: string,
    more: { env?: Record<string, string>; args?: string[]; command?: string[]; port?: [service: number, pod: number] },
  ): KubeObject[] => [
    {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: app, namespace },
      spec: {
        replicas: 1,
        selector: { matchLabels: { app } },
        template: {
          metadata: { labels: { app } },
          spec: {
            containers: [
              {
                name: app,
                image: `ghcr.io/buoyantio/${image}`,
                env: Object.entries(more.env ?? {}).map(([name, value]) => ({ name, value })),
                ...(more.args ? { args: more.args } : {}),
                ...(more.command ? { command: more.command } : {}),
                ...(more.port ? { ports: [{ name: 'main', containerPort: more.port[1] }] } : {}),
              },
            ],
          },
        },
      },
    },
    ...(more.port
      ? [
          {
            apiVersion: 'v1',
            kind: 'Service',
            metadata: { name: app, namespace },
            spec: { selector: { app }, ports: [{ name: 'main', port: more.port[0], targetPort: more.port[1] }] },
          },
        ]
      : []),
  ];
  const meshed = (name: string): KubeObject => ({
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: { name, annotations: { 'linkerd.io/inject': 'enabled' } },
  });

  it('run emojivoto, whose doughnut fails through the mesh as it does without', async () => {
    const set = (app: string, image: string, more: Parameters<typeof part>[3]) =>
      part('emojivoto', app, `emojivoto-${image}:v11`, more);
    await apply([
      meshed('emojivoto'),
      ...set('emoji-svc', 'emoji-svc', { env: { GRPC_PORT: '8080' }, port: [8080, 8080] }),
      ...set('voting-svc', 'voting-svc', { env: { GRPC_PORT: '8080' }, port: [8080, 8080] }),
      ...set('web-svc', 'web', {
        env: {
          WEB_PORT: '8080',
          EMOJISVC_HOST: 'emoji-svc.emojivoto:8080',
          VOTINGSVC_HOST: 'voting-svc.emojivoto:8080',
        },
        port: [80, 8080],
      }),
      ...set('vote-bot', 'web', { command: ['emojivoto-vote-bot'], env: { WEB_HOST: 'web-svc.emojivoto:80' } }),
    ]);
    await allReady('emojivoto');
    const curl = (path: string) =>
      exec('shop', 'client', 'curl', '-s', '-w', ' %{http_code}', `http://web-svc.emojivoto/api/${path}`);
    expect((await curl('vote?choice=:joy:')).output).toBe(' 200');
    expect((await curl('vote?choice=:doughnut:')).output).toBe(
      '{"error":"rpc error: code = Unknown desc = ERROR"}\n 500',
    );
    expect((await curl('leaderboard')).output).toContain('"shortcode":":joy:"');
    await expect.poll(() => logsOf('emojivoto', 'vote-bot'), { timeout: 10_000 }).toMatch(/✔ Voting for :\w+:\n/);
  });

  it('run booksapp, where creating a book fails half the time and reading never', async () => {
    const sites = { AUTHORS_SITE: 'http://authors:7001', BOOKS_SITE: 'http://books:7002' };
    const set = (app: string, port: number, env: Record<string, string> = {}) =>
      part('booksapp', app, 'booksapp:v0.0.5', {
        args: [`prod:${app}`],
        env: { ...sites, ...env },
        port: [port, port],
      });
    await apply([
      meshed('booksapp'),
      ...set('webapp', 7000),
      ...set('authors', 7001, { FAILURE_RATE: '0.5' }),
      ...set('books', 7002),
      ...part('booksapp', 'traffic', 'booksapp-traffic:v0.0.3', {
        args: ['-initial-delay=0s', '-sleep=5ms', 'webapp:7000'],
      }),
    ]);
    await allReady('booksapp');
    const lines = async () => (await logsOf('booksapp', 'traffic', 500)).split('\n');
    const statuses = async (pattern: RegExp) =>
      (await lines()).filter((line) => pattern.test(line)).map((line) => line.split('\t')[1]);
    await expect
      .poll(async () => (await statuses(/POST\t\S+\/books$/)).length, { timeout: 30_000, interval: 100 })
      .toBeGreaterThan(30);
    const created = await statuses(/POST\t\S+\/books$/);
    expect(new Set(created)).toEqual(new Set(['303', '500']));
    expect(new Set(await statuses(/GET\t\S+\/books\/\d+$/))).toEqual(new Set(['200']));
  });

  it('run Faces, whose failures show in its cells', async () => {
    const set = (app: string, more: Parameters<typeof part>[3] = {}) =>
      part('faces', app, `faces-${app}:2.0.0`, { port: [80, 8000], ...more });
    await apply([
      meshed('faces'),
      ...set('gui'),
      ...set('face'),
      ...set('smiley', { env: { ERROR_FRACTION: '50' } }),
      ...set('color'),
    ]);
    await allReady('faces');
    const ask = 'for i in $(seq 40); do curl -s "http://face.faces/center/?row=0&col=$i"; echo; done';
    const { output } = await exec('shop', 'client', 'sh', '-c', ask);
    const cells = output
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { smiley: string; color: string });
    expect(new Set(cells.map(({ color }) => color))).toEqual(new Set(['#66CCEE']));
    expect(new Set(cells.map(({ smiley }) => smiley))).toEqual(new Set(['&#x1F603;', '&#x1F92C;']));
  });
});
