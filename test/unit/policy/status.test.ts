import { describe, expect, it } from 'vitest';
import type { KubeObject } from '#kube/api/types.ts';
import type { WatchedKind } from '#mesh/policy/core/objects.ts';
import { dueStatuses } from '#mesh/policy/core/status.ts';
import { MESH, object, server, setOf } from './objects.ts';

const NOW = '2026-11-23T22:34:30Z';
const due = (...entries: [WatchedKind, KubeObject][]) =>
  [...dueStatuses(setOf(entries), ['10.0.0.0/8'], NOW)].map(({ kind, object: each, status }) => {
    const conditions =
      status.parents?.flatMap((parent: { conditions: unknown[] }) => parent.conditions) ?? status.conditions;
    return [
      kind,
      each.metadata.name,
      ...conditions.map((c: { type: string; status: string; reason: string }) => `${c.type}=${c.status} ${c.reason}`),
    ];
  });
const route = (kind: string, name: string, parent: Record<string, unknown>, backends?: unknown[]) =>
  object(kind, name, { parentRefs: [parent], rules: [backends ? { backendRefs: backends } : {}] });
const SERVER = { group: MESH, kind: 'Server', name: 'web' };
const SERVICE = { group: 'core', kind: 'Service', name: 'api', port: 80 };
const service = (spec = {}) => object('Service', 'api', { clusterIP: '10.96.0.7', ports: [{ port: 80 }], ...spec });

describe('statuses', () => {
  it('of a route whose Server is there, and not', () => {
    expect(due(['Server', server('web')], ['HTTPRoute', route('HTTPRoute', 'r', SERVER)])).toEqual([
      ['HTTPRoute', 'r', 'Accepted=True Accepted'],
    ]);
    expect(due(['HTTPRoute', route('HTTPRoute', 'r', SERVER)])).toEqual([
      ['HTTPRoute', 'r', 'Accepted=False NoMatchingParent'],
    ]);
  });
  it('of a route that a kind with precedence shares its parent with (ST-005, ST-007, ST-008)', () => {
    const conflicts = (
      first: 'GRPCRoute' | 'HTTPRoute' | 'TLSRoute',
      second: 'HTTPRoute' | 'TLSRoute' | 'TCPRoute',
      parent: Record<string, unknown>,
    ) =>
      due(
        ['Server', server('web')],
        ['Service', service()],
        [first, route(first, 'a', parent)],
        [second, route(second, 'b', parent)],
      ).find((each) => each[1] === 'b')?.[2];
    expect(conflicts('GRPCRoute', 'HTTPRoute', SERVER)).toBe('Accepted=False RouteReasonConflicted');
    expect(conflicts('HTTPRoute', 'TLSRoute', SERVICE)).toBe('Accepted=False RouteReasonConflicted');
    expect(conflicts('TLSRoute', 'TCPRoute', SERVICE)).toBe('Accepted=False RouteReasonConflicted');
  });
  it('of a route on a Service: backends and headless Services', () => {
    const on = (backends?: unknown[], spec = {}) =>
      due(['Service', service(spec)], ['HTTPRoute', route('HTTPRoute', 'r', SERVICE, backends)])[0]?.slice(2);
    expect(on()).toEqual(['Accepted=True Accepted', 'ResolvedRefs=True ResolvedRefs']);
    expect(on([{ name: 'gone', port: 80 }])).toEqual(['Accepted=True Accepted', 'ResolvedRefs=False BackendNotFound']);
    expect(on([{ group: 'x', kind: 'Y', name: 'z' }])).toEqual([
      'Accepted=True Accepted',
      'ResolvedRefs=False InvalidKind',
    ]);
    expect(on(undefined, { clusterIP: 'None' })?.[0]).toBe('Accepted=False NoMatchingParent');
  });
  it('of rate limits (ST-009 to ST-011)', () => {
    const limit = (name: string) => object('HTTPLocalRateLimitPolicy', name, { targetRef: SERVER });
    expect(due(['HTTPLocalRateLimitPolicy', limit('l')])).toEqual([
      ['HTTPLocalRateLimitPolicy', 'l', 'Accepted=False NoMatchingTarget'],
    ]);
    const [old, young] = [limit('z'), limit('a')];
    expect(
      due(['Server', server('web')], ['HTTPLocalRateLimitPolicy', young], ['HTTPLocalRateLimitPolicy', old]),
    ).toEqual([
      ['HTTPLocalRateLimitPolicy', 'a', 'Accepted=False RateLimitReasonAlreadyExists'],
      ['HTTPLocalRateLimitPolicy', 'z', 'Accepted=True Accepted'],
    ]);
  });
  it('of egress networks that overlap the cluster', () => {
    const egress = (cidr: string) => object('EgressNetwork', 'e', { trafficPolicy: 'Deny', networks: [{ cidr }] });
    expect(due(['EgressNetwork', egress('10.1.0.0/16')])[0]?.[2]).toBe('Accepted=False EgressReasonNetworkOverlap');
    expect(due(['EgressNetwork', egress('93.0.0.0/8')])[0]?.[2]).toBe('Accepted=True Accepted');
  });
  it('are left alone when they are right, whatever order their fields came in', () => {
    const status = {
      parents: [
        {
          parentRef: { name: 'web', namespace: 'shop', kind: 'Server', group: MESH },
          conditions: [
            { lastTransitionTime: 'then', reason: 'Accepted', status: 'True', type: 'Accepted', message: '' },
          ],
          controllerName: 'linkerd.io/policy-controller',
        },
      ],
    };
    expect(due(['Server', server('web')], ['HTTPRoute', { ...route('HTTPRoute', 'r', SERVER), status }])).toEqual([]);
  });
});
