import { readdirSync } from 'node:fs';
import { InMemoryFs } from 'just-bash';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Cluster } from '#cluster/driver.ts';
import { createEmbeddedDriver } from '#cluster/embedded/driver.ts';
import type { KubeObject } from '#kube/api/types.ts';
import { manifest, refTo } from '#mesh/conformance/manifests.ts';
import { Lab } from '#mesh/conformance/room.ts';
import { clusterSettings } from '#schema/lab.ts';
import { collector, readerOf } from '#shell/pipe.ts';
import { standardPrograms } from '#shell/programs/programs.ts';
import { createShell, type Shell } from '#shell/shell.ts';
import { createKubectl } from '#terminal/kubectl/kubectl.ts';
import { createLinkerd } from '#terminal/linkerd/command.ts';
import { recordedText, recordingsMissing, RECORDINGS } from '../../unit/linkerd-cli/run.ts';
import { alike } from './aside.ts';
import { DIFFERENT } from './different.ts';

const HOME = '/home/learner';
const names = recordingsMissing ? [] : readdirSync(RECORDINGS).filter((each) => each.endsWith('.txt')).map((each) => each.slice(0, -4));

/** What the official kubectl and linkerd printed against a cluster with the mesh, and what the lab terminal prints. */
describe.skipIf(recordingsMissing)('recorded commands on a cluster with the mesh', () => {
  let cluster: Cluster;
  let shell: Shell;
  const alikeOnes: string[] = [];

  const run = async (line: string) => {
    const [stdout, stderr] = [collector(), collector()];
    const stdio = { stdin: readerOf(''), stdout: stdout.writer, stderr: stderr.writer };
    const exit = await shell.run(line, stdio, AbortSignal.timeout(60_000));
    return { exit, stdout: stdout.text(), stderr: stderr.text() };
  };

  beforeAll(async () => {
    const { signal } = new AbortController();
    cluster = await createEmbeddedDriver().create({ id: 'golden', settings: clusterSettings.parse({ mesh: 'linkerd' }), onStep: () => {}, signal });
    await cluster.ready;
    await scenes(cluster, signal);
    const fs = new InMemoryFs();
    await fs.mkdir(HOME, { recursive: true });
    const { admin: client, clock } = cluster;
    const commands = new Map([...standardPrograms(), createKubectl({ client, clock }), createLinkerd({ client, clock })].map((each) => [each.name, each]));
    shell = createShell({ fs, clock, env: { HOME }, cwd: HOME, commands });
    for (const line of BEFORE) await run(line);
  }, 90_000);
  afterAll(async () => {
    shell?.close();
    await cluster?.destroy();
  });

  it.each(names)('%s', async (name) => {
    const recorded = recordedText(name);
    const api = (await run("kubectl -n shop get pods -l app=api -o jsonpath='{.items[0].metadata.name}'")).stdout;
    const line = recorded.command
      .replace(/^sh -c /, '')
      .replaceAll("'kubectl'", 'kubectl')
      .replaceAll("'linkerd'", 'linkerd')
      .replace(/\bapi-[a-z0-9]{8,10}-[a-z0-9]{5}\b/, api);
    const got = await run(line);
    const wanted = { exit: recorded.code, stdout: alike(recorded.stdout), stderr: alike(recorded.stderr) };
    const seen = { exit: got.exit, stdout: alike(got.stdout), stderr: alike(got.stderr) };
    const reason = DIFFERENT[name];
    if (reason) expect(seen, reason).not.toEqual(wanted);
    else {
      expect(seen).toEqual(wanted);
      alikeOnes.push(name);
    }
  });

  it('compares fifty or more, and forty-five or more are alike', () => {
    expect(names.length).toBeGreaterThanOrEqual(50);
    expect(alikeOnes.length).toBeGreaterThanOrEqual(45);
  });
});

/** Requests that the shop's counters had seen when they were read. */
const BEFORE = [
  'kubectl -n shop exec web -c curl -- curl -si http://api/orders/7',
  'kubectl -n shop exec web -c curl -- curl -si http://api/admin',
  'kubectl -n shop exec stranger -c curl -- curl -si http://api/orders/7',
  'kubectl -n shop exec web -c curl -- curl -si -X POST http://api/orders/7',
];

const INJECT = { 'linkerd.io/inject': 'enabled' };
const echo = (text: string) => ({
  name: 'http-echo',
  image: 'hashicorp/http-echo:1.0',
  args: [`-text=${text}`, '-listen=:8080'],
  ports: [{ name: 'http', containerPort: 8080 }],
});
const curlContainer = { name: 'curl', image: 'curlimages/curl:8.11.1', command: ['sleep', '315360000'] };

/** The two namespaces of the recordings: `fid` with single pods, `shop` with policy. */
async function scenes(cluster: Cluster, signal: AbortSignal): Promise<void> {
  const { admin } = cluster;
  const apply = (object: KubeObject) => admin.apply(object, { fieldManager: 'kubectl-client-side-apply', force: true });
  const pod = (namespace: string, name: string, container: object, more: { meshed?: boolean; account?: string } = {}) =>
    apply(
      manifest(
        'Pod',
        name,
        {
          containers: [container],
          terminationGracePeriodSeconds: 0,
          ...(more.account ? { serviceAccountName: more.account } : {}),
        },
        { namespace, labels: { app: name }, ...(more.meshed === undefined ? {} : { annotations: { 'linkerd.io/inject': more.meshed ? 'enabled' : 'disabled' } }) },
      ),
    );
  const service = (namespace: string, name: string) =>
    apply(manifest('Service', name, { selector: { app: name }, ports: [{ port: 80, targetPort: 'http' }] }, { namespace }));
  const lab = new Lab(admin, signal, 'golden');

  await apply(manifest('Namespace', 'fid', undefined));
  for (const account of ['curl', 'other']) await apply(manifest('ServiceAccount', account, undefined, { namespace: 'fid' }));
  await apply(manifest('Namespace', 'shop', undefined, { annotations: INJECT }));
  await apply(manifest('ServiceAccount', 'web', undefined, { namespace: 'shop' }));
  const [fid, shop] = [lab.in('fid'), lab.in('shop')];
  await Promise.all([fid.hasAccount(), shop.hasAccount()]);
  await pod('fid', 'web', echo('web'), { meshed: true });
  await service('fid', 'web');
  await pod('fid', 'curl-meshed', curlContainer, { meshed: true, account: 'curl' });
  await pod('fid', 'curl-other', curlContainer, { meshed: true, account: 'other' });
  await pod('fid', 'curl-plain', curlContainer, { meshed: false, account: 'curl' });
  await apply({
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'api', namespace: 'shop' },
    spec: {
      replicas: 1,
      selector: { matchLabels: { app: 'api' } },
      template: { metadata: { labels: { app: 'api' }, annotations: INJECT }, spec: { containers: [echo('api')] } },
    },
  });
  await service('shop', 'api');
  await pod('shop', 'web', curlContainer, { account: 'web' });
  await pod('shop', 'stranger', curlContainer, { meshed: false });
  const inShop = (kind: string, name: string, spec: object) => apply(manifest(kind, name, spec, { namespace: 'shop' }));
  await inShop('Server', 'api-http', { podSelector: { matchLabels: { app: 'api' } }, port: 'http', proxyProtocol: 'HTTP/1' });
  await inShop('HTTPRoute', 'orders', {
    parentRefs: [refTo('Server', 'api-http')],
    rules: [{ matches: [{ method: 'GET', path: { type: 'PathPrefix', value: '/orders' } }] }],
  });
  await inShop('MeshTLSAuthentication', 'web-only', { identityRefs: [{ kind: 'ServiceAccount', name: 'web' }] });
  await inShop('NetworkAuthentication', 'anywhere', { networks: [{ cidr: '0.0.0.0/0' }] });
  await inShop('AuthorizationPolicy', 'web-reads-orders', { targetRef: refTo('HTTPRoute', 'orders'), requiredAuthenticationRefs: [refTo('MeshTLSAuthentication', 'web-only')] });
  await inShop('HTTPLocalRateLimitPolicy', 'gentle', { targetRef: refTo('Server', 'api-http'), total: { requestsPerSecond: 50 } });
  await inShop('EgressNetwork', 'nothing-leaves', { trafficPolicy: 'Allow' });
  for (const name of ['web', 'curl-meshed', 'curl-other', 'curl-plain']) await fid.ready(name);
  for (const name of ['web', 'stranger']) await shop.ready(name);
  const deployments = { group: 'apps', version: 'v1', resource: 'deployments', namespace: 'shop' };
  const available = async () => (await admin.get(deployments, 'api')).status?.availableReplicas === 1;
  await shop.until(available, 'api is not available');
}
