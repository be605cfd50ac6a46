import { readFileSync } from 'node:fs';
import { afterAll, describe, expect, it } from 'vitest';
import { parseAllDocuments } from 'yaml';
import type { Cluster } from '#cluster/driver.ts';
import { createEmbeddedDriver } from '#cluster/embedded/driver.ts';
import type { KubeObject } from '#kube/api/types.ts';
import { clientPod, manifest, webPod } from '#mesh/conformance/manifests.ts';
import { gatewayApiCrds } from '#mesh/crds/crds.ts';
import { parseCertificates } from '#pki/certificate.ts';
import { verifyChain } from '#pki/verify.ts';
import { clusterSettings } from '#schema/lab.ts';
import { certificatesOf } from '#terminal/linkerd/identity.ts';
import { linkerd } from '../unit/linkerd-cli/run.ts';

const HOUR = 3_600_000;
const options = { fieldManager: 'test', force: true };
const POLL = { timeout: 40_000, interval: 50 };

const documents = (text: string): KubeObject[] =>
  parseAllDocuments(text).flatMap((each) => (each.toJS() as KubeObject | null) ?? []);
const shipped = (name: string): KubeObject[] =>
  documents(readFileSync(new URL(`../../labs/automatic-rotation/start/${name}`, import.meta.url), 'utf8'));

/** As Linkerd's documentation has it: a root in cert-manager, an issuer of two days under it, a bundle of the root. */
const TRUST = `
apiVersion: cert-manager.io/v1
kind: Issuer
metadata: { name: linkerd-trust-root-issuer, namespace: cert-manager }
spec: { selfSigned: {} }
---
apiVersion: cert-manager.io/v1
kind: Certificate
metadata: { name: linkerd-trust-anchor, namespace: cert-manager }
spec:
  issuerRef: { kind: Issuer, name: linkerd-trust-root-issuer }
  secretName: linkerd-trust-anchor
  isCA: true
  commonName: root.linkerd.cluster.local
  duration: 87600h
  privateKey: { rotationPolicy: Always, algorithm: ECDSA }
---
apiVersion: cert-manager.io/v1
kind: ClusterIssuer
metadata: { name: linkerd-identity-issuer }
spec: { ca: { secretName: linkerd-trust-anchor } }
---
apiVersion: v1
kind: Namespace
metadata:
  name: linkerd
  labels: { linkerd.io/is-control-plane: "true", linkerd.io/control-plane-ns: linkerd }
---
apiVersion: cert-manager.io/v1
kind: Certificate
metadata: { name: linkerd-identity-issuer, namespace: linkerd }
spec:
  issuerRef: { name: linkerd-identity-issuer, kind: ClusterIssuer }
  secretName: linkerd-identity-issuer
  isCA: true
  commonName: identity.linkerd.cluster.local
  duration: 48h
  renewBefore: 25h
  privateKey: { rotationPolicy: Always, algorithm: ECDSA }
---
apiVersion: trust.cert-manager.io/v1alpha1
kind: Bundle
metadata: { name: linkerd-identity-trust-roots }
spec:
  sources: [{ secret: { name: linkerd-trust-anchor, key: tls.crt } }]
  target:
    configMap: { key: ca-bundle.crt }
    namespaceSelector: { matchLabels: { linkerd.io/is-control-plane: "true" } }
`;

describe('a mesh whose issuer cert-manager keeps, and whose roots trust-manager carries', () => {
  let cluster: Cluster;
  const core = (resource: string, namespace: string) => ({ group: '', version: 'v1', resource, namespace });

  const apply = async (objects: KubeObject[]): Promise<void> => {
    for (const object of objects) await expect.poll(() => cluster.admin.apply(object, options), POLL).toBeTruthy();
    await cluster.admin.discover({ fresh: true });
  };
  const run = (...args: string[]) => linkerd({ client: cluster.admin, clock: cluster.clock }, ...args);
  const available = (namespace: string) =>
    expect
      .poll(async () => {
        const { items } = await cluster.admin.list({
          group: 'apps',
          version: 'v1',
          resource: 'deployments',
          namespace,
        });
        return items.filter(({ status }) => !status?.availableReplicas).map(({ metadata }) => metadata.name);
      }, POLL)
      .toEqual([]);

  afterAll(() => cluster?.destroy());

  const issuer = async (): Promise<KubeObject | undefined> =>
    cluster.admin.get(core('secrets', 'linkerd'), 'linkerd-identity-issuer').catch(() => undefined);
  const serial = async () =>
    parseCertificates(Buffer.from((await issuer())?.['data']['tls.crt'], 'base64').toString())[0]!.serialNumber;

  /** Pods whose chain does not verify from the bundle now, or that present no leaf of the present issuer. */
  const unverifiable = async (of = ['shop', 'linkerd']): Promise<string[]> => {
    const roots = await cluster.admin.get(core('configmaps', 'linkerd'), 'linkerd-identity-trust-roots');
    const anchors = parseCertificates(roots['data']['ca-bundle.crt']).map(({ raw }) => raw);
    const bad: string[] = [];
    for (const namespace of of)
      for (const pod of (await cluster.admin.list(core('pods', namespace))).items) {
        const chain = await certificatesOf(
          {
            client: cluster.admin,
            clock: cluster.clock,
            controlPlane: 'linkerd',
            context: { signal: AbortSignal.timeout(20_000) } as never,
          },
          pod,
        );
        const seen = verifyChain({
          chain: chain.map(({ raw }) => raw),
          anchors,
          at: cluster.clock.now(),
          anchorDates: 'check',
        });
        if (!seen.ok) bad.push(`${pod.metadata.name}: ${seen.message}`);
      }
    return bad;
  };

  const installed = async (): Promise<void> => {
    const settings = clusterSettings.parse({ mesh: 'none', clock: 'movable' });
    const { signal } = new AbortController();
    cluster = await createEmbeddedDriver().create({ id: 'external', settings, onStep: () => {}, signal });
    await cluster.ready;
    await apply([...shipped('cert-manager.yaml'), ...shipped('trust-manager.yaml')]);
    await available('cert-manager');
    await apply(documents(TRUST));
    await expect.poll(async () => (await issuer())?.['type'], POLL).toBe('kubernetes.io/tls');
    await apply(gatewayApiCrds());
    await apply(documents((await run('install', '--crds')).stdout));
    const manifests = await run(
      'install',
      '--identity-external-issuer',
      '--set',
      'identity.externalCA=true,disableHeartBeat=true',
    );
    expect(manifests).toMatchObject({ code: 0, stderr: '' });
    await apply(documents(manifests.stdout));
    await available('linkerd');
    await apply([manifest('Namespace', 'shop', undefined, { annotations: { 'linkerd.io/inject': 'enabled' } })]);
    for (const name of ['api', 'web'])
      await apply([
        manifest('ServiceAccount', name, undefined, { namespace: 'shop' }),
        {
          apiVersion: 'apps/v1',
          kind: 'Deployment',
          metadata: { name, namespace: 'shop' },
          spec: {
            replicas: 1,
            selector: { matchLabels: { app: name } },
            template: {
              metadata: { labels: { app: name } },
              spec: {
                ...(name === 'api' ? webPod() : clientPod(name, { mesh: true }))['spec'],
                serviceAccountName: name,
              },
            },
          },
        },
      ]);
    await available('shop');
  };

  it('is installed: every pod verifies, and the check is content with its identity', async () => {
    await installed();
    expect(await unverifiable()).toEqual([]);
    const { stdout } = await run('check');
    expect(stdout).toContain('√ certificate config is valid');
    expect(stdout).toContain('√ issuer cert is issued by the trust anchor');
  }, 120_000);

  it('gets a new issuer when renewal is due, and identity takes it', async () => {
    const before = await serial();
    await cluster.advanceClock(23 * HOUR + 60_000);
    expect(await serial()).not.toBe(before);
    const events = async () =>
      (await cluster.admin.list(core('events', 'linkerd'))).items
        .filter((each) => each['involvedObject'].name === 'linkerd-identity')
        .map((each) => each['reason']);
    await expect.poll(events, POLL).toContain('IssuerUpdated');
    expect(await events()).not.toContain('IssuerUpdateSkipped');
    expect(await unverifiable()).toEqual([]);
  }, 60_000);

  it('goes on for months in one step of the clock', async () => {
    await cluster.advanceClock(60 * 24 * HOUR);
    const certificate = await cluster.admin.get(
      { group: 'cert-manager.io', version: 'v1', resource: 'certificates', namespace: 'linkerd' },
      'linkerd-identity-issuer',
    );
    expect(certificate['status'].revision).toBeGreaterThanOrEqual(63);
    await expect.poll(() => unverifiable(), POLL).toEqual([]);
  }, 120_000);

  it('rotates its anchor in stages, with a copy of the one before in the bundle', async () => {
    const certificates = (namespace: string) => ({
      group: 'cert-manager.io',
      version: 'v1',
      resource: 'certificates',
      namespace,
    });
    const renew = async (namespace: string, name: string): Promise<void> => {
      const { status } = await cluster.admin.get(certificates(namespace), name);
      const conditions = [{ type: 'Issuing', status: 'True', reason: 'ManuallyTriggered' }];
      await cluster.admin.patch(
        certificates(namespace),
        name,
        'merge',
        { status: { conditions } },
        { subresource: 'status' },
      );
      const renewed = async () => (await cluster.admin.get(certificates(namespace), name))['status'].revision;
      await expect.poll(renewed, POLL).toBe(status.revision + 1);
    };
    const restart = async (namespace: string): Promise<void> => {
      const deployments = { group: 'apps', version: 'v1', resource: 'deployments', namespace };
      const annotations = { 'kubectl.kubernetes.io/restartedAt': `${cluster.clock.now()}` };
      for (const { metadata } of (await cluster.admin.list(deployments)).items)
        await cluster.admin.patch(deployments, metadata.name!, 'merge', {
          spec: { template: { metadata: { annotations } } },
        });
      const waiting = async () =>
        (await cluster.admin.list(deployments)).items.filter(
          ({ status, metadata, spec }) =>
            status?.observedGeneration !== metadata.generation ||
            status?.updatedReplicas !== spec.replicas ||
            status?.availableReplicas !== spec.replicas ||
            status?.replicas !== spec.replicas,
        ).length;
      await expect.poll(waiting, POLL).toBe(0);
      const going = async () =>
        (await cluster.admin.list(core('pods', namespace))).items.filter((each) => each.metadata.deletionTimestamp)
          .length;
      await expect.poll(going, POLL).toBe(0);
    };
    const anchors = async () => {
      const roots = await cluster.admin.get(core('configmaps', 'linkerd'), 'linkerd-identity-trust-roots');
      return parseCertificates(roots['data']['ca-bundle.crt']).length;
    };
    const anchor = await cluster.admin.get(core('secrets', 'cert-manager'), 'linkerd-trust-anchor');
    await apply([
      {
        apiVersion: 'v1',
        kind: 'Secret',
        metadata: { name: 'linkerd-previous-anchor', namespace: 'cert-manager' },
        type: anchor['type'],
        data: anchor['data'],
      },
      {
        ...documents(TRUST).at(-1)!,
        spec: {
          ...documents(TRUST).at(-1)!['spec'],
          sources: ['linkerd-trust-anchor', 'linkerd-previous-anchor'].map((name) => ({
            secret: { name, key: 'tls.crt' },
          })),
        },
      },
    ]);
    await expect.poll(anchors, POLL).toBe(1);
    await renew('cert-manager', 'linkerd-trust-anchor');
    await expect.poll(anchors, POLL).toBe(2);
    await cluster.advanceClock(10_000);
    await restart('linkerd');
    await restart('shop');
    expect(await unverifiable()).toEqual([]);
    const before = await serial();
    await renew('linkerd', 'linkerd-identity-issuer');
    expect(await serial()).not.toBe(before);
    await cluster.advanceClock(10_000);
    await restart('shop');
    // Only the new anchor is left: what verifies now has let go of the old one.
    await cluster.admin.patch(core('secrets', 'cert-manager'), 'linkerd-previous-anchor', 'merge', {
      data: (await cluster.admin.get(core('secrets', 'cert-manager'), 'linkerd-trust-anchor'))['data'],
    });
    await expect.poll(anchors, POLL).toBe(1);
    expect(await unverifiable(['shop'])).toEqual([]);
  }, 120_000);
});
