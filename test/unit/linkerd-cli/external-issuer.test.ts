import { describe, expect, it } from 'vitest';
import { parse, parseAllDocuments } from 'yaml';
import { WallClock } from '#base/clock.ts';
import type { KubeObject } from '#kube/api/types.ts';
import { gatewayApiCrds } from '#mesh/crds/crds.ts';
import { generateIdentity } from '#mesh/install/certificates.ts';
import { renderCrds } from '#mesh/install/crds.ts';
import { FakeCluster } from '../policy/fake-cluster.ts';
import { apply, clientOf } from './mesh.ts';
import { linkerd } from './run.ts';

const clock = new WallClock();
const base64 = (text: string) => Buffer.from(text).toString('base64');
const objects = (yaml: string): KubeObject[] => parseAllDocuments(yaml).map((each) => each.toJS() as KubeObject);
const EXTERNAL = ['install', '--identity-external-issuer', '--set', 'identity.externalCA=true'];

async function cluster(without?: string): Promise<FakeCluster> {
  const made = new FakeCluster();
  apply(made, gatewayApiCrds());
  apply(made, renderCrds());
  const { certificate, privateKey } = await generateIdentity({ now: clock.now() });
  const data: Record<string, string> = {
    'ca.crt': base64(certificate),
    'tls.crt': base64(certificate),
    'tls.key': base64(privateKey),
  };
  if (without) delete data[without];
  apply(made, [
    {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: 'linkerd-identity-issuer', namespace: 'linkerd' },
      type: 'kubernetes.io/tls',
      data,
    },
  ]);
  return made;
}

describe('an installation whose issuer something else keeps', () => {
  it('takes the anchors from the Secret, and renders neither Secret nor trust roots', async () => {
    const world = await cluster();
    const ran = await linkerd({ client: clientOf(world), clock }, ...EXTERNAL);
    expect(ran).toMatchObject({ code: 0, stderr: '' });
    const rendered = objects(ran.stdout);
    const named = (kind: string, name: string) =>
      rendered.find((each) => each.kind === kind && each.metadata.name === name);
    expect(named('Secret', 'linkerd-identity-issuer')).toBeUndefined();
    expect(named('ConfigMap', 'linkerd-identity-trust-roots')).toBeUndefined();
    expect(parse(named('ConfigMap', 'linkerd-config')?.['data'].values).identityTrustAnchorsPEM).toContain(
      'BEGIN CERT',
    );
    const identity = named('Deployment', 'linkerd-identity')?.['spec'].template.spec.containers[0];
    expect(identity.args).toContain('-identity-scheme=kubernetes.io/tls');
  });

  it.each([
    ['ca.crt', 'trust anchors'],
    ['tls.crt', 'issuer certificate'],
    ['tls.key', 'issuer key'],
  ])('wants %s in the Secret', async (key, what) => {
    const ran = await linkerd({ client: clientOf(await cluster(key)), clock }, ...EXTERNAL);
    expect(ran.code).toBe(1);
    expect(ran.stderr).toContain(
      `key ${key} containing the ${what} needs to exist in secret linkerd-identity-issuer if --identity-external-issuer=true`,
    );
  });

  it('wants the Secret', async () => {
    const empty = new FakeCluster();
    apply(empty, [...gatewayApiCrds(), ...renderCrds()]);
    const ran = await linkerd({ client: clientOf(empty), clock }, ...EXTERNAL);
    expect([ran.code, ran.stderr]).toEqual([1, expect.stringContaining('"linkerd-identity-issuer" not found')]);
  });

  it('cannot be rendered away from its cluster', async () => {
    const ran = await linkerd({ client: clientOf(await cluster()), clock }, ...EXTERNAL, '--ignore-cluster');
    expect(ran.stderr).toContain('--ignore-cluster is not supported when --identity-external-issuer=true');
  });

  it('keeps no issuer of its own', async () => {
    const ran = await linkerd(
      { client: clientOf(await cluster()), clock },
      ...EXTERNAL,
      '--set',
      'identity.issuer.tls.crtPEM=x',
    );
    expect(ran.stderr).toContain(
      '--identity-issuer-certificate-file must not be specified if --identity-external-issuer=true',
    );
  });
});
