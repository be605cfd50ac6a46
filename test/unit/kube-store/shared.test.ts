import { expect, it } from 'vitest';
import { shared } from '#kube/store/shared.ts';

it('keeps what did not change, at every depth', () => {
  const old = { spec: { a: [1, { b: 2 }], c: { d: 'x' } }, status: { phase: 'Pending', ips: ['1'] } };
  const now = structuredClone(old);
  now.status.phase = 'Running';
  expect(shared(old, now)).toBe(now);
  expect(now.spec).toBe(old.spec);
  expect(now.status.ips).toBe(old.status.ips);
  expect(now.status).not.toBe(old.status);
  expect(now).toEqual({ ...old, status: { phase: 'Running', ips: ['1'] } });
  expect(old.status.phase).toBe('Pending');
});

it('is the old value where nothing changed, and the new one in another order', () => {
  const old = { a: 1, b: { c: null, d: [] } };
  expect(shared(old, structuredClone(old))).toBe(old);
  const turned = { b: { d: [], c: null }, a: 1 };
  expect(shared(old, turned)).toBe(turned);
  expect(JSON.stringify(turned)).toBe('{"b":{"d":[],"c":null},"a":1}');
});

it('takes lists that grew, shrank or became something else as they are', () => {
  const item = () => ({ name: 'x' });
  const old = { list: [item(), item()] };
  const grown = { list: [item(), item(), item()] };
  shared(old, grown);
  expect(grown.list).toHaveLength(3);
  expect(grown.list[0]).toBe(old.list[0]);
  const shrunk = { list: [item()] };
  shared(old, shrunk);
  expect(shrunk.list).toEqual([item()]);
  const turned = { list: { 0: item(), 1: item() } as unknown };
  shared(old, turned);
  expect(turned.list).toEqual({ 0: item(), 1: item() });
  const named = JSON.parse('{"__proto__": {"a": 1}}') as object;
  expect(shared({ list: 1 }, named)).toBe(named);
});
