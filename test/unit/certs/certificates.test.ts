import { createPrivateKey } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { conditionOf } from '#certs/objects.ts';
import { parseCertificates } from '#pki/certificate.ts';
import { keysMatch } from '#pki/keys.ts';
import { verifyChain } from '#pki/verify.ts';
import { CertsWorld, HOUR, START } from './world.ts';

let world: CertsWorld;
beforeEach(async () => {
  world = new CertsWorld();
  await world.start();
});
afterEach(() => world.stop());

const ECDSA = { algorithm: 'ECDSA' };
const self = { name: 'self' };

async function rootAndIssuer(): Promise<void> {
  await world.issuer('self', { selfSigned: {} }, 'cert-manager');
  await world.certificate(
    'root',
    { isCA: true, commonName: 'root.test', privateKey: ECDSA, duration: '87600h', issuerRef: self },
    'cert-manager',
  );
  await world.issuer('ca', { ca: { secretName: 'root' } });
}

describe('a self-signed issuer', () => {
  beforeEach(() => world.issuer('self', { selfSigned: {} }, 'shop'));

  it('is ready at once', () =>
    world.until(() => world.condition('issuers', 'self', 'Ready', 'shop'), {
      status: 'True',
      reason: 'IsReady',
      message: undefined,
    }));

  it('fills a Secret with a certificate, its key and itself as its CA', async () => {
    await world.certificate('web', {
      commonName: 'web',
      dnsNames: ['web.shop.svc'],
      privateKey: ECDSA,
      issuerRef: self,
    });
    await world.revision('web', 1);
    const secret = (await world.get('secrets', 'web'))!;
    expect(secret['type']).toBe('kubernetes.io/tls');
    expect(secret.metadata.annotations).toMatchObject({
      'cert-manager.io/certificate-name': 'web',
      'cert-manager.io/common-name': 'web',
      'cert-manager.io/alt-names': 'web.shop.svc',
      'cert-manager.io/issuer-name': 'self',
      'cert-manager.io/issuer-kind': 'Issuer',
      'cert-manager.io/issuer-group': 'cert-manager.io',
    });
    const leaf = await world.leaf('web');
    expect(await world.text('web', 'ca.crt')).toBe(await world.text('web', 'tls.crt'));
    expect(await world.text('web', 'tls.key')).toMatch(/^-----BEGIN EC PRIVATE KEY-----/);
    expect(keysMatch(leaf.publicKey, createPrivateKey(await world.text('web', 'tls.key')))).toBe(true);
    expect([leaf.subject, leaf.issuer, leaf.ca, leaf.subjectAltName]).toEqual([
      'CN=web',
      'CN=web',
      false,
      'DNS:web.shop.svc',
    ]);
    expect(Date.parse(leaf.validTo) - Date.parse(leaf.validFrom)).toBe(2160 * HOUR);
  });

  it('says what happens on the way', async () => {
    await world.certificate('web', { dnsNames: ['web'], privateKey: ECDSA, issuerRef: self });
    await world.revision('web', 1);
    const said = [
      'Normal Issuing Issuing certificate as Secret does not exist',
      expect.stringMatching(/^Normal Generated Stored new private key in temporary Secret resource "web-\w{5}"$/),
      'Normal Requested Created new CertificateRequest resource "web-1"',
      'Normal Issuing The certificate has been successfully issued',
    ];
    await world.until(() => world.events('web'), expect.arrayContaining(said));
    await world.until(
      () => world.events('web-1'),
      [
        'Normal cert-manager.io Certificate request has been approved by cert-manager.io',
        'Normal CertificateIssued Certificate fetched from issuer successfully',
      ],
    );
    expect(world.failures).toEqual([]);
  });

  it.each([
    [{ algorithm: 'ECDSA', size: 384 }, 'EC', { namedCurve: 'secp384r1' }],
    [{ algorithm: 'ECDSA', size: 256, encoding: 'PKCS8' }, '', { namedCurve: 'prime256v1' }],
    [{}, 'RSA', { modulusLength: 2048 }],
    [{ algorithm: 'RSA', size: 3072 }, 'RSA', { modulusLength: 3072 }],
  ])('makes the key asked for: %j', async (privateKey, label, details) => {
    await world.certificate('web', { dnsNames: ['web'], privateKey, issuerRef: self });
    await world.revision('web', 1);
    const pem = await world.text('web', 'tls.key');
    expect(pem.split('\n')[0]).toBe(`-----BEGIN ${label ? `${label} ` : ''}PRIVATE KEY-----`);
    expect(createPrivateKey(pem).asymmetricKeyDetails).toMatchObject(details);
  });

  it('refuses a size that a key cannot have, and waits an hour', async () => {
    await world.certificate('web', {
      dnsNames: ['web'],
      privateKey: { algorithm: 'ECDSA', size: 200 },
      issuerRef: self,
    });
    await world.until(() => world.condition('certificates', 'web', 'Issuing', 'shop'), {
      status: 'False',
      reason: 'Failed',
      message: 'Failed to generate private key: unsupported ecdsa key size specified: 200',
    });
    expect((await world.get('certificates', 'web'))!['status'].failedIssuanceAttempts).toBe(1);
    await world.clock.advance(61 * 60_000);
    await world.until(async () => (await world.get('certificates', 'web'))!['status'].failedIssuanceAttempts, 2);
  });

  it('refuses lengths of time that make no sense', async () => {
    await world.certificate('web', { dnsNames: ['web'], duration: '48h', renewBefore: '50h', issuerRef: self });
    await world.until(
      async () => (await world.condition('certificates', 'web', 'Ready', 'shop')).message,
      'spec.renewBefore: Invalid value: "50h": certificate duration "48h" must be greater than renewBefore "50h"',
    );
  });
});

describe('a CA issuer', () => {
  it('waits for its Secret, and says for which', async () => {
    await world.issuer('ca', { ca: { secretName: 'root' } });
    await world.until(() => world.condition('clusterIssuers', 'ca', 'Ready'), {
      status: 'False',
      reason: 'ErrGetKeyPair',
      message: 'Error getting keypair for CA issuer: secret "root" not found',
    });
    await rootAndIssuer();
    await world.until(() => world.condition('clusterIssuers', 'ca', 'Ready'), {
      status: 'True',
      reason: 'KeyPairVerified',
      message: 'Signing CA verified',
    });
  });

  it('will not sign with a certificate that is no CA', async () => {
    await world.issuer('self', { selfSigned: {} }, 'shop');
    await world.certificate('plain', { commonName: 'plain', privateKey: ECDSA, issuerRef: self });
    await world.issuer('ca', { ca: { secretName: 'plain' } }, 'shop');
    await world.revision('plain', 1);
    await world.until(
      async () => (await world.condition('issuers', 'ca', 'Ready', 'shop')).reason,
      'ErrInvalidKeyPair',
    );
  });

  it('signs a CA below its own, whose leaves verify from the root', async () => {
    await rootAndIssuer();
    const issuerRef = { name: 'ca', kind: 'ClusterIssuer' };
    await world.certificate('between', {
      isCA: true,
      commonName: 'between',
      duration: '48h',
      privateKey: ECDSA,
      usages: ['cert sign', 'crl sign'],
      issuerRef,
    });
    await world.revision('between', 1);
    await world.issuer('below', { ca: { secretName: 'between' } }, 'shop');
    await world.certificate('leaf', {
      dnsNames: ['leaf'],
      duration: '2h',
      privateKey: ECDSA,
      issuerRef: { name: 'below' },
    });
    await world.revision('leaf', 1);
    const root = await world.text('root', 'tls.crt', 'cert-manager');
    expect(await world.text('between', 'ca.crt')).toBe(root);
    expect(parseCertificates(await world.text('between', 'tls.crt'))).toHaveLength(1);
    const chain = parseCertificates(await world.text('leaf', 'tls.crt')).map(({ raw }) => raw);
    expect(chain).toHaveLength(2);
    const seen = verifyChain({ chain, anchors: [root], at: world.clock.now(), dnsName: 'leaf', anchorDates: 'check' });
    expect(seen).toMatchObject({ ok: true });
  });

  it('lets a certificate wait for an issuer that is not there', async () => {
    await world.certificate('web', {
      dnsNames: ['web'],
      privateKey: ECDSA,
      issuerRef: { name: 'ca', kind: 'ClusterIssuer' },
    });
    await world.until(() => world.condition('requests', 'web-1', 'Ready', 'shop'), {
      status: 'False',
      reason: 'Pending',
      message: 'Referenced "ClusterIssuer" not found: clusterissuer.cert-manager.io "ca" not found',
    });
    await world.until(() => world.condition('certificates', 'web', 'Ready', 'shop'), {
      status: 'False',
      reason: 'DoesNotExist',
      message: 'Issuing certificate as Secret does not exist',
    });
    await rootAndIssuer();
    await world.revision('web', 1);
  });
});

describe('a certificate that is kept', () => {
  beforeEach(() => world.issuer('self', { selfSigned: {} }, 'shop'));
  const spec = { commonName: 'web', privateKey: ECDSA, duration: '48h', renewBefore: '25h', issuerRef: self };

  it('is renewed when it is due, with a new key, and keeps one request', async () => {
    await world.certificate('web', spec);
    const { status } = await world.revision('web', 1);
    expect(status).toMatchObject({
      notBefore: '2026-11-24T10:00:00Z',
      notAfter: '2026-11-26T10:00:00Z',
      renewalTime: '2026-11-25T09:00:00Z',
    });
    const first = await world.text('web', 'tls.key');
    await world.clock.advance(22 * HOUR);
    await world.revision('web', 1);
    await world.clock.advance(2 * HOUR);
    await world.revision('web', 2);
    expect(await world.text('web', 'tls.key')).not.toBe(first);
    expect(Date.parse((await world.leaf('web')).validFrom)).toBe(START + 23 * HOUR);
    await world.until(
      () => world.events('web'),
      expect.arrayContaining([
        'Normal Issuing Renewing certificate as renewal was scheduled at 2026-11-25 09:00:00 +0000 UTC',
      ]),
    );
    const names = async () =>
      (
        await world.client.list({
          group: 'cert-manager.io',
          version: 'v1',
          resource: 'certificaterequests',
          namespace: 'shop',
        })
      ).items.map(({ metadata }) => metadata.name);
    await world.until(names, ['web-2']);
    const secrets = async () =>
      (await world.client.list({ group: '', version: 'v1', resource: 'secrets', namespace: 'shop' })).items.map(
        ({ metadata }) => metadata.name,
      );
    await world.until(secrets, ['web']);
  });

  it('is renewed every time it is due while the clock goes a month in one step', async () => {
    await world.certificate('web', spec);
    await world.revision('web', 1);
    await world.clock.advance(30 * 24 * HOUR);
    await world.revision('web', 1 + Math.floor((30 * 24) / 23));
    expect(world.failures).toEqual([]);
  });

  it('keeps its key where it is told to', async () => {
    await world.certificate('web', { ...spec, privateKey: { ...ECDSA, rotationPolicy: 'Never' } });
    await world.revision('web', 1);
    const first = await world.text('web', 'tls.key');
    await world.clock.advance(24 * HOUR);
    await world.revision('web', 2);
    expect(await world.text('web', 'tls.key')).toBe(first);
    await world.certificate('web', { ...spec, privateKey: { ...ECDSA, size: 384, rotationPolicy: 'Never' } });
    await world.until(
      async () => (await world.events('web')).some((each) => each.startsWith('Warning CannotRegenerateKey')),
      true,
    );
  });

  it('is renewed by hand, by a condition on its status', async () => {
    await world.certificate('web', spec);
    const { status } = await world.revision('web', 1);
    const conditions = [...status.conditions, { type: 'Issuing', status: 'True', reason: 'ManuallyTriggered' }];
    const target = { group: 'cert-manager.io', version: 'v1', resource: 'certificates', namespace: 'shop' };
    await world.client.patch(target, 'web', 'merge', { status: { conditions } }, { subresource: 'status' });
    await world.revision('web', 2);
  });

  it('is made anew when its Secret is deleted', async () => {
    await world.certificate('web', spec);
    await world.revision('web', 1);
    await world.client.delete({ group: '', version: 'v1', resource: 'secrets', namespace: 'shop' }, 'web');
    await world.revision('web', 2);
    expect((await world.leaf('web')).subject).toBe('CN=web');
  });

  it.each([
    [{ dnsNames: ['other'] }, 'Fields on existing CertificateRequest resource not up to date: [spec.dnsNames]'],
    [{ duration: '72h' }, 'Fields on existing CertificateRequest resource not up to date: [spec.duration]'],
    [{ isCA: true }, 'Fields on existing CertificateRequest resource not up to date: [spec.isCA]'],
    [
      { privateKey: { algorithm: 'ECDSA', size: 384 } },
      'Existing private key is not up to date for spec: [spec.privateKey.size]',
    ],
  ])('is issued again when its spec changes: %j', async (change, message) => {
    await world.certificate('web', spec);
    await world.revision('web', 1);
    await world.certificate('web', { ...spec, ...change });
    await world.revision('web', 2);
    await world.until(() => world.events('web'), expect.arrayContaining([`Normal Issuing ${message}`]));
  });

  it('leaves what somebody else keeps in its Secret', async () => {
    await world.certificate('web', spec);
    await world.revision('web', 1);
    await world.client.patch({ group: '', version: 'v1', resource: 'secrets', namespace: 'shop' }, 'web', 'merge', {
      data: { note: 'aGk=' },
    });
    await world.clock.advance(24 * HOUR);
    await world.revision('web', 2);
    expect(await world.text('web', 'note')).toBe('hi');
  });

  it('is not ready once it has expired with nobody to sign', async () => {
    await world.certificate('web', spec);
    await world.revision('web', 1);
    await world.client.delete(
      { group: 'cert-manager.io', version: 'v1', resource: 'issuers', namespace: 'shop' },
      'self',
    );
    await world.clock.advance(50 * HOUR);
    const web = async () => conditionOf(await world.get('certificates', 'web'), 'Issuing')?.reason;
    await world.until(web, 'Renewing');
  });
});

describe('a webhook configuration', () => {
  it('is given the CA of the Certificate that it names', async () => {
    await world.issuer('self', { selfSigned: {} }, 'shop');
    await world.certificate('hook', { dnsNames: ['hook.shop.svc'], privateKey: ECDSA, issuerRef: self });
    await world.apply({
      apiVersion: 'admissionregistration.k8s.io/v1',
      kind: 'ValidatingWebhookConfiguration',
      metadata: { name: 'hook', annotations: { 'cert-manager.io/inject-ca-from': 'shop/hook' } },
      webhooks: [
        {
          name: 'hook.shop.svc',
          sideEffects: 'None',
          admissionReviewVersions: ['v1'],
          failurePolicy: 'Ignore',
          clientConfig: { service: { name: 'hook', namespace: 'shop' } },
          rules: [{ apiGroups: ['none.example'], apiVersions: ['v1'], resources: ['nothing'], operations: ['CREATE'] }],
        },
      ],
    });
    await world.revision('hook', 1);
    const bundle = async () =>
      (
        await world.client.get(
          { group: 'admissionregistration.k8s.io', version: 'v1', resource: 'validatingwebhookconfigurations' },
          'hook',
        )
      )['webhooks'][0].clientConfig.caBundle;
    await world.until(
      async () => Buffer.from((await bundle()) ?? '', 'base64').toString() === (await world.text('hook', 'ca.crt')),
      true,
    );
  });
});
