import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parseCertificates } from '#pki/certificate.ts';
import { CertsWorld } from './world.ts';

let world: CertsWorld;
beforeEach(async () => {
  world = new CertsWorld();
  await world.start();
  await world.issuer('self', { selfSigned: {} }, 'cert-manager');
  await root('one');
  await world.revision('one', 1, 'cert-manager');
});
afterEach(() => world.stop());

const root = (name: string) =>
  world.certificate(
    name,
    { isCA: true, commonName: name, privateKey: { algorithm: 'ECDSA' }, issuerRef: { name: 'self' } },
    'cert-manager',
  );
const source = (name: string) => ({ secret: { name, key: 'tls.crt' } });
const target = { configMap: { key: 'ca.pem' }, namespaceSelector: { matchLabels: { name: 'linkerd' } } };
const subjects = async (namespace: string) => {
  const text: string = (await world.get('configMaps', 'roots', namespace))?.['data']?.['ca.pem'] ?? '';
  return text ? parseCertificates(text).map(({ subject }) => subject) : [];
};
const synced = () => world.condition('bundles', 'roots', 'Synced');

describe('a bundle', () => {
  it('carries anchors into the namespaces it selects, and into no other', async () => {
    await world.bundle('roots', { sources: [source('one')], target });
    await world.until(synced, {
      status: 'True',
      reason: 'Synced',
      message: 'Successfully synced Bundle to namespaces that match this label selector: name=linkerd',
    });
    expect(await subjects('linkerd')).toEqual(['CN=one']);
    expect(await subjects('shop')).toEqual([]);
    await world.apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'late', labels: { name: 'linkerd' } } });
    await world.until(() => subjects('late'), ['CN=one']);
  });

  it('follows its sources, and holds each anchor once', async () => {
    await root('two');
    await world.revision('two', 1, 'cert-manager');
    const inLine = `# the first\n${await world.text('one', 'tls.crt', 'cert-manager')}`;
    await world.bundle('roots', { sources: [source('one'), { inLine }, source('two')], target });
    await world.until(() => subjects('linkerd'), ['CN=one', 'CN=two']);
    const before = (await world.get('configMaps', 'roots', 'linkerd'))?.['data']['ca.pem'];
    await world.client.delete({ group: '', version: 'v1', resource: 'secrets', namespace: 'cert-manager' }, 'two');
    await world.revision('two', 2, 'cert-manager');
    await world.until(
      async () => (await world.get('configMaps', 'roots', 'linkerd'))?.['data']['ca.pem'] !== before,
      true,
    );
    await world.until(() => subjects('linkerd'), ['CN=one', 'CN=two']);
  });

  it('waits for a source that is not there', async () => {
    await world.bundle('roots', { sources: [source('none')], target });
    await world.until(synced, {
      status: 'False',
      reason: 'SourceNotFound',
      message: 'Bundle source was not found: secrets "none" not found',
    });
    await root('none');
    await world.until(() => subjects('linkerd'), ['CN=none']);
  });

  it('has no default CAs, and says so', async () => {
    await world.bundle('roots', { sources: [{ useDefaultCAs: true }], target });
    await world.until(
      async () => (await synced()).message,
      'Failed to build bundle sources: no default package was specified when trust-manager was started; default CAs not available',
    );
  });

  it('puts back what was changed, and takes away what is no longer selected', async () => {
    await world.bundle('roots', { sources: [source('one')], target });
    await world.until(() => subjects('linkerd'), ['CN=one']);
    await world.client.patch(
      { group: '', version: 'v1', resource: 'configmaps', namespace: 'linkerd' },
      'roots',
      'merge',
      { data: { 'ca.pem': '' } },
    );
    await world.until(() => subjects('linkerd'), ['CN=one']);
    await world.bundle('roots', {
      sources: [source('one')],
      target: { configMap: { key: 'ca.pem' }, namespaceSelector: { matchLabels: { name: 'shop' } } },
    });
    await world.until(() => subjects('shop'), ['CN=one']);
    await world.until(() => world.get('configMaps', 'roots', 'linkerd'), undefined);
  });
});
