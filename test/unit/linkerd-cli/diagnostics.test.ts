import { afterEach, describe, expect, it, vi } from 'vitest';
import type { KubeClient } from '#kube/client/client.ts';
import type { Process } from '#kube/images/program.ts';
import { VIEWED } from '#mesh/destination/cluster-view.ts';
import { startDestination } from '#mesh/destination/program.ts';
import { WATCHED } from '#mesh/policy/core/objects.ts';
import { startPolicy } from '#mesh/policy/program.ts';
import { clock, container, FakeCluster, fabric } from '../policy/fake-cluster.ts';
import { object } from '../policy/objects.ts';
import { linkerd, recorded, recordingsMissing } from './run.ts';

const ends: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0)) await end();
});

/** A control plane with the pod and Service of the recordings. */
function start(): KubeClient {
  const cluster = new FakeCluster();
  const controller = fabric().createNamespace({ ip: '10.244.0.5', name: 'destination' });
  const run = (process: Process) =>
    ends.push(() => {
      process.kill('SIGTERM');
      return process.exited;
    });
  run(startDestination(container(controller, ['destination']), { client: cluster.client }));
  run(
    startPolicy(
      container(controller, ['policy', '--default-policy=all-unauthenticated', '--admin-addr=0.0.0.0:9990']),
      { client: cluster.client },
    ),
  );
  const fid = { namespace: 'fid' };
  cluster.put(
    WATCHED.Pod,
    object(
      'Pod',
      'web',
      { containers: [{ name: 'web' }] },
      { metadata: fid, status: { podIP: '10.244.0.7', phase: 'Running' } },
    ),
  );
  cluster.put(
    WATCHED.Service,
    object('Service', 'web', { clusterIP: '10.96.0.7', ports: [{ port: 80, targetPort: 8080 }] }, { metadata: fid }),
  );
  cluster.put(VIEWED.EndpointSlice, {
    ...object('EndpointSlice', 'web-1', undefined, {
      metadata: { ...fid, labels: { 'kubernetes.io/service-name': 'web' } },
    }),
    addressType: 'IPv4',
    ports: [{ name: '', port: 8080 }],
    endpoints: [
      {
        addresses: ['10.244.0.7'],
        conditions: { ready: true },
        targetRef: { kind: 'Pod', name: 'web', namespace: 'fid' },
      },
    ],
  });
  cluster.put(
    WATCHED.Pod,
    object('Pod', 'linkerd-destination-x', {}, { metadata: { namespace: 'linkerd' }, status: { phase: 'Running' } }),
  );
  return {
    ...cluster.client,
    list: (target: Parameters<KubeClient['list']>[0]) => cluster.client.list(target),
    get: cluster.client.get,
    portForward: async (_namespace: string, _pod: string, port: number) => controller.dial('127.0.0.1', port),
  } as KubeClient;
}

describe.skipIf(recordingsMissing)('linkerd diagnostics', () => {
  it.each([
    ['linkerd-diagnostics-policy', 'policy -n fid pod/web 8080'],
    ['linkerd-diagnostics-policy-svc', 'policy -n fid svc/web 80'],
    ['linkerd-diagnostics-profile', 'profile web.fid.svc.cluster.local:80'],
    ['linkerd-diagnostics-endpoints', 'endpoints web.fid.svc.cluster.local:80'],
  ])('prints what the official CLI printed: %s', async (name, words) => {
    const client = start();
    // The controllers have just started and may still be reading.
    await vi.waitFor(async () => {
      const ran = await linkerd({ client, clock }, 'diagnostics', ...words.split(' '));
      expect(ran).toEqual(recorded(name));
    });
  });

  it('says which kinds it takes, with its usage', async () => {
    const ran = await linkerd({ client: start(), clock }, 'diagnostics', 'policy', '-n', 'shop', 'deploy/api', '8080');
    expect(ran).toEqual(recorded('shop-diagnostics-policy'));
  });
});
