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

  it('run emojivoto, whose doughnut fails through the mesh as it does without', async () => {
    const part = (app: string, image: string, env: Record<string, string>, port?: number): KubeObject[] => [
      {
        apiVersion: 'apps/v1',
        kind: 'Deployment',
        metadata: { name: app, namespace: 'emojivoto' },
        spec: {
          replicas: 1,
          selector: { matchLabels: { app } },
          template: {
            metadata: { labels: { app } },
            spec: {
              containers: [
                {
                  name: app,
                  image: `ghcr.io/buoyantio/${image}:v11`,
                  env: Object.entries(env).map(([name, value]) => ({ name, value })),
                  ...(app === 'vote-bot' ? { command: ['emojivoto-vote-bot'] } : {}),
                  ...(port ? { ports: [{ name: 'main', containerPort: port }] } : {}),
                },
              ],
            },
          },
        },
      },
      ...(port
        ? [
            {
              apiVersion: 'v1',
              kind: 'Service',
              metadata: { name: app, namespace: 'emojivoto' },
              spec: {
                selector: { app },
                ports: [{ name: 'main', port: app === 'web-svc' ? 80 : 8080, targetPort: port }],
              },
            },
          ]
        : []),
    ];
    await apply([
      {
        apiVersion: 'v1',
        kind: 'Namespace',
        metadata: { name: 'emojivoto', annotations: { 'linkerd.io/inject': 'enabled' } },
      },
      ...part('emoji-svc', 'emojivoto-emoji-svc', { GRPC_PORT: '8080' }, 8080),
      ...part('voting-svc', 'emojivoto-voting-svc', { GRPC_PORT: '8080' }, 8080),
      ...part(
        'web-svc',
        'emojivoto-web',
        { WEB_PORT: '8080', EMOJISVC_HOST: 'emoji-svc.emojivoto:8080', VOTINGSVC_HOST: 'voting-svc.emojivoto:8080' },
        8080,
      ),
      ...part('vote-bot', 'emojivoto-web', { WEB_HOST: 'web-svc.emojivoto:80' }),
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
});
