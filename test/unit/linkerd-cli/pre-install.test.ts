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

function start() {
  const server = new ApiServer({ clock });
  addReviews(
    server,
    undefined as never,
    () => ({ allowed: true }),
    () => clock.now(),
  );
  return createKubeClient(createInProcessTransport(server, { username: 'admin', groups: ['system:masters'] }));
}

describe('linkerd check --pre on the embedded API server', () => {
  it.skipIf(recordingsMissing)('prints what the official CLI printed where a control plane is already', async () => {
    const client = start();
    for (const object of [...gatewayApiCrds(), ...renderCrds(), ...(await planInstall({ now: clock.now() }))]) {
      await client.apply(object, { fieldManager: 'test', force: true });
    }
    expect(await linkerd({ client, clock }, 'check', '--pre')).toEqual(recorded('linkerd-check-pre'));
  });

  it('stops without the Gateway API, and is green once it is there', async () => {
    const client = start();
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
