import { describe, expect, it } from 'vitest';
import { WallClock } from '#base/clock.ts';
import { generateIdentity } from '#mesh/install/certificates.ts';
import { apply, clientOf, meshedCluster, meshedPod } from './mesh.ts';
import { linkerd, recorded, recordingsMissing } from './run.ts';

const clock = new WallClock();
const DAY = 24 * 3_600_000;

describe('linkerd check', () => {
  it.skipIf(recordingsMissing)('prints what the official CLI printed', async () => {
    const client = clientOf(await meshedCluster({ now: clock.now() }));
    expect(await linkerd({ client, clock }, 'check')).toEqual(recorded('linkerd-check'));
    expect(await linkerd({ client, clock }, 'check', '-o', 'short')).toEqual(recorded('linkerd-check-short'));
    expect(await linkerd({ client, clock }, 'check', '-o', 'json')).toEqual(recorded('linkerd-check-json'));
    expect(await linkerd({ client, clock }, 'check', '--help')).toEqual(recorded('linkerd-check-help'));
  });

  it.skipIf(recordingsMissing)('prints what the official CLI printed about the data plane', async () => {
    const cluster = await meshedCluster({ now: clock.now() });
    const roots = await cluster.client.get(
      { group: '', version: 'v1', resource: 'configmaps', namespace: 'linkerd' },
      'linkerd-identity-trust-roots',
    );
    apply(cluster, [
      { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'fid' } },
      meshedPod('fid', 'web', roots.data['ca-bundle.crt']),
    ]);
    const ran = await linkerd({ client: clientOf(cluster), clock }, 'check', '--proxy', '-n', 'fid');
    expect(ran.stdout).toEqual(recorded('linkerd-check-proxy').stdout);
  });

  it('lists the pods that do not have the present bundle, as a warning', async () => {
    const cluster = await meshedCluster({ now: clock.now() });
    apply(cluster, [
      { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'rot' } },
      meshedPod('rot', 'web-2', 'other'),
      meshedPod('rot', 'load', 'other'),
    ]);
    const ran = await linkerd({ client: clientOf(cluster), clock }, 'check', '--proxy', '-n', 'rot');
    expect(ran.code).toBe(0);
    expect(ran.stdout).toContain(
      '‼ data plane proxies certificate match CA\n    Some pods do not have the current trust bundle and must be restarted:\n\t* load\n\t* web-2\n    see https://linkerd.io/2/checks/#l5d-identity-data-plane-proxies-certs-match-ca for hints\n',
    );
  });

  it('stops at the first fatal failure', async () => {
    const cluster = await meshedCluster({ now: clock.now() });
    cluster.delete({ group: '', version: 'v1', resource: 'secrets' }, 'linkerd', 'linkerd-identity-issuer');
    const ran = await linkerd({ client: clientOf(cluster), clock }, 'check');
    expect(ran.code).toBe(1);
    expect(ran.stdout).toContain('× certificate config is valid\n    secrets "linkerd-identity-issuer" not found\n');
    expect(ran.stdout).not.toContain('linkerd-webhooks-and-apisvc-tls');
    expect(ran.stdout.trimEnd()).toMatch(/Status check results are ×$/);
  });

  it('judges certificates by the cluster clock', async () => {
    const made = await generateIdentity({ now: clock.now() - 366 * DAY });
    const cluster = await meshedCluster({ now: clock.now(), anchors: made.certificate, issuer: made });
    const ran = await linkerd({ client: clientOf(cluster), clock }, 'check');
    expect(ran.stdout).toMatch(
      /× trust anchors are within their validity period\n {4}Invalid anchors:\n\t\* 1 identity\.linkerd\. not valid anymore\. Expired on /,
    );
    const soon = await generateIdentity({ now: clock.now() - 310 * DAY });
    const other = await meshedCluster({ now: clock.now(), anchors: soon.certificate, issuer: soon });
    const warned = await linkerd({ client: clientOf(other), clock }, 'check');
    expect(warned.code).toBe(0);
    expect(warned.stdout).toContain(
      '‼ issuer cert is valid for at least 60 days\n    issuer certificate will expire on ',
    );
  });

  it('says that an issuer does not stand under the anchors', async () => {
    const [anchor, issuer] = await Promise.all([
      generateIdentity({ now: clock.now() }),
      generateIdentity({ now: clock.now() }),
    ]);
    const cluster = await meshedCluster({ now: clock.now(), anchors: anchor.certificate, issuer });
    const ran = await linkerd({ client: clientOf(cluster), clock }, 'check');
    expect(ran.code).toBe(1);
    expect(ran.stdout).toContain(
      '× issuer cert is issued by the trust anchor\n    x509: certificate signed by unknown authority (possibly because of',
    );
  });
});
