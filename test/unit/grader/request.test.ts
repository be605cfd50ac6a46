import { beforeEach, describe, expect, it } from 'vitest';
import { FakeWorld, meshedPod } from './world.ts';

let world: FakeWorld;
beforeEach(() => {
  world = new FakeWorld();
  world.objects['pods'] = [meshedPod('web')];
});
const look = (parameters: object) =>
  world.look('request', { from: 'shop/web', to: 'GET http://api.shop/orders', ...parameters });

describe('one request', () => {
  it.each([
    ['200 0', 'allowed', 'passed'],
    ['403 0', 'allowed', 'failed'],
    ['503 0', 'allowed', 'failed'],
    ['000 28', 'allowed', 'failed'],
    ['403 0', 'denied', 'passed'],
    ['404 0', 'denied', 'passed'],
    ['000 52', 'denied', 'passed'],
    ['000 28', 'denied', 'failed'],
    ['200 0', 'denied', 'failed'],
    ['429 0', 'allowed', 'failed'],
  ])('answered %s is %s: %s', async (line, is, state) => {
    world.exec = () => `${line}\n`;
    expect((await look({ is })).state).toBe(state);
  });
  it('says what came instead', async () => {
    world.exec = () => '403 0\n';
    expect(await look({ is: 'allowed' })).toMatchObject({
      said: 'The request from web to api.shop/orders got status 403.',
      evidence: [{ type: 'requests', answers: [{ status: 403, exit: 0, count: 1 }] }],
      saw: ['deny', 'status 403'],
    });
  });
  it('can ask for one status', async () => {
    world.exec = () => '201 0\n';
    expect((await look({ is: 'allowed', status: 200 })).state).toBe('failed');
    expect((await look({ is: 'allowed', status: 201 })).state).toBe('passed');
  });
  it('waits for a caller', async () => {
    world.objects['pods'] = [];
    expect((await look({ is: 'allowed' })).state).toBe('waiting');
  });
  it('passes method, headers and address on as they are', async () => {
    let ran = '';
    world.exec = (script) => {
      ran = script;
      return '200 0\n';
    };
    await look({ is: 'allowed', headers: { 'x-who': "it's me" } });
    expect(ran).toContain(`-H 'x-who: it'\\''s me'`);
  });
});

describe('a burst', () => {
  it.each([
    [20, 'passed', undefined],
    [0, 'failed', 'too few limited'],
    [40, 'failed', 'too many limited'],
  ])('with %d of 40 limited: %s', async (limited, state, saw) => {
    world.exec = () => '429 0\n'.repeat(limited) + '200 0\n'.repeat(40 - limited);
    const outcome = await look({ is: 'limited' });
    expect(outcome.state).toBe(state);
    if (saw) expect(outcome.saw).toContain(saw);
  });
  it('in which something is denied is not limited', async () => {
    world.exec = () => `${'429 0\n'.repeat(20)}${'200 0\n'.repeat(19)}403 0\n`;
    expect((await look({ is: 'limited' })).state).toBe('failed');
  });
  it('that lost answers is the probe’s fault', async () => {
    world.exec = () => '200 0\n';
    await expect(look({ is: 'limited' })).rejects.toThrow('expected 40 answers, got 1');
  });
});
