import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { allowOnly, core, metrics, NAMESPACE, Pair, shop } from './pair.ts';

let pair: Pair;
const identity = (account: string, namespace: string) =>
  `${account}.${namespace}.serviceaccount.identity.linkerd.cluster.local`;

describe('two clusters linked by a gateway', () => {
  beforeAll(async () => {
    pair = await Pair.make({ network: 'gateway' });
    await shop(pair, ['west'], { 'mirror.linkerd.io/exported': 'true', team: 'shop' });
    await pair.link({ gateway: true });
  }, 120_000);
  afterAll(() => pair?.destroy());

  it('mirrors the exported Service with the gateway’s address behind it', async () => {
    const mirror = await vi.waitFor(() => pair.east.admin.get(core('services', 'shop'), 'web-west'), 20_000);
    expect(mirror.metadata.labels).toEqual({
      'mirror.linkerd.io/mirrored-service': 'true',
      'mirror.linkerd.io/cluster-name': 'west',
      team: 'shop',
    });
    expect(mirror.metadata.annotations).toMatchObject({
      'mirror.linkerd.io/remote-svc-fq-name': 'web.shop.svc.cluster.local',
    });
    const gateway = await pair.west.admin.get(core('services', NAMESPACE), 'linkerd-gateway');
    const endpoints = await vi.waitFor(() => pair.east.admin.get(core('endpoints', 'shop'), 'web-west'), 10_000);
    expect(endpoints['subsets']).toEqual([
      {
        addresses: [{ ip: gateway.status.loadBalancer.ingress[0].ip }],
        ports: [{ name: 'http', port: 4143, protocol: 'TCP' }],
      },
    ]);
  });

  it('answers through it, mutually authenticated, and the far side sees the gateway', async () => {
    await vi.waitFor(async () => expect((await pair.curl('http://web-west/')).stdout).toBe('west\n'), 20_000);
    const seen = await metrics(pair, 'west', 'web', 'inbound_http_authz_allow_total', 'srv_port="8080"');
    expect(seen.join('\n')).toContain(`client_id="${identity('linkerd-gateway', NAMESPACE)}"`);
    expect(seen.join('\n')).not.toContain(`client_id="${identity('default', 'shop')}"`);
    const sent = await metrics(pair, 'east', 'client', 'outbound', 'request_total', 'target_cluster="west"');
    expect(sent.join('\n')).toContain(`server_id="${identity('linkerd-gateway', NAMESPACE)}"`);
  });

  it('is green in check, and shown by gateways', async () => {
    await vi.waitFor(async () => {
      const { stdout } = await pair.linkerd('east', 'multicluster', 'gateways');
      expect(stdout).toMatch(/^CLUSTER {2}ALIVE {4}NUM_SVC {6}LATENCY {2}\nwest {5}True {11}1 {2,}\d+ms {2}\n$/);
    }, 20_000);
    const ran = await pair.linkerd('east', 'multicluster', 'check', '--wait=5s');
    expect(ran.stdout.replace(/‼[^√×]*see [^\n]*\n/g, '')).toBe(`linkerd-multicluster
--------------------
√ Link CRD exists
√ Link resources are valid
	* west
√ Link and CLI versions match
	* west
√ remote cluster access credentials are valid
	* west
√ clusters share trust anchors
	* west
√ service mirror controller has required permissions
	* west
√ service mirror controllers are running
	* west
√ extension is managing controllers
	* west
√ probe services able to communicate with all gateway mirrors
	* west
√ all mirror services have endpoints
√ all mirror services are part of a Link
√ multicluster extension proxies are healthy
√ multicluster extension proxies and cli versions match

Status check results are √
`);
    expect(ran.code).toBe(0);
  });

  it('says in the Link’s status what became of each Service', async () => {
    const link = await pair.east.admin.get(
      { group: 'multicluster.linkerd.io', version: 'v1alpha3', resource: 'links', namespace: NAMESPACE },
      'west',
    );
    expect(link.status.mirrorServices).toMatchObject([
      {
        controllerName: 'linkerd.io/service-mirror',
        remoteRef: { name: 'web', namespace: 'shop' },
        conditions: [{ type: 'Mirrored', status: 'True', reason: 'Mirrored', localRef: { name: 'web-west' } }],
      },
    ]);
  });

  it('empties and fills the mirror as the far Service does', async () => {
    const subsets = async () => (await pair.east.admin.get(core('endpoints', 'shop'), 'web-west'))['subsets'] ?? [];
    await pair.west.admin.patch(core('services', 'shop'), 'web', 'merge', { spec: { selector: { app: 'nobody' } } });
    await vi.waitFor(async () => expect(await subsets()).toEqual([]), 10_000);
    await pair.west.admin.patch(core('services', 'shop'), 'web', 'merge', { spec: { selector: { app: 'web' } } });
    await vi.waitFor(async () => expect(await subsets()).toHaveLength(1), 10_000);
  });

  it('turns red when the gateway is gone, and its mirrors are not ready', async () => {
    const scale = (replicas: number) =>
      pair.west.admin.patch(
        { group: 'apps', version: 'v1', resource: 'deployments', namespace: NAMESPACE },
        'linkerd-gateway',
        'merge',
        { spec: { replicas } },
      );
    await scale(0);
    await vi.waitFor(async () => {
      const { stdout } = await pair.linkerd('east', 'mc', 'gateways');
      expect(stdout).toMatch(/^west +False +1 +- +$/m);
    }, 40_000);
    const endpoints = await pair.east.admin.get(core('endpoints', 'shop'), 'web-west');
    expect(endpoints['subsets'][0]).toMatchObject({ notReadyAddresses: [{}] });
    const ran = await pair.linkerd('east', 'multicluster', 'check', '--wait=1s');
    expect(ran.code).toBe(1);
    expect(ran.stdout).toContain(
      '× probe services able to communicate with all gateway mirrors\n        liveness checks failed for west\n',
    );
    await scale(1);
    await vi.waitFor(async () => expect((await pair.curl('http://web-west/')).stdout).toBe('west\n'), 40_000);
  });

  it('takes the mirror away when the far Service is no longer exported', async () => {
    await pair.west.admin.patch(core('services', 'shop'), 'web', 'merge', {
      metadata: { labels: { 'mirror.linkerd.io/exported': null } },
    });
    await vi.waitFor(
      () => expect(pair.east.admin.get(core('services', 'shop'), 'web-west')).rejects.toThrow('not found'),
      10_000,
    );
    await pair.west.admin.patch(core('services', 'shop'), 'web', 'merge', {
      metadata: { labels: { 'mirror.linkerd.io/exported': 'true' } },
    });
    await vi.waitFor(() => pair.east.admin.get(core('services', 'shop'), 'web-west'), 10_000);
  });

  it('lets the far Service’s policy judge the gateway, not the client', async () => {
    const status = async () => (await pair.curl('http://web-west/', '-o', '/dev/null', '-w', '%{http_code}')).stdout;
    await allowOnly(pair, 'west', identity('default', 'shop'));
    await vi.waitFor(async () => expect(await status()).toBe('403'), 20_000);
    await allowOnly(pair, 'west', identity('linkerd-gateway', NAMESPACE));
    await vi.waitFor(async () => expect(await status()).toBe('200'), 20_000);
  });

  it('goes on when days pass', async () => {
    await pair.east.advanceClock(3 * 86_400_000);
    await vi.waitFor(async () => expect((await pair.curl('http://web-west/')).stdout).toBe('west\n'), 20_000);
    const { metadata, spec } = await pair.west.admin.get(core('services', 'shop'), 'web');
    const second = { name: 'second', namespace: 'shop', labels: metadata.labels ?? {} };
    await pair.west.admin.create(core('services', 'shop'), {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: second,
      spec: { selector: spec.selector, ports: spec.ports },
    });
    await vi.waitFor(async () => expect((await pair.curl('http://second-west/')).stdout).toBe('west\n'), 20_000);
    const check = await pair.linkerd('east', 'multicluster', 'check', '--wait=10s');
    expect(check.stdout).toContain('√ remote cluster access credentials are valid');
    expect(check.code).toBe(0);
  });

  it('is cleaned up by what unlink prints, and can be uninstalled then', async () => {
    const refused = await pair.linkerd('east', 'multicluster', 'uninstall');
    expect(refused.stderr).toContain(
      'Please unlink the following clusters before uninstalling multicluster:\n  * west\n',
    );
    const { stdout, stderr } = await pair.linkerd('east', 'multicluster', 'unlink', '--cluster-name=west');
    expect(stderr).toContain('is deprecated');
    await pair.remove('east', stdout);
    const left = await pair.east.admin.list(core('services'), { labelSelector: 'mirror.linkerd.io/cluster-name=west' });
    expect(left.items.map(({ metadata }) => metadata.name)).toEqual(['probe-west']);
    const links = { group: 'multicluster.linkerd.io', version: 'v1alpha3', resource: 'links' };
    expect((await pair.east.admin.list(links)).items).toEqual([]);
    const check = await pair.linkerd('east', 'multicluster', 'check', '--wait=1s');
    expect(check.stdout).not.toContain('west');
    await pair.remove('east', (await pair.linkerd('east', 'multicluster', 'uninstall')).stdout);
    const gone = await pair.linkerd('east', 'multicluster', 'check');
    expect(gone.stderr).toContain('install by running `linkerd multicluster install | kubectl apply -f -`');
  });
});
