import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parse, parseAllDocuments } from 'yaml';
import type { KubeObject } from '#kube/api/types.ts';
import { defaultValues } from '#mesh/install/default-values.ts';
import { renderInstall } from '#mesh/install/render.ts';

const RECORDED = '../shared/facts/recordings/linkerd-install.yaml';
const material = (name: string) => ({
  certificate: `${name} certificate`,
  privateKey: `${name} key`,
  caBundle: `${name} bundle`,
});

function render() {
  const values = defaultValues();
  values.disableHeartBeat = true;
  values.identityTrustAnchorsPEM = 'anchors\n';
  values.identity.issuer.tls = { crtPEM: 'issuer\n', keyPEM: 'key\n' };
  return renderInstall({
    now: Date.UTC(2026, 10, 25, 14, 54),
    values,
    webhooks: {
      proxyInjector: material('injector'),
      spValidator: material('sp'),
      policyValidator: material('policy'),
    },
  });
}

const id = (object: KubeObject) => `${object.kind}/${object.metadata.name}`;

/** Takes out what differs from run to run: keys, certificates and hashes. */
function still(object: KubeObject): KubeObject {
  const text = JSON.stringify(object, (key, value) => {
    if (['caBundle', 'tls.crt', 'tls.key', 'crt.pem', 'key.pem', 'ca-bundle.crt'].includes(key)) return 'pem';
    if (['checksum/config', 'linkerd.io/trust-root-sha256', 'linkerd-config-overrides'].includes(key)) return 'hash';
    if (key === 'values' && typeof value === 'string') {
      const values = parse(value);
      values.identity.issuer.tls.crtPEM = 'pem';
      values.identityTrustAnchorsPEM = 'pem';
      return values;
    }
    return value;
  });
  return JSON.parse(text);
}

describe('renderInstall', () => {
  it.skipIf(!existsSync(RECORDED))('renders what the official CLI rendered, object by object', () => {
    const recorded = parseAllDocuments(readFileSync(RECORDED, 'utf8')).map((doc) => doc.toJS() as KubeObject);
    const rendered = render();
    expect(rendered.map(id)).toEqual(recorded.map(id));
    for (const [i, object] of recorded.entries()) expect(still(rendered[i]!), id(object)).toEqual(still(object));
  });

  it('rolls destination and injector, not identity, when only webhook certificates change', () => {
    const checksum = (objects: KubeObject[], name: string) =>
      objects.find((each) => each.kind === 'Deployment' && each.metadata.name === name)?.spec.template.metadata
        .annotations['checksum/config'];
    const [one, two] = [render(), render()];
    expect(checksum(one, 'linkerd-destination')).toBe(checksum(two, 'linkerd-destination'));
    expect(checksum(one, 'linkerd-identity')).toBeUndefined();
    expect(checksum(one, 'linkerd-proxy-injector')).toMatch(/^[0-9a-f]{64}$/);
  });

  it('keeps the issuer key out of linkerd-config', () => {
    const config = render().find((each) => each.metadata.name === 'linkerd-config')!;
    expect(parse(config.data.values).identity.issuer.tls).toEqual({ crtPEM: 'issuer\n' });
  });
});
