import { describe, expect, it } from 'vitest';
import { fixed, float32, goJson } from '#terminal/linkerd/viz/go-text.ts';
import { prefixOf, resourcesIn } from '#terminal/linkerd/viz/kinds.ts';
import { windowIn } from '#terminal/linkerd/viz/stat-flags.ts';
import { statJson, statRows, statTables } from '#terminal/linkerd/viz/stat-tables.ts';
import { leftColumn, linedTable, rightColumn } from '#terminal/linkerd/viz/tables.ts';

describe('numbers and JSON in the extension’s verbs', () => {
  it('are rounded to the even side where they lie in the middle', () => {
    expect([0.25, 0.75, 0.05, 0.35, 12.125].map((each) => fixed(each, 1))).toEqual([
      '0.2',
      '0.8',
      '0.1',
      '0.3',
      '12.1',
    ]);
    expect([0.5, 1.5, 2.5, -2.5].map((each) => fixed(each, 0))).toEqual(['0', '2', '2', '-2']);
    expect(fixed(Number.NaN, 2)).toBe('NaN');
  });
  it('are as short as 32 bits allow', () => {
    expect([0.1, Math.fround(0.3), 99.99].map(float32)).toEqual([0.1, 0.3, 99.99]);
  });
  it('say < and & as Go does', () => {
    expect(goJson({ a: '<&>' })).toBe('{"a":"\\u003c\\u0026\\u003e"}');
  });
});

describe('the resources of the extension’s verbs', () => {
  it('are one type and names, or each its own', () => {
    expect(resourcesIn('shop', ['deploy', 'web', 'api']).map(({ type, name }) => `${type}/${name}`)).toEqual([
      'deployment/web',
      'deployment/api',
    ]);
    expect(resourcesIn('shop', ['deploy/web', 'ns/x'])).toEqual([
      { type: 'deployment', name: 'web', namespace: 'shop' },
      { type: 'namespace', name: 'x', namespace: '' },
    ]);
    expect(() => resourcesIn('shop', ['po/a', 'po/a'])).toThrow('cannot supply duplicate resources');
    expect(() => resourcesIn('shop', ['po', 'all', 'x'])).toThrow("'all' can't be supplied alongside other resources");
    expect(prefixOf('deployment')).toBe('deploy/');
    expect(prefixOf('server')).toBe('/');
  });
  it('are looked at for fifteen seconds or more', () => {
    expect(windowIn('')).toBe('1m');
    expect(windowIn('15s')).toBe('15s');
    expect(() => windowIn('14s')).toThrow('metrics time window needs to be at least 15s');
  });
});

const busy = {
  resource: { type: 'deployment', namespace: 'shop', name: 'web' },
  time_window: '1m',
  meshed_pod_count: 1,
  running_pod_count: 2,
  stats: { success_count: 45, failure_count: 15, latency_ms_p50: 3, latency_ms_p95: 9, latency_ms_p99: 10 },
  tcp_stats: { open_connections: 2, read_bytes_total: 600, write_bytes_total: 60 },
};
const bare = { resource: { type: 'pod', namespace: 'shop', name: 'db' }, running_pod_count: 1, status: 'Running' };
const server = {
  resource: { type: 'server', namespace: 'shop', name: 'http' },
  time_window: '1m',
  srv_stats: { denied_count: 10, allowed_count: 0 },
};

describe('the tables of linkerd viz stat', () => {
  it('leave out what has no proxy, unless it is asked for', () => {
    expect(statRows([busy, bare], { unmeshed: false }).map(({ name }) => name)).toEqual(['web']);
    expect(statRows([bare, busy], { unmeshed: true }).map(({ name }) => name)).toEqual(['web', 'db']);
  });
  it('stand one below the other, names as wide in all', () => {
    const rows = statRows([server, busy], { unmeshed: false });
    expect(statTables(rows, { wide: true, namespaces: false }).split('\n')).toEqual([
      'NAME         MESHED   SUCCESS      RPS   LATENCY_P50   LATENCY_P95   LATENCY_P99   TCP_CONN   READ_BYTES/SEC   WRITE_BYTES/SEC',
      'deploy/web      1/2    75.00%   1.0rps           3ms           9ms          10ms          2          10.0B/s            1.0B/s',
      '',
      'NAME         UNAUTHORIZED   SUCCESS   RPS   LATENCY_P50   LATENCY_P95   LATENCY_P99   TCP_CONN   READ_BYTES/SEC   WRITE_BYTES/SEC',
      '/http              1.0rps         -     -             -             -             -          -                -                 -',
      '',
    ]);
  });
  it('are numbers and nulls in JSON', () => {
    expect(JSON.parse(statJson(statRows([busy, server], { unmeshed: false })))).toEqual([
      {
        namespace: 'shop',
        kind: 'deployment',
        name: 'web',
        success: 0.75,
        rps: 1,
        latency_ms_p50: 3,
        latency_ms_p95: 9,
        latency_ms_p99: 10,
        tcp_open_connections: 2,
        tcp_read_bytes_rate: 10,
        tcp_write_bytes_rate: 1,
      },
      {
        namespace: 'shop',
        kind: 'server',
        name: 'http',
        success: null,
        rps: null,
        latency_ms_p50: null,
        latency_ms_p95: null,
        latency_ms_p99: null,
        unauthorized: 1,
      },
    ]);
  });
});

it('a table of routes draws its backends on', () => {
  const columns = [leftColumn('ROUTE'), leftColumn('TYPE'), leftColumn('BACKEND'), rightColumn('RPS')];
  const rows = [
    ['orders', 'HTTPRoute', '', '1.00'],
    ['└─', '─►', 'api:80', '1.00'],
  ];
  expect(linedTable(columns, rows).split('\n')).toEqual([
    'ROUTE   TYPE       BACKEND   RPS  ',
    'orders  HTTPRoute           1.00  ',
    '└───────────────►  api:80   1.00  ',
    '',
  ]);
});
