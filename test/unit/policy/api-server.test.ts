import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { KubeObject } from '#kube/api/types.ts';
import { ApiServer } from '#kube/apiserver/server.ts';
import type { KubeClient } from '#kube/client/client.ts';
import { createKubeClient } from '#kube/client/create.ts';
import { createInProcessTransport } from '#kube/client/in-process.ts';
import type { Process } from '#kube/images/program.ts';
import { gatewayApiCrds } from '#mesh/crds/crds.ts';
import { renderCrds } from '#mesh/install/crds.ts';
import { planInstall } from '#mesh/install/plan.ts';
import type { InboundConfig } from '#mesh/policy/core/config.ts';
import { startPolicy } from '#mesh/policy/program.ts';
import { ReconnectingChannel } from '#mesh/policy/reconnect.ts';
import { createPolicySource } from '#mesh/policy/source.ts';
import { clock, container, fabric } from './fake-cluster.ts';

/** The policy controller against the embedded API server: what is applied is what proxies hear, statuses included. */
describe('policy on the embedded API server', () => {
  let client: KubeClient;
  let process: Process;
  let close: () => void;
  const seen: InboundConfig[] = [];
  const apply = (object: KubeObject) => client.apply(object, { fieldManager: 'test', force: true });
  const at = { namespace: 'shop' };

  beforeAll(async () => {
    const server = new ApiServer({ clock });
    client = createKubeClient(createInProcessTransport(server, { username: 'admin', groups: ['system:masters'] }));
    const plan = await planInstall({ now: clock.now() });
    for (const object of [...gatewayApiCrds(), ...renderCrds(), ...plan]) await apply(object);
    await apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'shop' } });
    await apply({
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { ...at, name: 'api', labels: { app: 'api', 'linkerd.io/control-plane-ns': 'linkerd' } },
      spec: { containers: [{ name: 'api', image: 'x', ports: [{ name: 'http', containerPort: 8080 }] }] },
    });
    const network = fabric();
    process = startPolicy(
      container(network.createNamespace({ ip: '10.0.0.5', name: 'policy' }), [
        'policy',
        '--cluster-networks=10.0.0.0/8',
      ]),
      { client },
    );
    const proxy = network.createNamespace({ ip: '10.0.0.9', name: 'proxy' });
    const channel = new ReconnectingChannel({ dial: (signal) => proxy.dial('10.0.0.5', 8090, { signal }) }, clock);
    const source = createPolicySource({ channel, workload: '{"ns":"shop","pod":"api"}' });
    source.watchPort(8080, (config) => seen.push(config));
    close = () => source.close();
  });
  afterAll(async () => {
    close();
    process.kill('SIGTERM');
    await process.exited;
  });

  it('follows Server, route and authorization, and writes Accepted where kubectl shows it', async () => {
    await vi.waitFor(() => expect(seen.at(-1)?.server.name).toBe('all-unauthenticated'));
    await apply({
      apiVersion: 'policy.linkerd.io/v1beta3',
      kind: 'Server',
      metadata: { ...at, name: 'api-http' },
      spec: { podSelector: { matchLabels: { app: 'api' } }, port: 'http', proxyProtocol: 'HTTP/1' },
    });
    await apply({
      apiVersion: 'gateway.networking.k8s.io/v1',
      kind: 'HTTPRoute',
      metadata: { ...at, name: 'orders' },
      spec: {
        parentRefs: [{ group: 'policy.linkerd.io', kind: 'Server', name: 'api-http' }],
        rules: [{ matches: [{ path: { type: 'PathPrefix', value: '/orders' }, method: 'GET' }] }],
      },
    });
    await apply({
      apiVersion: 'policy.linkerd.io/v1alpha1',
      kind: 'MeshTLSAuthentication',
      metadata: { ...at, name: 'web-only' },
      spec: { identityRefs: [{ kind: 'ServiceAccount', name: 'web' }] },
    });
    await apply({
      apiVersion: 'policy.linkerd.io/v1alpha1',
      kind: 'AuthorizationPolicy',
      metadata: { ...at, name: 'web-reads-orders' },
      spec: {
        targetRef: { group: 'gateway.networking.k8s.io', kind: 'HTTPRoute', name: 'orders' },
        requiredAuthenticationRefs: [{ group: 'policy.linkerd.io', kind: 'MeshTLSAuthentication', name: 'web-only' }],
      },
    });
    await vi.waitFor(() =>
      expect(seen.at(-1)?.routes[0]?.authorizations[0]?.authentication).toEqual({
        kind: 'tls',
        identities: [{ exact: 'web.shop.serviceaccount.identity.linkerd.cluster.local' }],
      }),
    );
    const target = { group: 'gateway.networking.k8s.io', version: 'v1', resource: 'httproutes', namespace: 'shop' };
    const route = await client.get(target, 'orders');
    expect(route.status.parents).toMatchObject([
      {
        controllerName: 'linkerd.io/policy-controller',
        parentRef: { group: 'policy.linkerd.io', kind: 'Server', name: 'api-http', namespace: 'shop' },
        conditions: [{ type: 'Accepted', status: 'True', reason: 'Accepted', message: '' }],
      },
    ]);
  });

  it('hears an annotation of the pod while it runs, within a second', async () => {
    const servers = { group: 'policy.linkerd.io', version: 'v1beta3', resource: 'servers', namespace: 'shop' };
    await client.delete(servers, 'api-http');
    await vi.waitFor(() => expect(seen.at(-1)?.server.kind).toBe('default'));
    const started = performance.now();
    const annotations = { 'config.linkerd.io/default-inbound-policy': 'deny' };
    await client.patch({ group: '', version: 'v1', resource: 'pods', namespace: 'shop' }, 'api', 'merge', {
      metadata: { annotations },
    });
    await vi.waitFor(() => expect(seen.at(-1)?.server.name).toBe('deny'));
    expect(performance.now() - started).toBeLessThan(1000);
  });
});
