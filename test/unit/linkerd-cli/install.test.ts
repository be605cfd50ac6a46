import { describe, expect, it } from 'vitest';
import { parse, parseAllDocuments } from 'yaml';
import { WallClock } from '#base/clock.ts';
import type { KubeObject } from '#kube/api/types.ts';
import { gatewayApiCrds } from '#mesh/crds/crds.ts';
import { generateIdentity } from '#mesh/install/certificates.ts';
import { renderCrds } from '#mesh/install/crds.ts';
import { createCertificate } from '#pki/certificate.ts';
import { generateKeyPair } from '#pki/keys.ts';
import { FakeCluster } from '../policy/fake-cluster.ts';
import { apply, clientOf, meshedCluster, meshedPod } from './mesh.ts';
import { linkerd, recorded, recordingsMissing } from './run.ts';

const clock = new WallClock();
const objects = (yaml: string): KubeObject[] =>
  parseAllDocuments(yaml).flatMap((each) => (each.toJS() as KubeObject | null) ?? []);
const named = (list: KubeObject[], name: string, kind?: string): KubeObject =>
  list.find((each) => each.metadata.name === name && (!kind || each.kind === kind))!;
const decode = (text: string) => Buffer.from(text, 'base64').toString();

async function issuerUnder(root: { certificate: string; privateKey: string }) {
  const keys = await generateKeyPair();
  const now = clock.now();
  const certificate = createCertificate({
    subject: 'CN=identity.linkerd.cluster.local',
    publicKey: keys.publicKey,
    signer: root,
    notBefore: now - 1000,
    notAfter: now + 3_600_000,
    isCa: true,
  });
  return { certificate, privateKey: keys.privateKey };
}

describe('linkerd install', () => {
  it('wants the Gateway API, then the CRDs, then installs; and refuses a second time', async () => {
    const empty = new FakeCluster();
    expect((await linkerd({ client: clientOf(empty), clock }, 'install', '--crds')).stderr).toContain(
      'Gateway API CRDs must be installed',
    );
    apply(empty, gatewayApiCrds());
    const crds = await linkerd({ client: clientOf(empty), clock }, 'install', '--crds');
    expect(objects(crds.stdout).length).toBe(14);
    expect((await linkerd({ client: clientOf(empty), clock }, 'install')).stderr).toContain(
      'CRDs must be installed first',
    );
    apply(empty, renderCrds());
    const ran = await linkerd(
      { client: clientOf(empty), clock },
      'install',
      '--set',
      'proxy.logLevel=warn',
      '--default-inbound-policy',
      'deny',
      '--identity-issuance-lifetime=5m',
    );
    expect(ran.code).toBe(0);
    const installed = objects(ran.stdout);
    const values = parse(named(installed, 'linkerd-config').data.values);
    expect(values.proxy.logLevel).toBe('warn');
    expect(values.proxy.defaultInboundPolicy).toBe('deny');
    expect(values.identity.issuer.issuanceLifetime).toBe('5m0s');
    const overrides = parse(decode(named(installed, 'linkerd-config-overrides').data['linkerd-config-overrides']));
    expect(overrides.proxy).toEqual({ defaultInboundPolicy: 'deny', logLevel: 'warn' });
    expect(overrides.identity.issuer.tls.keyPEM).toContain('PRIVATE KEY');
  });

  it.skipIf(recordingsMissing)('refuses as the official CLI refused, and explains itself alike', async () => {
    const cluster = await meshedCluster({ now: clock.now() });
    const ran = await linkerd({ client: clientOf(cluster), clock }, 'install', '--crds');
    expect(ran.stderr).toBe(recorded('linkerd-install-summary').stderr);
    expect(await linkerd({ client: clientOf(cluster), clock }, 'install', '--help')).toEqual(
      recorded('linkerd-install-help'),
    );
    expect(await linkerd({ client: clientOf(cluster), clock }, 'upgrade', '--help')).toEqual(
      recorded('linkerd-upgrade-help'),
    );
    expect(await linkerd({ client: clientOf(cluster), clock }, 'version')).toEqual(recorded('linkerd-version'));
    expect(await linkerd({ client: clientOf(cluster), clock }, 'prune')).toEqual(recorded('linkerd-prune'));
  });

  it.each([
    ['proxy=1', 'json: cannot unmarshal number into Go struct field Values.proxy of type linkerd2.Proxy'],
    ['proxy.cores=x', 'json: cannot unmarshal string into Go struct field Proxy.proxy.cores of type int64'],
    [
      'nodeSelector=x',
      'json: cannot unmarshal string into Go struct field Values.nodeSelector of type map[string]string',
    ],
    ['proxy.ports.admin=x', 'json: cannot unmarshal string into Go struct field Ports.proxy.ports.admin of type int32'],
    [
      'disableHeartBeat=nope',
      'json: cannot unmarshal string into Go struct field Values.disableHeartBeat of type bool',
    ],
    ['clusterNetworks=nonsense', 'Error: cannot parse destination get networks: invalid CIDR address: nonsense'],
    ['imagePullPolicy=x', 'Error: --image-pull-policy must be one of: Always, IfNotPresent, Never'],
  ])('refuses --set %s', async (set, says) => {
    const options = { client: clientOf(new FakeCluster()), clock };
    const { code, stderr } = await linkerd(options, 'install', '--ignore-cluster', '--set', set);
    expect(code).toBe(1);
    expect(stderr).toContain(`${says}\n`);
  });

  it('refuses some of the three files', async () => {
    const cluster = new FakeCluster();
    apply(cluster, [...gatewayApiCrds(), ...renderCrds()]);
    const made = await generateIdentity({ now: clock.now() });
    const ran = await linkerd(
      { client: clientOf(cluster), clock, files: { 'ca.crt': made.certificate } },
      'install',
      '--identity-trust-anchors-file',
      'ca.crt',
    );
    expect(ran.code).toBe(1);
    expect(ran.stderr).toContain('a certificate file must be specified if other credentials are provided\n');
  });
});

describe('linkerd upgrade', () => {
  it('takes a new issuer under the same anchor and keeps what was chosen', async () => {
    const root = await generateIdentity({ now: clock.now() });
    const cluster = await meshedCluster({
      now: clock.now(),
      anchors: root.certificate,
      issuer: await issuerUnder(root),
      issuanceLifetime: '5m0s',
    });
    apply(cluster, [meshedPod('rot', 'web', root.certificate)]);
    const next = await issuerUnder(root);
    const before = [...cluster.objects.values()];
    const ran = await linkerd(
      { client: clientOf(cluster), clock, files: { 'issuer.crt': next.certificate, 'issuer.key': next.privateKey } },
      'upgrade',
      '--identity-issuer-certificate-file',
      'issuer.crt',
      '--identity-issuer-key-file=issuer.key',
    );
    expect([ran.code, ran.stderr]).toEqual([0, '']);
    const after = objects(ran.stdout);
    expect(decode(named(after, 'linkerd-identity-issuer').data['crt.pem']).trim()).toBe(next.certificate.trim());
    const args = named(after, 'linkerd-identity', 'Deployment').spec.template.spec.containers[0].args;
    expect(args).toContain('-identity-issuance-lifetime=5m0s');
    // Identity is not rolled, destination and injector are: their webhooks have new certificates.
    const template = (list: KubeObject[], name: string) =>
      JSON.stringify(named(list, name, 'Deployment').spec.template);
    expect(template(after, 'linkerd-identity')).toBe(template(before, 'linkerd-identity'));
    expect(template(after, 'linkerd-destination')).not.toBe(template(before, 'linkerd-destination'));
  });

  it('refuses an issuer that running proxies could not verify, and names them; --force overrides', async () => {
    const [old, fresh] = await Promise.all([
      generateIdentity({ now: clock.now() }),
      generateIdentity({ now: clock.now() }),
    ]);
    const cluster = await meshedCluster({ now: clock.now(), anchors: old.certificate, issuer: old });
    apply(cluster, [
      meshedPod('rot', 'load', old.certificate),
      meshedPod('fid', 'web', old.certificate),
      meshedPod('rot', 'new', `${old.certificate}\n${fresh.certificate}`),
    ]);
    const issuer = await issuerUnder(fresh);
    const files = {
      'ca.crt': `${old.certificate}\n${fresh.certificate}`,
      'i.crt': issuer.certificate,
      'i.key': issuer.privateKey,
    };
    const words = [
      'upgrade',
      '--identity-trust-anchors-file=ca.crt',
      '--identity-issuer-certificate-file=i.crt',
      '--identity-issuer-key-file=i.key',
    ];
    const refused = await linkerd({ client: clientOf(cluster), clock, files }, ...words);
    expect(refused.code).toBe(1);
    expect(refused.stdout).toBe('');
    expect(refused.stderr).toContain('following pods:\n\t* fid/web\n\t* rot/load\nThese pods do not have');
    const forced = await linkerd({ client: clientOf(cluster), clock, files }, ...words, '--force');
    expect(forced.code).toBe(0);
    expect(forced.stderr).toContain('‼ Rotating the trust anchors will affect existing proxies\n');
  });

  it('refuses anchors without a fitting issuer', async () => {
    const [old, fresh] = await Promise.all([
      generateIdentity({ now: clock.now() }),
      generateIdentity({ now: clock.now(), namespace: 'other' }),
    ]);
    const cluster = await meshedCluster({ now: clock.now(), anchors: old.certificate, issuer: old });
    const ran = await linkerd(
      { client: clientOf(cluster), clock, files: { 'ca.crt': fresh.certificate } },
      'upgrade',
      '--identity-trust-anchors-file',
      'ca.crt',
    );
    expect(ran.code).toBe(1);
    expect(ran.stderr).toContain(
      'failed to validate issuer credentials: x509: certificate signed by unknown authority\n',
    );
  });
});

describe('linkerd uninstall', () => {
  it('names meshed pods first, then lists what is to be deleted', async () => {
    const cluster = await meshedCluster({ now: clock.now() });
    apply(cluster, [meshedPod('fid', 'web', ''), meshedPod('fid', 'curl', '')]);
    const refused = await linkerd({ client: clientOf(cluster), clock }, 'uninstall');
    expect(refused.stderr).toBe(
      'Please uninject the following pods before uninstalling the control-plane:\n\t* curl\n\t* web\n',
    );
    const forced = await linkerd({ client: clientOf(cluster), clock }, 'uninstall', '--force');
    expect(objects(forced.stdout).map((each) => each.kind)).toContain('CustomResourceDefinition');
    expect(named(objects(forced.stdout), 'linkerd', 'Namespace')).toBeDefined();
  });
});
