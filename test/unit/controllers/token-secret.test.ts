import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { addReviews } from '#kube/apiserver/auth/reviews.ts';
import { ServiceAccountTokens } from '#kube/apiserver/auth/tokens.ts';
import { ControllerWorld } from './world.ts';

let world: ControllerWorld;
let tokens: ServiceAccountTokens;
beforeEach(async () => {
  world = new ControllerWorld();
  tokens = new ServiceAccountTokens(world.server.store, world.clock);
  addReviews(
    world.server,
    tokens,
    async () => ({ allowed: true }),
    () => world.clock.now(),
  );
  await world.start();
});
afterEach(() => world.stop());

const account = { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'guest', namespace: 'shop' } };
const secret = {
  apiVersion: 'v1',
  kind: 'Secret',
  metadata: {
    name: 'guest-token',
    namespace: 'shop',
    annotations: { 'kubernetes.io/service-account.name': 'guest' },
  },
  type: 'kubernetes.io/service-account-token',
};
const text = (value: string) => Buffer.from(value, 'base64').toString();
const data = async () => ((await world.get('secrets', 'guest-token'))['data'] ?? {}) as Record<string, string>;
const token = async (): Promise<string> => {
  await expect.poll(async () => (await data())['token'] !== undefined).toBe(true);
  return text((await data())['token']!);
};

describe('a Secret for a service account', () => {
  it('is filled with a token that lasts, even when the account comes later', async () => {
    await world.apply(secret);
    expect(await data()).toEqual({});
    await world.apply(account);
    const given = await token();
    expect(text((await data())['ca.crt']!)).toBe('CA');
    expect(text((await data())['namespace']!)).toBe('shop');
    await world.clock.advance(10 * 365 * 86_400_000);
    expect(tokens.check(given)).toMatchObject({ user: { username: 'system:serviceaccount:shop:guest' } });
  });

  it('is good no longer than it is there, and goes with its account', async () => {
    await world.apply(account);
    await world.apply(secret);
    const first = await token();
    await world.client.delete(world.at('secrets'), 'guest-token');
    expect(tokens.check(first)).toEqual({ error: 'service account token has been invalidated' });
    await world.apply(secret);
    expect(await token()).not.toBe(first);
    await world.client.delete(world.at('serviceaccounts'), 'guest');
    await world.until(() => world.names('secrets'), []);
  });
});
