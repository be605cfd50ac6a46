import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { secretId } from '#base/ids.ts';
import { kubeconfigOf } from '#server/http/kubeconfig.ts';
import { createKubeListener } from '#server/kube-api.ts';
import { listenerCertificate } from '#server/tls.ts';
import { officialKubectl, whyNoKubectl } from '../../support/official-kubectl.ts';
import { likeness } from '../linkerd/likeness.ts';
import { type Answer, type Desk, officialDesk } from '../linkerd/pair.ts';
import { core, NAMESPACE, Pair, shop } from './pair.ts';

const linkerd = process.env['ACADEMY_LINKERD_CLI'];
const whyNot = linkerd && existsSync(linkerd) ? whyNoKubectl : 'ACADEMY_LINKERD_CLI names no official linkerd CLI';
const INNER = '--api-server-address https://172.18.0.3:6443';

let pair: Pair;
let desk: Desk;
const closing: (() => unknown)[] = [];

/** Both clusters served over TLS, as a session serves them. */
async function serve(): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'academy-links-'));
  closing.push(() => rmSync(folder, { recursive: true, force: true }));
  const certificate = await listenerCertificate(folder, '127.0.0.1', Date.now());
  const routes = new Map<string, { socketPath: string; token: string }>();
  for (const name of ['east', 'west'] as const) {
    const route = { socketPath: join(folder, `${name}.sock`), token: secretId() };
    await pair[name].serveApi(route.socketPath, route.token);
    routes.set(name, route);
  }
  const listener = createKubeListener({
    ...certificate,
    route: (id) => routes.get(id),
    routeByToken: (given) => [...routes.values()].find(({ token }) => token === given),
  });
  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve));
  closing.push(() => {
    listener.closeAllConnections();
    listener.close();
  });
  const { port } = listener.address() as AddressInfo;
  return kubeconfigOf(
    (['east', 'west'] as const).map((name) => ({
      name,
      token: routes.get(name)!.token,
      api: { url: `https://127.0.0.1:${port}/clusters/${name}`, ca: certificate.certificate },
      innerCa: pair[name].inner!.ca,
    })),
  );
}

/** What both say, with what client-go writes of deprecated kinds put aside. */
async function both(line: string, aside: (text: string) => string = (text) => text): Promise<[Answer, Answer]> {
  const seen = ({ stdout, stderr, code }: Answer): Answer => ({
    code,
    stdout: aside(stdout.replace(/kubeconfig("?: ?"?)[A-Za-z0-9+/=]+/g, 'kubeconfig$1…')),
    stderr: stderr.replace(/^I\d{4} .*warnings\.go.*\n/gm, ''),
  });
  const [ours, official] = [await pair.linkerd('east', ...line.split(' ')), await desk.run(`linkerd ${line}`)];
  return [seen(ours), seen(official)];
}

/** The two lines about the far API: the host does not reach the node's address that pods reach. */
const withoutFarApi = (text: string): string =>
  text
    .replace(/[√×] remote cluster access credentials are valid\n(\t.*\n)*( {4}[\s\S]*?for hints\n)?/, '')
    .replace(/[√×] clusters share trust anchors\n(\t.*\n)*( {4}[\s\S]*?for hints\n)?/, '')
    .replace(/Status check results are .\n/, '');

const deployed = { group: 'apps', version: 'v1', resource: 'deployments', namespace: NAMESPACE };

describe.skipIf(whyNot !== undefined)('the official program on linked clusters', () => {
  beforeAll(async () => {
    pair = await Pair.make({ network: 'gateway' });
    const kubeconfig = await serve();
    desk = officialDesk({ linkerd: linkerd!, kubectl: officialKubectl() }, kubeconfig, {});
    await shop(pair, ['west'], { 'mirror.linkerd.io/exported': 'true' });
  }, 120_000);
  afterAll(async () => {
    desk?.close();
    await pair?.destroy();
    for (const close of closing) await close();
  });

  it('installs the extension on both, and links them', async () => {
    const install = (cluster: string, more = '') =>
      desk.run(`linkerd --context ${cluster} mc install ${more} | kubectl --context ${cluster} apply -f -`);
    expect(await install('west')).toMatchObject({ code: 0 });
    expect(await install('east', "--set 'controllers[0].link.ref.name=west'")).toMatchObject({ code: 0 });
    const link = `linkerd --context west mc link-gen --cluster-name west ${INNER} | kubectl --context east apply -f -`;
    await vi.waitFor(
      async () => expect((await desk.run(link)).stdout).toContain('link.multicluster.linkerd.io/west'),
      20_000,
    );
    await vi.waitFor(async () => expect((await pair.curl('http://web-west/')).stdout).toBe('west\n'), 20_000);
    await vi.waitFor(async () => {
      expect((await desk.run('linkerd mc gateways')).stdout).toMatch(/^west +True +1 +\d+ms +$/m);
    }, 20_000);
  });

  it.each([
    'multicluster',
    'multicluster gateways -o json',
    'multicluster nope',
    'multicluster check -o wide',
    'multicluster link-gen',
    'multicluster link-gen x',
    'multicluster link-gen --cluster-name x --gateway-name nope',
    'multicluster link-gen --cluster-name x --service-account-name nope',
    'multicluster link-gen --cluster-name x -o wide',
    'multicluster link-gen --cluster-name x -o json --api-server-address https://1.2.3.4',
    'multicluster link-gen --cluster-name x --gateway-addresses a.b,c --gateway-port 99 --excluded-labels a,b/* -l x=y,z',
    'multicluster link-gen --cluster-name x --selector a,,b',
    'multicluster link-gen --cluster-name x --gateway=false',
    'multicluster allow',
    'multicluster allow --service-account-name linkerd-gateway',
    'multicluster install -o wide',
    'multicluster install --gateway-port abc',
    'multicluster install --set controllers[0].x=y',
    'multicluster unlink --cluster-name nope',
    'multicluster unlink --cluster-name west',
    'multicluster unlink --cluster-name west --only-controller -o json',
    'multicluster uninstall',
    'diagnostics endpoints web-west.shop.svc.cluster.local:80',
  ])('linkerd %s', async (line) => {
    const latency = (text: string) => text.replace(/"latency": \d+/, '"latency": …');
    const [ours, official] = await both(line, latency);
    expect(likeness(ours, 'words')).toEqual(likeness(official, 'words'));
  });

  it.each([
    'multicluster install --ha',
    'multicluster install --gateway=false',
    'multicluster allow --service-account-name guest',
  ])('linkerd %s renders the same', async (line) => {
    const [ours, official] = await both(line);
    expect(likeness(ours, 'manifests')).toEqual(likeness(official, 'manifests'));
  });

  it.each<[string, () => Promise<unknown>]>([
    ['as it is', async () => {}],
    [
      'without a role',
      () =>
        pair.east.admin.delete(
          { group: 'rbac.authorization.k8s.io', version: 'v1', resource: 'roles', namespace: NAMESPACE },
          'controller-read-remote-creds-west',
        ),
    ],
    ['without the probe’s Service', () => pair.east.admin.delete(core('services', NAMESPACE), 'probe-west')],
    ['without its controller', () => pair.east.admin.delete(deployed, 'controller-west')],
    ['without endpoints', () => pair.east.admin.delete(core('endpoints', 'shop'), 'web-west')],
  ])('is checked alike, %s', async (_, change) => {
    await change();
    const gone = async () =>
      (await pair.east.admin.list(deployed)).items.every(({ metadata }) => !metadata.deletionTimestamp);
    await expect.poll(gone).toBe(true);
    const [ours, official] = await both('multicluster check --wait 1s', withoutFarApi);
    expect(ours.stdout).toContain('√ Link resources are valid\n\t* west\n');
    expect(likeness({ ...ours, code: 0 }, 'words')).toEqual(likeness({ ...official, code: 0 }, 'words'));
  });
});
