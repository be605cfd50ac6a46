import { X509Certificate } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { createCertificate, describeCertificate, parseCertificates } from '#pki/certificate.ts';
import { createCsr, parseCsr } from '#pki/csr.ts';
import { generateKeyPair, keysMatch, parsePrivateKey } from '#pki/keys.ts';
import { verifyChain } from '#pki/verify.ts';

const DAY = 86_400_000;
const NOW = Date.parse('2026-11-24T12:00:00Z');
const IDENTITY = 'web.shop.serviceaccount.identity.linkerd.cluster.local';

async function authority(subject: string, from = NOW - DAY, days = 365) {
  const keys = await generateKeyPair('ec-p256');
  const certificate = createCertificate({ ...keys, subject, notBefore: from, notAfter: from + days * DAY, isCa: true });
  return { certificate, privateKey: keys.privateKey };
}

async function under(
  signer: { certificate: string; privateKey: string },
  options: { subject?: string; isCa?: boolean; days?: number; dnsNames?: string[] },
) {
  const keys = await generateKeyPair('ec-p256');
  const certificate = createCertificate({
    subject: options.subject ?? `CN=${IDENTITY}`,
    publicKey: keys.publicKey,
    signer,
    notBefore: NOW - 20_000,
    notAfter: NOW + (options.days ?? 1) * DAY,
    ...(options.isCa ? { isCa: true, pathLength: 0 } : { extendedKeyUsage: ['serverAuth', 'clientAuth'] as const }),
    dnsNames: options.dnsNames ?? [],
  } as Parameters<typeof createCertificate>[0]);
  return { certificate, privateKey: keys.privateKey };
}

async function pki() {
  const root = await authority('CN=root.linkerd.cluster.local');
  const issuer = await under(root, { subject: 'CN=identity.linkerd.cluster.local', isCa: true, days: 30 });
  const leaf = await under(issuer, { dnsNames: [IDENTITY] });
  return { root, issuer, leaf };
}

describe('createCertificate', () => {
  it('makes what an independent reader reads back', async () => {
    const { root, issuer, leaf } = await pki();
    const [r, i, l] = [root, issuer, leaf].map(({ certificate }) => new X509Certificate(certificate));
    expect(i!.checkIssued(r!) && i!.verify(r!.publicKey)).toBe(true);
    expect(l!.checkIssued(i!) && l!.verify(i!.publicKey)).toBe(true);
    expect([r!.ca, i!.ca, l!.ca]).toEqual([true, true, false]);
    expect(l!.subjectAltName).toBe(`DNS:${IDENTITY}`);
    expect(l!.keyUsage).toEqual(['1.3.6.1.5.5.7.3.1', '1.3.6.1.5.5.7.3.2']);
    expect(describeCertificate(leaf.certificate)).toMatchObject({
      subject: `CN=${IDENTITY}`,
      issuer: 'CN=identity.linkerd.cluster.local',
      dnsNames: [IDENTITY],
      notBefore: NOW - 20_000,
      notAfter: NOW + DAY,
    });
  });

  it('writes dates after 2049 and addresses, v4 and v6', async () => {
    const keys = await generateKeyPair('ec-p256');
    const notAfter = Date.parse('2061-02-03T04:05:06Z');
    const made = new X509Certificate(
      createCertificate({ ...keys, subject: 'CN=a', notBefore: NOW, notAfter, ipAddresses: ['127.0.0.1', '::1'] }),
    );
    expect(Date.parse(made.validTo)).toBe(notAfter);
    expect(made.subjectAltName).toBe('IP Address:127.0.0.1, IP Address:0:0:0:0:0:0:0:1');
  });

  it('signs with RSA as well', async () => {
    const keys = await generateKeyPair('rsa-2048');
    const root = {
      certificate: createCertificate({ ...keys, subject: 'CN=rsa', notBefore: NOW, notAfter: NOW + DAY, isCa: true }),
      privateKey: keys.privateKey,
    };
    const leaf = await under(root, { dnsNames: ['a.b'] });
    expect(
      verifyChain({ chain: [leaf.certificate], anchors: [root.certificate], at: NOW, anchorDates: 'check' }).ok,
    ).toBe(true);
  });
});

describe('parseCertificates', () => {
  it('reads a bundle and says which block is wrong', async () => {
    const { root, issuer } = await pki();
    expect(parseCertificates(root.certificate + issuer.certificate)).toHaveLength(2);
    expect(() => parseCertificates('hello')).toThrow('not a PEM certificate');
    expect(() => parseCertificates(root.certificate + root.privateKey)).toThrow('block 2 is a PRIVATE KEY');
    expect(() => parseCertificates(root.certificate.replace(/[A-Za-z]{4}\n/, '????\n'))).toThrow('not base64');
  });
});

describe('a signing request', () => {
  it('carries names and is refused when another key signed it', async () => {
    const keys = await generateKeyPair('ec-p256');
    const csr = createCsr({ subject: `CN=${IDENTITY}`, privateKey: keys.privateKey, dnsNames: [IDENTITY] });
    const parsed = parseCsr(csr);
    expect(parsed).toMatchObject({ commonName: IDENTITY, dnsNames: [IDENTITY], emails: [], uris: [], ipAddresses: 0 });
    expect(keysMatch(parsed.publicKey, parsePrivateKey(keys.privateKey))).toBe(true);
    const forged = Uint8Array.from(csr);
    forged[forged.indexOf('w'.charCodeAt(0), 20)]! ^= 1;
    expect(() => parseCsr(forged)).toThrow('not a certificate signing request');
    expect(() => parseCsr(csr.subarray(0, 40))).toThrow('not a certificate signing request');
  });
});

describe('verifyChain', () => {
  const base = { at: NOW, anchorDates: 'check' as const };

  it('follows leaf and issuer to the anchor, whatever the order of the bundle', async () => {
    const { root, issuer, leaf } = await pki();
    const other = await authority('CN=other');
    const result = verifyChain({
      ...base,
      chain: [leaf.certificate, issuer.certificate],
      anchors: [other.certificate, root.certificate],
      dnsName: IDENTITY,
    });
    expect(result.ok && result.path).toHaveLength(3);
  });

  it('is not fooled by an anchor of the same name with another key', async () => {
    const { issuer, leaf } = await pki();
    const impostor = await authority('CN=root.linkerd.cluster.local');
    expect(
      verifyChain({ ...base, chain: [leaf.certificate, issuer.certificate], anchors: [impostor.certificate] }),
    ).toMatchObject({
      ok: false,
      message: 'x509: certificate signed by unknown authority',
    });
  });

  it('accepts an issuer that is its own anchor', async () => {
    const both = await authority('CN=identity.linkerd.');
    const leaf = await under(both, { dnsNames: [IDENTITY] });
    expect(verifyChain({ ...base, chain: [leaf.certificate, both.certificate], anchors: [both.certificate] }).ok).toBe(
      true,
    );
  });

  it.each([
    ['a name that is not in it', { dnsName: 'api.shop' }, 'name-mismatch'],
    ['an instant after the leaf', { at: NOW + 2 * DAY }, 'expired'],
    ['an instant before the leaf', { at: NOW - DAY / 2 }, 'not-yet-valid'],
    ['no certificate', { chain: [] }, 'empty'],
    ['no anchors', { anchors: [] }, 'unknown-authority'],
  ])('refuses %s', async (_what, change, failure) => {
    const { root, issuer, leaf } = await pki();
    const result = verifyChain({
      ...base,
      chain: [leaf.certificate, issuer.certificate],
      anchors: [root.certificate],
      ...change,
    });
    expect(result).toMatchObject({ ok: false, failure });
  });

  it('refuses a leaf that signed another leaf', async () => {
    const { root, issuer, leaf } = await pki();
    const grandchild = await under(leaf, { subject: 'CN=x', dnsNames: ['x'] });
    const result = verifyChain({
      ...base,
      chain: [grandchild.certificate, leaf.certificate, issuer.certificate],
      anchors: [root.certificate],
    });
    expect(result).toMatchObject({ ok: false, failure: 'not-a-ca' });
  });

  it('looks at the anchor’s own dates only when asked: identity does, the proxy does not', async () => {
    const root = await authority('CN=old', NOW - 10 * DAY, 5);
    const leaf = await under(root, { dnsNames: [IDENTITY] });
    const options = { at: NOW, chain: [leaf.certificate], anchors: [root.certificate] };
    expect(verifyChain({ ...options, anchorDates: 'ignore' }).ok).toBe(true);
    expect(verifyChain({ ...options, anchorDates: 'check' })).toMatchObject({
      ok: false,
      failure: 'expired',
      message: expect.stringMatching(
        /^x509: certificate has expired or is not yet valid: current time 2026-11-24T12:00:00Z is after 2026-11-19T/,
      ),
    });
  });
});
