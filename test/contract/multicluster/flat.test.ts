import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { allowOnly, core, metrics, Pair, ready, shop } from './pair.ts';

let pair: Pair;
const CLIENT = 'default.shop.serviceaccount.identity.linkerd.cluster.local';

/** What twenty requests found. */
async function answers(url: string, count = 20): Promise<Record<string, number>> {
  const { stdout } = await pair.exec('client', [
    'sh',
    '-c',
    `for i in $(seq ${count}); do curl -sS -m 5 ${url} || echo failed; done`,
  ]);
  const found: Record<string, number> = {};
  for (const line of stdout.split('\n').filter(Boolean)) found[line] = (found[line] ?? 0) + 1;
  return found;
}

const label = (cluster: 'east' | 'west', labels: Record<string, string | null>) =>
  pair[cluster].admin.patch(core('services', 'shop'), 'web', 'merge', { metadata: { labels } });

describe('two clusters linked without a gateway', () => {
  beforeAll(async () => {
    pair = await Pair.make({ network: 'flat' });
    await shop(pair, ['east', 'west'], {});
    await pair.link({ gateway: false });
  }, 120_000);
  afterAll(() => pair?.destroy());

  it('reach the pods of a flat mirror, whose policy sees the client itself', async () => {
    await label('west', { 'mirror.linkerd.io/exported': 'remote-discovery' });
    const mirror = await vi.waitFor(() => pair.east.admin.get(core('services', 'shop'), 'web-west'), 20_000);
    expect(mirror.metadata.labels).toEqual({
      'mirror.linkerd.io/mirrored-service': 'true',
      'mirror.linkerd.io/cluster-name': 'west',
      'multicluster.linkerd.io/remote-discovery': 'west',
      'multicluster.linkerd.io/remote-service': 'web',
    });
    await vi.waitFor(async () => expect((await pair.curl('http://web-west/')).stdout).toBe('west\n'), 20_000);
    await expect(pair.east.admin.get(core('endpoints', 'shop'), 'web-west')).rejects.toThrow('not found');
    const seen = await metrics(pair, 'west', 'web', 'inbound_http_authz_allow_total', 'srv_port="8080"');
    expect(seen.join('\n')).toContain(`client_id="${CLIENT}"`);
    await allowOnly(pair, 'west', CLIENT);
    await vi.waitFor(async () => expect((await pair.curl('http://web-west/')).stdout).toBe('west\n'), 20_000);
    await label('west', { 'mirror.linkerd.io/exported': null });
  });

  it('split the load of a federated Service between both clusters', async () => {
    await label('west', { 'mirror.linkerd.io/federated': 'member' });
    await label('east', { 'mirror.linkerd.io/federated': 'member' });
    await vi.waitFor(async () => {
      const { metadata } = await pair.east.admin.get(core('services', 'shop'), 'web-federated');
      expect(metadata.annotations).toEqual({
        'multicluster.linkerd.io/local-discovery': 'web',
        'multicluster.linkerd.io/remote-discovery': 'web@west',
      });
    }, 20_000);
    await vi.waitFor(async () => {
      const found = await answers('http://web-federated/');
      expect(found['east']).toBeGreaterThan(0);
      expect(found['west']).toBeGreaterThan(0);
      expect(found['failed']).toBeUndefined();
    }, 20_000);
  });

  it('send everything to the near side when the far one is lost, and back again', async () => {
    await pair.west.admin.delete(core('pods', 'shop'), 'web');
    await vi.waitFor(async () => expect(await answers('http://web-federated/')).toEqual({ east: 20 }), 20_000);
    await shop(pair, ['west'], { 'mirror.linkerd.io/federated': 'member' });
    await ready(pair, 'west', 'web');
    await vi.waitFor(async () => expect((await answers('http://web-federated/'))['west']).toBeGreaterThan(0), 20_000);
  });

  it('leave a federated Service one by one, and it goes with the last', async () => {
    await label('east', { 'mirror.linkerd.io/federated': null });
    await vi.waitFor(async () => expect(await answers('http://web-federated/')).toEqual({ west: 20 }), 20_000);
    await label('west', { 'mirror.linkerd.io/federated': null });
    await vi.waitFor(
      () => expect(pair.east.admin.get(core('services', 'shop'), 'web-federated')).rejects.toThrow('not found'),
      10_000,
    );
  });

  it('are green in check without a gateway to probe', async () => {
    const { stdout, code } = await pair.linkerd('east', 'multicluster', 'check', '--wait=5s');
    expect(stdout).not.toContain('probe services');
    expect(stdout).not.toContain('×');
    expect(code).toBe(0);
    const whole = await pair.linkerd('east', 'check', '--wait=5s');
    expect(whole.stdout).toContain('\n\nlinkerd-multicluster\n--------------------\n√ Link CRD exists\n');
    expect(whole.code).toBe(0);
  });
});
