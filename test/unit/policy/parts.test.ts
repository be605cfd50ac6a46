import { describe, expect, it } from 'vitest';
import { MovableClock } from '#base/clock.ts';
import { addressMatches, isLoopback, networkCovers, parseNetwork } from '#mesh/policy/core/addresses.ts';
import type { Client, RateLimit } from '#mesh/policy/core/config.ts';
import { identityMatches, parseIdentity } from '#mesh/policy/core/identities.ts';
import { RateLimiter } from '#mesh/policy/core/rate-limit.ts';

describe('addresses', () => {
  it('match networks of both families and not their exceptions', () => {
    const nets = [
      { cidr: '10.0.0.0/8', except: ['10.1.0.0/16'] },
      { cidr: 'fd00::/8', except: [] },
    ];
    expect(addressMatches(nets, '10.2.3.4')).toBe(true);
    expect(addressMatches(nets, '10.1.3.4')).toBe(false);
    expect(addressMatches(nets, 'fd00::1')).toBe(true);
    expect(addressMatches(nets, '::ffff:10.2.3.4')).toBe(true);
    expect(addressMatches(nets, '11.0.0.1')).toBe(false);
    expect(addressMatches(nets, 'nonsense')).toBe(false);
  });
  it('know loopback and containment', () => {
    expect(['127.0.0.1', '127.3.2.1', '::1', '10.0.0.1'].map(isLoopback)).toEqual([true, true, true, false]);
    expect(networkCovers(parseNetwork('10.0.0.0/8')!, parseNetwork('10.1.0.0/16')!)).toBe(true);
    expect(networkCovers(parseNetwork('10.1.0.0/16')!, parseNetwork('10.0.0.0/8')!)).toBe(false);
    expect(parseNetwork('10.0.0.0/33')).toBeUndefined();
    expect(parseNetwork('10.0.0/8')).toBeUndefined();
  });
});

describe('identities', () => {
  const matches = (pattern: string, identity: string) => identityMatches([parseIdentity(pattern)], identity);
  it('match exactly, by suffix or all, and SPIFFE ids never by suffix', () => {
    expect(matches('*', 'a.b')).toBe(true);
    expect(matches('*.b.c', 'a.b.c')).toBe(true);
    expect(matches('*.b.c', 'b.c')).toBe(false);
    expect(matches('a.b', 'a.b')).toBe(true);
    expect(matches('*', 'spiffe://a/b')).toBe(false);
    expect(matches('spiffe://a/b', 'spiffe://a/b')).toBe(true);
  });
});

describe('rate limits', () => {
  const client = (identity?: string): Client => ({
    ip: '10.0.0.1',
    tls: identity ? { kind: 'established', identity } : { kind: 'none', reason: 'no_tls_from_remote' },
  });
  const limit: RateLimit = {
    ref: { group: 'policy.linkerd.io', kind: 'httplocalratelimitpolicy', name: 'l' },
    namespace: 'shop',
    identityRps: 5,
    overrides: [{ rps: 10, identities: ['fast'] }],
  };
  async function refused(limits: RateLimit, who: Client, rps: number, seconds: number): Promise<number> {
    let wall = 0;
    const clock = new MovableClock({ startAtMs: 1_000_000, wall: () => wall });
    const limiter = new RateLimiter(limits, clock);
    let no = 0;
    for (let i = 0; i < rps * seconds; i++) {
      wall = (i * 1000) / rps;
      if (limiter.check(who)) no++;
    }
    return no / (rps * seconds);
  }
  it('refuse the share that was seen: 5 of 20, 10 of 20, one bucket for all without identity, a total', async () => {
    expect(await refused(limit, client('slow'), 20, 8)).toBeCloseTo(0.72, 1);
    expect(await refused(limit, client('fast'), 20, 8)).toBeCloseTo(0.45, 1);
    expect(await refused(limit, client(), 20, 8)).toBeCloseTo(0.72, 1);
    expect(await refused({ ...limit, totalRps: 70, overrides: [], identityRps: 0 }, client('x'), 100, 10)).toBeCloseTo(
      0.27,
      1,
    );
  });
  it('keep clients without identity apart from those with one', () => {
    const limiter = new RateLimiter(limit, new MovableClock({ wall: () => 0 }));
    for (let i = 0; i < 5; i++) expect(limiter.check(client())).toBeUndefined();
    expect(limiter.check(client())).toEqual({ scope: 'identity', rps: 5 });
    expect(limiter.check(client('someone'))).toBeUndefined();
  });
});
