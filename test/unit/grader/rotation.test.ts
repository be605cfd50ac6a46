import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createCertificate, describeCertificate } from '#pki/certificate.ts';
import { generateKeyPair } from '#pki/keys.ts';
import type { Handshake } from '#schema/evidence.ts';
import { FakeWorld, NOW } from './world.ts';

interface Authority {
  anchor: string;
  issuer: string;
  fingerprint: string;
}
let old: Authority;
let fresh: Authority;

/** An anchor and an issuer below it. Both roots bear the same name, as `step` makes them in the lessons. */
async function authority(): Promise<Authority> {
  const [root, middle] = [await generateKeyPair(), await generateKeyPair()];
  const dates = { notBefore: NOW - 1_000, notAfter: NOW + 86_400_000, isCa: true };
  const anchor = createCertificate({ ...root, subject: 'CN=root.linkerd.cluster.local', ...dates });
  const issuer = createCertificate({
    ...middle,
    subject: 'CN=identity.linkerd.cluster.local',
    ...dates,
    signer: { certificate: anchor, privateKey: root.privateKey },
  });
  return { anchor, issuer, fingerprint: describeCertificate(anchor).fingerprint };
}
beforeAll(async () => {
  [old, fresh] = [await authority(), await authority()];
});

let world: FakeWorld;
beforeEach(() => {
  world = new FakeWorld();
  world.names.name('anchor', describeCertificate(old.anchor));
  at({ bundle: [old], issuer: old, trusts: [old], leaf: old });
});

/** How things stand: the cluster's bundle, its issuer, what the pod trusts and what it presents. */
function at(state: { bundle: Authority[]; issuer: Authority; trusts: Authority[]; leaf: Authority }): void {
  world.objects['configmaps'] = [
    {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'linkerd-identity-trust-roots', namespace: 'linkerd' },
      data: { 'ca-bundle.crt': state.bundle.map(({ anchor }) => anchor).join('') },
    },
  ];
  world.objects['secrets'] = [
    {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: 'linkerd-identity-issuer', namespace: 'linkerd' },
      data: { 'crt.pem': Buffer.from(state.issuer.issuer).toString('base64') },
    },
  ];
  for (const { anchor } of state.bundle) world.names.name('anchor', describeCertificate(anchor));
  const pod: Handshake = {
    type: 'handshake',
    namespace: 'shop',
    pod: 'web-1',
    workload: 'deployment/web',
    identity: 'web.shop.serviceaccount.identity.linkerd.cluster.local',
    at: NOW,
    chain: [],
    anchor: state.leaf.fingerprint,
    bundle: state.trusts.map(({ fingerprint }) => fingerprint),
  };
  world.handshakes = [pod];
}
const look = (stage: string) => world.look('rotation-timeline', { pods: 'shop/*', stage });

describe('a rotation', () => {
  it('passes each stage in its turn, and says when the old anchor can go', async () => {
    expect(await look('both-trusted')).toMatchObject({ state: 'failed' });

    at({ bundle: [old, fresh], issuer: old, trusts: [old], leaf: old });
    expect((await look('both-trusted')).said).toContain('web-1 does not trust anchor 2');
    at({ bundle: [old, fresh], issuer: old, trusts: [old, fresh], leaf: old });
    expect(await look('both-trusted')).toMatchObject({ state: 'passed' });

    at({ bundle: [old, fresh], issuer: fresh, trusts: [old, fresh], leaf: old });
    expect(await look('new-issuer')).toMatchObject({ state: 'passed' });
    expect(await look('safe-to-remove')).toMatchObject({ state: 'failed' });

    at({ bundle: [old, fresh], issuer: fresh, trusts: [old, fresh], leaf: fresh });
    expect(await look('all-leaves-new')).toMatchObject({ state: 'passed' });
    expect(await look('safe-to-remove')).toMatchObject({ state: 'passed' });

    at({ bundle: [fresh], issuer: fresh, trusts: [old, fresh], leaf: fresh });
    expect((await look('only-new-trusted')).said).toContain('web-1 still trusts anchor 1');
    at({ bundle: [fresh], issuer: fresh, trusts: [fresh], leaf: fresh });
    const done = await look('only-new-trusted');
    expect(done).toMatchObject({ state: 'passed', saw: expect.arrayContaining(['reached only-new-trusted']) });
    expect(done.evidence[0]).toMatchObject({
      type: 'rotation',
      stages: ['both-trusted', 'new-issuer', 'all-leaves-new', 'only-new-trusted'].map((stage) => ({
        stage,
        state: 'done',
      })),
    });
  });

  it('that signs with the new before all trust it is out of order, whatever comes later', async () => {
    at({ bundle: [old, fresh], issuer: fresh, trusts: [old], leaf: old });
    expect(await look('new-issuer')).toMatchObject({
      state: 'failed',
      saw: expect.arrayContaining(['out of order', 'skipped both-trusted']),
    });
    at({ bundle: [fresh], issuer: fresh, trusts: [fresh], leaf: fresh });
    expect(await look('only-new-trusted')).toMatchObject({ state: 'failed' });
  });

  it('that drops the old anchor while pods still present it is out of order', async () => {
    at({ bundle: [old, fresh], issuer: fresh, trusts: [old, fresh], leaf: old });
    await look('new-issuer');
    at({ bundle: [fresh], issuer: fresh, trusts: [fresh], leaf: old });
    expect(await look('only-new-trusted')).toMatchObject({ saw: expect.arrayContaining(['skipped all-leaves-new']) });
  });

  it('is remembered by what a session saves', async () => {
    at({ bundle: [old, fresh], issuer: old, trusts: [old, fresh], leaf: old });
    await look('both-trusted');
    const kept = structuredClone([...world.context.memory]);
    world.context.memory.clear();
    for (const [key, value] of kept) world.context.memory.set(key, value);
    at({ bundle: [fresh], issuer: fresh, trusts: [fresh], leaf: fresh });
    expect(await look('only-new-trusted')).toMatchObject({ state: 'passed' });
  });
});
