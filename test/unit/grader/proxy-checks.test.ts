import { beforeEach, describe, expect, it } from 'vitest';
import { grown, ProxyMetrics } from '#grader/probes/proxy-metrics.ts';
import { FakeWorld, meshedPod } from './world.ts';

let world: FakeWorld;
beforeEach(() => {
  world = new FakeWorld();
  world.objects['pods'] = [meshedPod('web'), meshedPod('load')];
});

describe('growth of counters', () => {
  const series = (value: number, labels: Record<string, string> = {}) => ({ name: 'a_total', labels, value });
  it('counts from 0 again when a counter became smaller, and from 0 when it is new', () => {
    expect(grown([series(5)], [series(2), series(3, { b: 'c' })]).map(({ value }) => value)).toEqual([2, 3]);
  });
  it('compares with the newest look that is old enough, and leaves out who does not answer', async () => {
    world.series = { 'web-1': [series(10)] };
    const { metrics } = world.context;
    expect(await metrics.growth('shop/*', /^a_total$/, 5)).toMatchObject({ overMs: 0 });
    await world.clock.advance(6_000);
    world.series = { 'web-1': [series(17)] };
    const { overMs, pods } = await metrics.growth('shop/*', /^a_total$/, 5);
    expect(overMs).toBe(6_000);
    expect(pods.map(({ pod, series: [one] }) => [pod.name, one?.value])).toEqual([['web-1', 7]]);
    await world.clock.advance(6_000);
    expect((await metrics.growth('shop/*', /^a_total$/, 5)).pods[0]!.series[0]!.value).toBe(0);
  });
  it('reads a proxy once for several who ask at the same moment', async () => {
    let reads = 0;
    const metrics = new ProxyMetrics(world.context.client, world.clock, async () => {
      reads++;
      return [];
    });
    await Promise.all([metrics.now('shop/web'), metrics.now('shop/web')]);
    expect(reads).toBe(1);
  });
});

describe('success-rate', () => {
  const responses = (classification: string, value: number, more: Record<string, string> = {}) => ({
    name: 'response_total',
    labels: { direction: 'inbound', classification, ...more },
    value,
  });
  const looks = async (success: number, failure: number, parameters: object) => {
    world.series = { 'web-1': [responses('success', 1_000), responses('failure', 1_000)] };
    await world.look('success-rate', { of: 'shop/web', ...parameters });
    await world.clock.advance(10_000);
    world.series = {
      'web-1': [
        responses('success', 1_000 + success),
        responses('failure', 1_000 + failure),
        responses('success', 500, { route_name: 'probe' }),
      ],
    };
    return world.look('success-rate', { of: 'shop/web', ...parameters });
  };
  it.each([
    [99, 1, { atLeast: 0.99 }, 'passed'],
    [98, 2, { atLeast: 0.99 }, 'failed'],
    [50, 50, { atMost: 0.6 }, 'passed'],
    [90, 10, { atMost: 0.6 }, 'failed'],
    [5, 0, { atLeast: 0.99 }, 'waiting'],
  ])('%d good and %d bad with %j: %s', async (success, failure, parameters, state) => {
    expect((await looks(success, failure, parameters)).state).toBe(state);
  });
  it('says the figures', async () => {
    expect(await looks(98, 2, { atLeast: 0.99 })).toMatchObject({
      said: '98 of 100 requests succeeded, 98 %; at least 99 % is asked for.',
      saw: ['too low'],
    });
  });
  it('also of the background traffic, the last seconds alone', async () => {
    const perSecond = [
      { at: world.clock.now() - 60_000, ok: 0, failed: 100 },
      { at: world.clock.now() - 2_000, ok: 30, failed: 0 },
    ];
    world.traffic = { evidence: () => ({ perSecond }), since: () => [] };
    expect(await world.look('success-rate', { of: 'traffic', atLeast: 1 })).toMatchObject({ state: 'passed' });
    perSecond[1]!.failed = 10;
    expect(await world.look('success-rate', { of: 'traffic', atLeast: 1 })).toMatchObject({ state: 'failed' });
  });
});

describe('latency', () => {
  const bucket = (le: string, value: number) => ({
    name: 'response_latency_ms_bucket',
    labels: { direction: 'inbound', le },
    value,
  });
  const looks = async (parameters: object) => {
    world.series = { 'web-1': [bucket('10', 0), bucket('100', 0), bucket('+Inf', 0)] };
    await world.look('latency', { of: 'shop/web', ...parameters });
    await world.clock.advance(10_000);
    world.series = { 'web-1': [bucket('10', 90), bucket('100', 100), bucket('+Inf', 100)] };
    return world.look('latency', { of: 'shop/web', ...parameters });
  };
  it.each([
    [{ quantile: 0.5, underMs: 10 }, 'passed'],
    [{ quantile: 0.95, underMs: 50 }, 'failed'],
    [{ quantile: 0.95, underMs: 60 }, 'passed'],
    [{ quantile: 0.5, overMs: 50 }, 'failed'],
    [{ underMs: 50, requests: 200 }, 'waiting'],
  ])('%j: %s', async (parameters, state) => {
    expect((await looks(parameters)).state).toBe(state);
  });
  it('also of the background traffic', async () => {
    const times = Array.from({ length: 100 }, (_, i) => ({ ms: i + 1 }));
    world.traffic = { evidence: () => ({}), since: () => times };
    expect(await world.look('latency', { of: 'traffic', underMs: 96 })).toMatchObject({
      state: 'passed',
      said: '95 % of 100 requests took 95 ms or less.',
    });
    expect(await world.look('latency', { of: 'traffic', underMs: 95 })).toMatchObject({ state: 'failed' });
  });
});

describe('retries', () => {
  const route = (end: string, value: number, parent = 'web') => ({
    name: `outbound_http_route_${end}_total`,
    labels: { parent_namespace: 'shop', parent_name: parent },
    value,
  });
  const parameters = { from: 'shop/load', service: 'shop/web' };
  const looks = async (requests: number, retried: number, more: object = {}) => {
    world.series = { 'load-1': [route('request_statuses', 7), route('retry_requests', 7)] };
    await world.look('retries', { ...parameters, ...more });
    await world.clock.advance(10_000);
    const other = [route('retry_requests', 50, 'other')];
    world.series = {
      'load-1': [route('request_statuses', 7 + requests), route('retry_requests', 7 + retried), ...other],
    };
    return world.look('retries', { ...parameters, ...more });
  };
  it('are seen, those to the Service that was named', async () => {
    expect(await looks(40, 3)).toMatchObject({ state: 'passed', said: '3 retries for 40 requests.' });
  });
  it('are missed when there are none, or too many', async () => {
    expect(await looks(40, 0)).toMatchObject({ state: 'failed', saw: ['too few'] });
    expect(await looks(40, 9, { atMost: 8 })).toMatchObject({ state: 'failed', saw: ['too many'] });
  });
  it('can’t be told without requests', async () => {
    expect(await looks(0, 0)).toMatchObject({ state: 'waiting', saw: ['no requests'] });
  });
});

describe('metric', () => {
  const parameters = { pods: 'shop/*', name: 'inbound_http_authz_deny_total', labels: { srv_name: 'api' } };
  beforeEach(() => {
    const denied = (value: number, srv_name = 'api') => ({ name: parameters.name, labels: { srv_name }, value });
    world.series = { 'web-1': [denied(3), denied(100, 'other')], 'load-1': [denied(4)] };
  });
  it.each([
    [{ equals: 7 }, 'passed'],
    [{ atLeast: 8 }, 'failed'],
    [{ above: 7 }, 'failed'],
    [{ above: 6, below: 8 }, 'passed'],
    [{ atMost: 6 }, 'failed'],
  ])('%j: %s', async (is, state) => {
    expect((await world.look('metric', { ...parameters, is })).state).toBe(state);
  });
  it('of each pod by itself', async () => {
    expect(await world.look('metric', { ...parameters, is: { atLeast: 4 }, each: true })).toMatchObject({
      state: 'failed',
      said: 'inbound_http_authz_deny_total of web-1 is 3; at least 4 is asked for.',
    });
  });
  it('by how much it grew', async () => {
    const wanted = { ...parameters, is: { equals: 0 }, seconds: 5 };
    expect(await world.look('metric', wanted)).toMatchObject({ state: 'waiting' });
    await world.clock.advance(5_000);
    expect(await world.look('metric', wanted)).toMatchObject({ state: 'passed' });
  });
  it('without a proxy is no metric', async () => {
    world.series = {};
    expect(await world.look('metric', { ...parameters, is: { equals: 0 } })).toMatchObject({ state: 'failed' });
  });
  it('needs a bound', () => {
    expect(() => world.look('metric', { ...parameters, is: {} })).toThrow(/at least one/);
  });
});

describe('weight-split', () => {
  const to = (backend_name: string, value: number) => ({
    name: 'outbound_http_route_backend_requests_total',
    labels: { parent_namespace: 'shop', parent_name: 'web', backend_name },
    value,
  });
  const parameters = { from: 'shop/load', service: 'shop/web', backends: { web: 0.9, 'web-new': 0.1 } };
  const looks = async (counts: Record<string, number>) => {
    world.series = { 'load-1': [] };
    await world.look('weight-split', parameters);
    await world.clock.advance(20_000);
    world.series = { 'load-1': Object.entries(counts).map(([name, value]) => to(name, value)) };
    return world.look('weight-split', parameters);
  };
  it.each([
    [{ web: 182, 'web-new': 18 }, 'passed'],
    [{ web: 100, 'web-new': 100 }, 'failed'],
    [{ web: 200 }, 'failed'],
    [{ web: 180, 'web-new': 19, old: 1 }, 'failed'],
    [{ web: 18, 'web-new': 2 }, 'waiting'],
  ])('%j: %s', async (counts, state) => {
    expect((await looks(counts as Record<string, number>)).state).toBe(state);
  });
  it('names the backend that is to get nothing', async () => {
    expect((await looks({ web: 180, 'web-new': 19, old: 1 })).saw).toEqual(['stray old']);
  });
  it('refuses shares that do not add up', () => {
    expect(() => world.look('weight-split', { ...parameters, backends: { web: 0.9 } })).toThrow(/add up/);
  });
  it('can make the requests itself', async () => {
    const wanted = { ...parameters, url: 'http://web.shop/', requests: 200 };
    world.series = { 'load-1': [to('web', 1_000)] };
    world.exec = () => {
      world.series = { 'load-1': [to('web', 1_180), to('web-new', 20)] };
      return '200 0\n'.repeat(200);
    };
    expect(await world.look('weight-split', wanted)).toMatchObject({
      state: 'passed',
      said: '200 requests to shop/web: web 90 %, web-new 10 %.',
    });
  });
});
