import { describe, expect, it } from 'vitest';
import { WallClock } from '#base/clock.ts';
import { addReviews } from '#kube/apiserver/auth/reviews.ts';
import { ApiServer } from '#kube/apiserver/server.ts';
import { createKubeClient } from '#kube/client/create.ts';
import { createInProcessTransport } from '#kube/client/in-process.ts';
import { gatewayApiCrds } from '#mesh/crds/crds.ts';
import { renderCrds } from '#mesh/install/crds.ts';
import { planInstall } from '#mesh/install/plan.ts';
import { linkerd, recorded, recordingsMissing } from './run.ts';

const clock = new WallClock();

/** The recorded installation had no heartbeat. */
const installed = () => planInstall({ now: clock.now(), values: { disableHeartBeat: true } });

async function start() {
  const server = new ApiServer({ clock });
  addReviews(
    server,
    undefined as never,
    () => ({ allowed: true }),
    () => clock.now(),
  );
  const client = createKubeClient(createInProcessTransport(server, { username: 'admin', groups: ['system:masters'] }));
  await client.create(
    { group: '', version: 'v1', resource: 'namespaces' },
    { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'kube-system' } },
  );
  const name = 'extension-apiserver-authentication';
  await client.create(
    { group: '', version: 'v1', resource: 'configmaps', namespace: 'kube-system' },
    {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name, namespace: 'kube-system' },
      data: { 'requestheader-client-ca-file': 'a certificate' },
    },
  );
  return client;
}

describe('linkerd check --pre on the embedded API server', () => {
  it.skipIf(recordingsMissing)('prints what the official CLI printed where a control plane is already', async () => {
    const client = await start();
    for (const object of [...gatewayApiCrds(), ...renderCrds(), ...(await installed())]) {
      await client.apply(object, { fieldManager: 'test', force: true });
    }
    expect(await linkerd({ client, clock }, 'check', '--pre')).toEqual(recorded('linkerd-check-pre'));
  });

  it('stops without the Gateway API, and is green once it is there', async () => {
    const client = await start();
    const without = await linkerd({ client, clock }, 'check', '--pre');
    expect(without.code).toBe(1);
    expect(without.stdout).toContain('× Gateway API CRDs are installed\n');
    expect(without.stdout).not.toContain('pre-kubernetes-setup');
    // The same client sees what was installed meanwhile.
    for (const crd of gatewayApiCrds()) await client.apply(crd, { fieldManager: 'test' });
    const ran = await linkerd({ client, clock }, 'check', '--pre');
    expect(ran.stdout).toContain('√ can create non-namespaced resources\n');
    expect(ran.code).toBe(0);
    expect((await linkerd({ client, clock }, 'install', '--crds')).code).toBe(0);
  });
});
