import { describe, expect, it } from 'vitest';
import type { KubeObject } from '#kube/api/types.ts';
import type { KubeClient } from '#kube/client/client.ts';
import { topRoutes } from '#mesh/viz/metrics-api/top-routes.ts';
import { query } from '#mesh/viz/promql/evaluate.ts';
import { SeriesStore } from '#mesh/viz/promql/series-store.ts';
import { resourceIn } from '#terminal/linkerd/viz/kinds.ts';
import { routesJson, routeTables } from '#terminal/linkerd/viz/route-tables.ts';

const DST = 'web.shop.svc.cluster.local';
const object = (kind: string, name: string, more: object): KubeObject => ({
  apiVersion: 'v1',
  kind,
  metadata: { name, namespace: 'shop', uid: `${kind}-${name}`, labels: { app: name } },
  ...more,
});
const OBJECTS: Record<string, KubeObject[]> = {
  services: [object('Service', 'web', { spec: { selector: { app: 'web' } } })],
  pods: [
    object('Pod', 'web', { status: { phase: 'Running' } }),
    object('Pod', 'traffic', { status: { phase: 'Running' } }),
  ],
  serviceprofiles: [object('ServiceProfile', DST, { spec: { routes: [{ name: 'GET /' }, { name: 'GET /bad' }] } })],
};
const client = {
  list: async ({ resource }: { resource: string }) => ({ items: OBJECTS[resource] ?? [] }),
  get: async ({ resource }: { resource: string }, name: string) =>
    OBJECTS[resource]?.find(({ metadata }) => metadata.name === name),
} as unknown as KubeClient;

const END = 60_000;
/** What the proxies told a minute ago and now. */
function answers() {
  const store = new SeriesStore({ retentionMs: END * 2 });
  const put = (labels: Record<string, string>, growth: number) => {
    const series = store.series({ namespace: 'shop', dst: `${DST}:80`, ...labels });
    store.append(series, 1, 0);
    store.append(series, END, growth);
  };
  const inbound = { direction: 'inbound', pod: 'web', rt_route: 'GET /' };
  put({ __name__: 'route_response_total', classification: 'success', ...inbound }, 90);
  put({ __name__: 'route_response_total', classification: 'failure', ...inbound }, 30);
  const buckets = { __name__: 'route_response_latency_ms_bucket', ...inbound };
  for (const le of ['10', '+Inf']) put({ ...buckets, le }, 120);
  const outbound = { direction: 'outbound', pod: 'traffic', rt_route: 'GET /bad' };
  put({ __name__: 'route_response_total', classification: 'success', ...outbound }, 60);
  put({ __name__: 'route_actual_response_total', classification: 'success', ...outbound }, 60);
  put({ __name__: 'route_actual_response_total', classification: 'failure', ...outbound }, 60);
  return async (text: string) => {
    const found = query(store, text, END);
    return found.type === 'vector' ? found.samples : [];
  };
}
const ask = (resource: object, to?: object) =>
  topRoutes(
    { client, ask: answers(), clusterDomain: 'cluster.local' },
    { selector: { resource }, time_window: '1m', ...(to ? { to_resource: to } : { none: {} }) },
  );
const POD_WEB = { namespace: 'shop', type: 'pod', name: 'web' };
const SVC_WEB = { namespace: 'shop', type: 'service', name: 'web' };

describe('routes', () => {
  it('of a workload are those of the Services before it', async () => {
    const { ok } = await ask(POD_WEB);
    expect(routeTables(ok.routes, false)).toBe(
      [
        'ROUTE       SERVICE   SUCCESS      RPS   LATENCY_P50   LATENCY_P95   LATENCY_P99',
        'GET /           web    75.00%   2.0rps           5ms          10ms          10ms',
        'GET /bad        web         -        -             -             -             -',
        '[DEFAULT]       web         -        -             -             -             -',
        '\n',
      ].join('\n'),
    );
  });

  it('to a Service tell what the client saw, and with -o wide what it took', async () => {
    const { ok } = await ask({ namespace: 'shop', type: 'pod', name: 'traffic' }, SVC_WEB);
    const lines = routeTables(ok.routes, true).split('\n');
    expect(lines[0]).toMatch(/EFFECTIVE_SUCCESS {3}EFFECTIVE_RPS {3}ACTUAL_SUCCESS {3}ACTUAL_RPS/);
    expect(lines[2]?.split(/\s{2,}/)).toEqual([
      'GET /bad',
      'web',
      '100.00%',
      '1.0rps',
      '50.00%',
      '2.0rps',
      '0ms',
      '0ms',
      '0ms',
    ]);
    expect(JSON.parse(routesJson(ok.routes, true))['pod/traffic'][1]).toMatchObject({
      route: 'GET /bad',
      authority: 'web',
      effective_success: 1,
      actual_success: 0.5,
      latency_ms_p50: 0,
    });
  });

  it('of several resources have a table each', async () => {
    const { ok } = await ask({ ...POD_WEB, name: '' });
    expect(routeTables(ok.routes, false)).toMatch(/^==> pod\/traffic <==\nROUTE[^\n]*\n\n==> pod\/web <==\nROUTE/);
  });

  it('are refused in upstream’s words', async () => {
    expect(await ask(SVC_WEB, SVC_WEB)).toMatchObject({
      error: { error: "The service resource type is not supported with 'to' queries" },
    });
    await expect(ask({ ...POD_WEB, type: 'server' })).rejects.toThrow('unimplemented resource type: server');
    expect(() => resourceIn('shop', 'a/b/c')).toThrow('Invalid resource string: a/b/c');
    expect(() => resourceIn('shop', 'Deploy')).toThrow(
      'cannot find Kubernetes canonical name from friendly name [Deploy]',
    );
  });
});
