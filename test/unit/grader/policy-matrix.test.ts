import { beforeEach, describe, expect, it } from 'vitest';
import { FakeWorld, meshedPod } from './world.ts';

let world: FakeWorld;
let asked: number;
beforeEach(() => {
  world = new FakeWorld();
  world.objects['pods'] = [meshedPod('web')];
  asked = 0;
});
/** What the routes /orders and /admin answer, a look after the other. */
const answering = (...looks: [orders: number, admin: number][]) => {
  world.exec = () => {
    const [orders, admin] = looks[Math.min(asked, looks.length - 1)]!;
    asked += 1;
    return `${orders} 0\n${admin} 0\n`;
  };
};
const look = () =>
  world.look('policy-matrix', {
    namespace: 'shop',
    clients: ['web'],
    routes: ['GET http://api.shop/orders', 'GET http://api.shop/admin'],
    allow: [{ client: 'web', routes: ['GET http://api.shop/orders'] }],
  });

describe('who may do what', () => {
  it('passes when it is so twice', async () => {
    answering([200, 403]);
    expect(await look()).toMatchObject({ state: 'passed', evidence: [{ type: 'matrix' }] });
    expect(asked).toBe(2);
  });
  it('does not take requests that meet a change for the state after it', async () => {
    answering([200, 403], [200, 200]);
    expect(await look()).toMatchObject({ state: 'failed', saw: ['too-much', 'web allow GET http://api.shop/admin'] });
  });
  it('needs one look to say what is too little', async () => {
    answering([403, 403]);
    expect(await look()).toMatchObject({ state: 'failed', saw: ['too-little', 'web deny GET http://api.shop/orders'] });
    expect(asked).toBe(1);
  });
});
