import { existsSync, readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseAllDocuments } from 'yaml';
import type { Cluster } from '#cluster/driver.ts';
import { createEmbeddedDriver } from '#cluster/embedded/driver.ts';
import type { KubeObject } from '#kube/api/types.ts';
import { clientPod, identityOf, manifest, webPod, webService } from '#mesh/conformance/manifests.ts';
import { Lab, type Room } from '#mesh/conformance/room.ts';
import { curl } from '#mesh/conformance/traffic.ts';
import { gatewayApiCrds, linkerdCrds } from '#mesh/crds/crds.ts';
import { createCertificate } from '#pki/certificate.ts';
import { generateKeyPair } from '#pki/keys.ts';
import { clusterSettings } from '#schema/lab.ts';

const RENDERED = '../shared/facts/recordings/linkerd-install.yaml';
const HOUR = 3_600_000;

/** What stands where the rendered manifests had keys and certificates. */
async function ownKeys(): Promise<Record<string, string>> {
  const now = Date.now();
  const dates = { notBefore: now - HOUR, notAfter: now + 365 * 24 * HOUR };
  const root = await generateKeyPair();
  const anchor = createCertificate({ subject: 'CN=root.linkerd.cluster.local', ...root, ...dates, isCa: true });
  const pair = await generateKeyPair();
  const issuer = createCertificate({
    subject: 'CN=identity.linkerd.cluster.local',
    publicKey: pair.publicKey,
    signer: { certificate: anchor, privateKey: root.privateKey },
    ...dates,
    isCa: true,
  });
  const base64 = (text: string) => Buffer.from(text).toString('base64');
  const out: Record<string, string> = {
    ISSUER_CERT_BASE64: base64(issuer),
    ISSUER_KEY_BASE64: base64(pair.privateKey),
    ISSUER_CERT_PEM: issuer.replaceAll('\n', '\\n'),
    CONFIG_OVERRIDES_BASE64: base64('{}\n'),
  };
  for (const [name, service] of [
    ['SP_VALIDATOR', 'linkerd-sp-validator'],
    ['POLICY_VALIDATOR', 'linkerd-policy-validator'],
    ['PROXY_INJECTOR', 'linkerd-proxy-injector'],
  ]) {
    const key = await generateKeyPair();
    const host = `${service}.linkerd.svc`;
    const certificate = createCertificate({ subject: `CN=${host}`, ...key, ...dates, isCa: true, dnsNames: [host] });
    out[`${name}_CERT_BASE64`] = base64(certificate);
    out[`${name}_KEY_BASE64`] = base64(key.privateKey);
    out[`${name}_CA_BUNDLE_BASE64`] = base64(certificate);
  }
  out['TRUST_ANCHORS_PEM'] = anchor;
  return out;
}

function manifests(keys: Record<string, string>): KubeObject[] {
  const text = readFileSync(RENDERED, 'utf8')
    // Inside a quoted string, and as a whole value.
    .replace('"${TRUST_ANCHORS_PEM}"', JSON.stringify(keys['TRUST_ANCHORS_PEM']))
    .replace('ca-bundle.crt: ${TRUST_ANCHORS_PEM}', `ca-bundle.crt: ${JSON.stringify(keys['TRUST_ANCHORS_PEM'])}`)
    .replace(/\$\{([A-Z_0-9]+)\}/g, (whole, name: string) => keys[name] ?? whole);
  return parseAllDocuments(text)
    .map((document) => document.toJS() as KubeObject | null)
    .filter((each): each is KubeObject => each !== null);
}

const options = { fieldManager: 'test', force: true };
let cluster: Cluster;
let lab: Lab;
let room: Room;

const deployment = (name: string) =>
  cluster.admin.get({ group: 'apps', version: 'v1', resource: 'deployments', namespace: 'linkerd' }, name);
const scale = (name: string, replicas: number) =>
  cluster.admin.patch({ group: 'apps', version: 'v1', resource: 'deployments', namespace: 'linkerd' }, name, 'merge', {
    spec: { replicas },
  });

describe.skipIf(!existsSync(RENDERED))('the manifests of the official CLI, applied to an empty cluster', () => {
  beforeAll(async () => {
    const { signal } = new AbortController();
    const settings = clusterSettings.parse({ mesh: 'none' });
    cluster = await createEmbeddedDriver().create({ id: 'install', settings, onStep: () => {}, signal });
    await cluster.ready;
    for (const definition of [...gatewayApiCrds(), ...linkerdCrds()]) await cluster.admin.apply(definition, options);
    for (const object of manifests(await ownKeys())) await cluster.admin.apply(object, options);
    lab = new Lab(cluster.admin, signal, 'install');
  }, 60_000);
  afterAll(() => cluster?.destroy());

  it('make a control plane that becomes ready', async () => {
    for (const name of ['linkerd-identity', 'linkerd-destination', 'linkerd-proxy-injector']) {
      await expect.poll(async () => (await deployment(name)).status?.readyReplicas, { timeout: 30_000 }).toBe(1);
    }
  });

  it('inject a pod, and its traffic is mutual TLS', async () => {
    room = await lab.room();
    await room.apply(manifest('ServiceAccount', 'curl', undefined));
    await room.apply(webPod());
    await room.apply(webService());
    await room.apply(clientPod('meshed', { mesh: true, serviceAccount: 'curl' }));
    await room.apply(clientPod('plain', { mesh: false }));
    const web = await room.ready('web');
    await room.ready('meshed');
    await room.ready('plain');
    expect(web.spec.initContainers.map(({ name }: { name: string }) => name)).toEqual([
      'linkerd-init',
      'linkerd-proxy',
    ]);
    expect((await curl(room, 'meshed', ['http://web'])).status).toBe(204);
    const { body } = await curl(room, 'plain', [`http://${web.status.podIP}:4191/metrics`]);
    expect(body).toMatch(
      new RegExp(
        `inbound_http_authz_allow_total\\{[^}]*tls="true",client_id="${identityOf('curl', room.namespace)}"\\} [1-9]`,
      ),
    );
  });

  it('without identity, new pods wait and old ones go on; when it is back, the new ones come up by themselves', async () => {
    await scale('linkerd-identity', 0);
    await expect.poll(async () => (await deployment('linkerd-identity')).status?.replicas ?? 0).toBe(0);
    await room.apply(webPod({ name: 'late', labels: { app: 'late' } }));
    const state = async () => {
      const { status } = await room.get('v1', 'Pod', 'late');
      const proxy = status?.initContainerStatuses?.find(({ name }: { name: string }) => name === 'linkerd-proxy');
      return { running: proxy?.state?.running !== undefined, started: proxy?.started, phase: status?.phase };
    };
    await expect.poll(state, { timeout: 20_000 }).toEqual({ running: true, started: false, phase: 'Pending' });
    expect((await curl(room, 'meshed', ['http://web'])).status).toBe(204);
    await scale('linkerd-identity', 1);
    await room.ready('late');
  }, 90_000);

  it('without the injector, pods come up without a proxy and without a word', async () => {
    await scale('linkerd-proxy-injector', 0);
    await expect.poll(async () => (await deployment('linkerd-proxy-injector')).status?.replicas ?? 0).toBe(0);
    await room.apply(webPod({ name: 'bare', labels: { app: 'bare' } }));
    const bare = await room.ready('bare');
    expect(bare.spec.initContainers).toBeUndefined();
    await scale('linkerd-proxy-injector', 1);
    await expect
      .poll(async () => (await deployment('linkerd-proxy-injector')).status?.readyReplicas, { timeout: 30_000 })
      .toBe(1);
    await room.apply(webPod({ name: 'again', labels: { app: 'again' } }));
    expect((await room.ready('again')).spec.initContainers).toHaveLength(2);
  }, 90_000);

  it('without the policy webhook, objects that it would refuse are stored', async () => {
    const bad = manifest('Server', 'bad', { podSelector: {}, port: 80, proxyProtocol: 'nonsense' });
    expect(await room.refusal(bad)).toContain(
      'admission webhook "linkerd-policy-validator.linkerd.io" denied the request',
    );
    await cluster.admin.delete(
      { group: '', version: 'v1', resource: 'services', namespace: 'linkerd' },
      'linkerd-policy-validator',
    );
    await expect.poll(() => room.refusal(bad)).toBeUndefined();
  });

  it('with the webhook told to fail, they are refused because nobody answers', async () => {
    const configs = {
      group: 'admissionregistration.k8s.io',
      version: 'v1',
      resource: 'validatingwebhookconfigurations',
    };
    const name = 'linkerd-policy-validator-webhook-config';
    const { webhooks } = (await cluster.admin.get(configs, name)) as KubeObject & { webhooks: object[] };
    const strict = webhooks.map((each) => ({ ...each, failurePolicy: 'Fail' }));
    await cluster.admin.patch(configs, name, 'merge', { webhooks: strict });
    const good = manifest('Server', 'good', { podSelector: {}, port: 80 });
    await expect(
      cluster.admin.create(
        { group: 'policy.linkerd.io', version: 'v1beta3', resource: 'servers', namespace: room.namespace },
        { ...good, metadata: { name: 'good', namespace: room.namespace } },
      ),
    ).rejects.toThrow('failed calling webhook "linkerd-policy-validator.linkerd.io"');
  });
});
