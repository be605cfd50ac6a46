import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { Pair, shop } from './pair.ts';

let pair: Pair;

describe('two clusters under different trust anchors', () => {
  beforeAll(async () => {
    pair = await Pair.make({ network: 'flat', anchor: 'own' });
    await shop(pair, ['west'], { 'mirror.linkerd.io/exported': 'remote-discovery' });
    await pair.link({ gateway: false });
  }, 120_000);
  afterAll(() => pair?.destroy());

  it('do not let each other’s pods in', async () => {
    await vi.waitFor(async () => {
      const { stdout } = await pair.curl('http://web-west/', '-o', '/dev/null', '-w', '%{http_code}');
      expect(stdout).toBe('504');
    }, 30_000);
  });

  it('are named by check', async () => {
    const { stdout, code } = await pair.linkerd('east', 'multicluster', 'check', '--wait=1s');
    expect(stdout).toContain('× clusters share trust anchors\n    Problematic clusters:\n    * west\n');
    expect(stdout).toContain('√ remote cluster access credentials are valid\n\t* west\n');
    expect(code).toBe(1);
  });
});
