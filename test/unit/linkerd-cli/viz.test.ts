import { createServer } from 'node:http';
import { describe, expect, it } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { WallClock } from '#base/clock.ts';
import type { KubeClient } from '#kube/client/client.ts';
import { parseMetrics } from '#terminal/linkerd/viz/samples.ts';
import { FakeCluster, fabric } from '../policy/fake-cluster.ts';
import { apply, clientOf, meshedPod } from './mesh.ts';
import { linkerd } from './run.ts';

const clock = new WallClock();
const LABELS =
  'direction="inbound",target_port="8080",srv_kind="server",srv_name="api",srv_port="8080",route_kind="HTTPRoute",route_name="orders",authz_kind="authorizationpolicy",authz_name="web"';

const owner = (kind: string, uid: string) => ({ apiVersion: 'apps/v1', kind, name: 'api', uid, controller: true });

/** A meshed pod whose counters grow with every look at them: 19 successes and one failure a time. */
function start(): KubeClient {
  let looks = 0;
  const server = createServer((_request, response) => {
    looks += 1;
    const bucket = (le: string, n: number) =>
      `response_latency_ms_bucket{${LABELS},status_code="200",le="${le}"} ${n * looks}`;
    response.end(
      [
        '# TYPE response_total counter',
        `response_total{${LABELS},classification="success"} ${19 * looks}`,
        `response_total{${LABELS},classification="failure"} ${looks}`,
        `response_total{direction="inbound",target_port="4191",classification="success"} ${100 * looks}`,
        `inbound_http_authz_deny_total{${LABELS.replace(/,authz_kind.*/, '')}} ${4 * looks}`,
        bucket('1', 10),
        bucket('10', 20),
        bucket('+Inf', 20),
        `tcp_open_connections{direction="inbound",peer="src",target_port="8080"} 3`,
        '',
      ].join('\n'),
    );
  });
  const net = fabric().createNamespace({ ip: '10.244.0.7', name: 'api' });
  net.listen(4191, (connection) => server.emit('connection', connection));
  const cluster = new FakeCluster();
  const pod = meshedPod('shop', 'api-1', '');
  pod.metadata.labels = {
    ...pod.metadata.labels,
    app: 'api',
    'linkerd.io/control-plane-ns': 'linkerd',
    'linkerd.io/proxy-deployment': 'api',
  };
  pod.metadata.ownerReferences = [owner('ReplicaSet', 'r')];
  apply(cluster, [
    pod,
    {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'linkerd-config', namespace: 'linkerd' },
      data: { values: 'clusterDomain: cluster.local' },
    },
    {
      apiVersion: 'apps/v1',
      kind: 'ReplicaSet',
      metadata: { name: 'api-1', namespace: 'shop', uid: 'r', ownerReferences: [owner('Deployment', 'd')] },
    },
    {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: {
        name: 'api-2',
        namespace: 'shop',
        labels: { app: 'api' },
        ownerReferences: [owner('ReplicaSet', 'r')],
      },
      spec: { containers: [] },
      status: { phase: 'Running' },
    },
    {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: 'api', namespace: 'shop', uid: 'd' },
      spec: { selector: { matchLabels: { app: 'api' } } },
    },
  ]);
  return {
    ...clientOf(cluster),
    portForward: async (_n: string, _p: string, port: number) => net.dial('127.0.0.1', port),
  } as KubeClient;
}

const words = (text: string) =>
  text
    .trimEnd()
    .split('\n')
    .map((line) => line.trim().split(/\s+/));

describe('linkerd viz', () => {
  it('shows what happened on the proxies of a Deployment, without probes and scrapes', async () => {
    const ran = await linkerd({ client: start(), clock }, 'viz', 'stat', 'deploy', '-n', 'shop');
    const [header, row] = words(ran.stdout);
    expect(header).toEqual([
      'NAME',
      'MESHED',
      'SUCCESS',
      'RPS',
      'LATENCY_P50',
      'LATENCY_P95',
      'LATENCY_P99',
      'TCP_CONN',
    ]);
    expect(row?.slice(0, 3)).toEqual(['api', '1/2', '95.00%']);
    expect(row?.[3]).toMatch(/^\d+\.\drps$/);
    expect(row?.slice(4)).toEqual(['1ms', '9ms', '10ms', '3']);
  });
  it('shows authorizations and what was refused', async () => {
    const ran = await linkerd({ client: start(), clock }, 'viz', 'authz', '-n', 'shop', 'deploy/api');
    const [, denied, allowed] = words(ran.stdout);
    expect(denied).toEqual([
      'orders',
      'api',
      expect.stringMatching(/^\d\.\drps$/),
      '0.00%',
      '0.0rps',
      '0ms',
      '0ms',
      '0ms',
    ]);
    expect(allowed?.slice(0, 5)).toEqual(['orders', 'api', 'authorizationpolicy/web', '0.0rps', '95.00%']);
  });
  it('opens the admin ports of a namespace to Prometheus, and its probes to the kubelet', async () => {
    const { code, stdout } = await linkerd({ client: start(), clock }, 'viz', 'allow-scrapes', '-n', 'shop');
    expect(code).toBe(0);
    const objects = parseAllDocuments(stdout).map((document) => document.toJS());
    expect(objects.map(({ kind, metadata }) => `${kind} ${metadata.namespace}/${metadata.name}`)).toEqual([
      'Server shop/proxy-admin',
      'HTTPRoute shop/proxy-metrics',
      'HTTPRoute shop/proxy-probes',
      'AuthorizationPolicy shop/prometheus-scrape',
      'AuthorizationPolicy shop/proxy-probes',
    ]);
    expect(objects.at(-1).spec.requiredAuthenticationRefs).toMatchObject([
      { kind: 'NetworkAuthentication', name: 'kubelet' },
    ]);
    const without = await linkerd({ client: start(), clock }, 'viz', 'allow-scrapes');
    expect(without).toMatchObject({ code: 1 });
    expect(without.stderr).toContain('required flag(s) "namespace" not set');
  });
  it('reads escaped labels', () => {
    expect([...parseMetrics('a{b="c\\"d",e="f"} 4\n').values()]).toEqual([
      { name: 'a', labels: { b: 'c"d', e: 'f' }, value: 4 },
    ]);
  });
});
