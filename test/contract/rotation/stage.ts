import { createPublicKey, X509Certificate } from 'node:crypto';
import tls from 'node:tls';
import { expect } from 'vitest';
import { parseAllDocuments } from 'yaml';
import type { Cluster } from '#cluster/driver.ts';
import { createEmbeddedDriver } from '#cluster/embedded/driver.ts';
import type { KubeObject } from '#kube/api/types.ts';
import { clientPod, identityOf, manifest, webPod } from '#mesh/conformance/manifests.ts';
import { createCertificate, parseCertificates } from '#pki/certificate.ts';
import { generateKeyPair } from '#pki/keys.ts';
import { clusterSettings } from '#schema/lab.ts';
import { linkerd, type Ran } from '../../unit/linkerd-cli/run.ts';
import { msOf, type Scenario } from './scenario.ts';

interface Authority {
  certificate: string;
  privateKey: string;
}

const CONTROL_PLANE = 'linkerd';
export const SHOP = 'shop';
const options = { fieldManager: 'test', force: true };
/** Longer than a changed Secret takes to reach a mounted file. */
const SYNC_MS = 6_000;

/** A cluster with a small shop, and what scenarios do to it and see of it. */
export class Stage {
  readonly cluster: Cluster;
  readonly #authorities = new Map<string, Authority>();
  #seenEvents = new Set<string>();

  private constructor(cluster: Cluster) {
    this.cluster = cluster;
  }

  static async open(of: Scenario): Promise<Stage> {
    const settings = clusterSettings.parse({
      mesh: 'linkerd',
      issuanceLifetime: of.issuanceLifetime,
      issuerLifetime: of.issuerLifetime,
    });
    const { signal } = new AbortController();
    const cluster = await createEmbeddedDriver().create({ id: 'rotation', settings, onStep: () => {}, signal });
    await cluster.ready;
    const stage = new Stage(cluster);
    const { 'ca.crt': certificate = '', 'ca.key': privateKey = '' } = cluster.homeFiles;
    stage.#authorities.set('r1', { certificate, privateKey });
    const secret = await stage.#get('', 'v1', 'secrets', 'linkerd-identity-issuer');
    const read = (name: string) => Buffer.from(secret['data'][name], 'base64').toString();
    stage.#authorities.set('i1', { certificate: read('crt.pem'), privateKey: read('key.pem') });
    for (const [name, { under, lifetime, age, key, ca }] of Object.entries(of.authorities)) {
      const pair = await generateKeyPair(key);
      const now = cluster.clock.now();
      const made = {
        publicKey: pair.publicKey,
        notBefore: now - msOf(age),
        notAfter: now - msOf(age) + msOf(lifetime),
        ...(ca ? { isCa: true } : {}),
      };
      const signed = under
        ? createCertificate({ ...made, subject: 'CN=identity.linkerd.cluster.local', signer: stage.authority(under) })
        : createCertificate({ ...made, subject: 'CN=root.linkerd.cluster.local', privateKey: pair.privateKey });
      stage.#authorities.set(name, { certificate: signed, privateKey: pair.privateKey });
    }
    await stage.#shop();
    await stage.newEvents();
    return stage;
  }

  authority(name: string): Authority {
    const found = this.#authorities.get(name);
    if (!found) throw new Error(`no certificate is called ${name}`);
    return found;
  }

  #get(group: string, version: string, resource: string, name: string, namespace = CONTROL_PLANE): Promise<KubeObject> {
    return this.cluster.admin.get({ group, version, resource, namespace }, name);
  }

  async #shop(): Promise<void> {
    const { admin } = this.cluster;
    await admin.apply(
      manifest('Namespace', SHOP, undefined, { annotations: { 'linkerd.io/inject': 'enabled' } }),
      options,
    );
    const deployment = (name: string, template: KubeObject): KubeObject => ({
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name, namespace: SHOP },
      spec: {
        replicas: 1,
        selector: { matchLabels: { app: name } },
        template: {
          metadata: { labels: { app: name } },
          spec: { ...template.spec, serviceAccountName: name },
        },
      },
    });
    for (const name of ['api', 'web']) {
      await admin.apply(manifest('ServiceAccount', name, undefined, { namespace: SHOP }), options);
    }
    await admin.apply(deployment('api', webPod()), options);
    await admin.apply(deployment('web', clientPod('web', { mesh: true })), options);
    await admin.apply(
      manifest(
        'Service',
        'api',
        { selector: { app: 'api' }, ports: [{ port: 80, targetPort: 8080 }] },
        { namespace: SHOP },
      ),
      options,
    );
    await this.rolledOut(SHOP, 'api');
    await this.rolledOut(SHOP, 'web');
  }

  async rolledOut(namespace: string, name: string): Promise<void> {
    await expect
      .poll(
        async () => {
          const { status, spec, metadata } = await this.#get('apps', 'v1', 'deployments', name, namespace);
          const want = spec.replicas ?? 1;
          const done = status?.observedGeneration === metadata.generation && status?.updatedReplicas === want;
          return done && status?.availableReplicas === want && status?.replicas === want;
        },
        { timeout: 40_000, interval: 50, message: `${name} is rolled out` },
      )
      .toBe(true);
  }

  async restart(name: string): Promise<void> {
    const namespace = name.startsWith('linkerd-') ? CONTROL_PLANE : SHOP;
    const stamp = { 'kubectl.kubernetes.io/restartedAt': `${this.cluster.clock.now()}` };
    const patch = { spec: { template: { metadata: { annotations: stamp } } } };
    await this.cluster.admin.patch(
      { group: 'apps', version: 'v1', resource: 'deployments', namespace },
      name,
      'merge',
      patch,
    );
  }

  async roll(name: string): Promise<void> {
    await this.restart(name);
    await this.rolledOut(name.startsWith('linkerd-') ? CONTROL_PLANE : SHOP, name);
  }

  async upgrade(of: {
    anchors?: string[] | undefined;
    issuer?: string | undefined;
    force: boolean;
    wait: boolean;
  }): Promise<Ran> {
    const files: Record<string, string> = {};
    const args = ['upgrade'];
    if (of.anchors) {
      files['anchors.crt'] = of.anchors.map((name) => this.authority(name).certificate).join('');
      args.push('--identity-trust-anchors-file', 'anchors.crt');
    }
    if (of.issuer) {
      files['issuer.crt'] = this.authority(of.issuer).certificate;
      files['issuer.key'] = this.authority(of.issuer).privateKey;
      args.push('--identity-issuer-certificate-file', 'issuer.crt', '--identity-issuer-key-file', 'issuer.key');
    }
    if (of.force) args.push('--force');
    const ran = await linkerd({ client: this.cluster.admin, clock: this.cluster.clock, files }, ...args);
    if (ran.code !== 0) return ran;
    for (const document of parseAllDocuments(ran.stdout)) {
      const object = document.toJS() as KubeObject | null;
      if (object) await this.cluster.admin.apply(object, options);
    }
    if (!of.wait) return ran;
    for (const name of ['linkerd-identity', 'linkerd-destination', 'linkerd-proxy-injector'])
      await this.rolledOut(CONTROL_PLANE, name);
    return ran;
  }

  async patchSecret(crt: string, key: string): Promise<void> {
    const text = (of: string, part: keyof Authority) => this.#authorities.get(of)?.[part] ?? of;
    const data = {
      'crt.pem': Buffer.from(text(crt, 'certificate')).toString('base64'),
      'key.pem': Buffer.from(text(key, 'privateKey')).toString('base64'),
    };
    const secrets = { group: '', version: 'v1', resource: 'secrets', namespace: CONTROL_PLANE };
    await this.cluster.admin.patch(secrets, 'linkerd-identity-issuer', 'merge', { data });
  }

  async patchRoots(text: string): Promise<void> {
    const names = text.split('+');
    const known = names.every((name) => this.#authorities.has(name));
    const bundle = known ? names.map((name) => this.authority(name).certificate).join('') : text;
    const maps = { group: '', version: 'v1', resource: 'configmaps', namespace: CONTROL_PLANE };
    await this.cluster.admin.patch(maps, 'linkerd-identity-trust-roots', 'merge', {
      data: { 'ca-bundle.crt': bundle },
    });
  }

  /** Mounted files are what they should be, and who watches them has looked. */
  async synced(): Promise<void> {
    await this.cluster.advanceClock(SYNC_MS);
  }

  async scaleIdentity(replicas: number): Promise<void> {
    const target = { group: 'apps', version: 'v1', resource: 'deployments', namespace: CONTROL_PLANE };
    await this.cluster.admin.patch(target, 'linkerd-identity', 'merge', { spec: { replicas } });
    await expect
      .poll(
        async () => (await this.#get('apps', 'v1', 'deployments', 'linkerd-identity')).status?.availableReplicas ?? 0,
        { timeout: 20_000, interval: 50 },
      )
      .toBe(replicas);
  }

  async bare(name: string): Promise<void> {
    const pod = clientPod(name, { mesh: true, serviceAccount: 'web', labels: { app: name } });
    await this.cluster.admin.apply({ ...pod, metadata: { ...pod.metadata, namespace: SHOP } }, options);
  }

  /** Of a Deployment, or a pod of that name. */
  async pod(name: string): Promise<KubeObject> {
    const pods = { group: '', version: 'v1', resource: 'pods', namespace: SHOP };
    const { items } = await this.cluster.admin.list(pods, { labelSelector: `app=${name}` });
    const living = items.filter(({ metadata }) => !metadata.deletionTimestamp);
    const [newest] = living.sort((a, b) => Number(b.metadata.resourceVersion) - Number(a.metadata.resourceVersion));
    if (!newest) throw new Error(`there is no pod of ${name}`);
    return newest;
  }

  async podState(name: string): Promise<'ready' | 'waiting' | 'bare'> {
    const pod = await this.pod(name);
    if (!pod.spec.initContainers) return 'bare';
    const ready = pod.status?.conditions?.find(({ type }: { type: string }) => type === 'Ready');
    return ready?.status === 'True' ? 'ready' : 'waiting';
  }

  /** The leaf that a pod shows to whoever asks for it by its name. */
  async leaf(name: string): Promise<X509Certificate> {
    const pod = await this.pod(name);
    const identity = identityOf(pod.spec.serviceAccountName, SHOP);
    const connection = await this.cluster.admin.portForward(SHOP, pod.metadata.name!, 4191);
    return new Promise((resolve, reject) => {
      const socket = tls.connect({ socket: connection, servername: identity, rejectUnauthorized: false }, () => {
        resolve(new X509Certificate(socket.getPeerX509Certificate()!.raw));
        socket.destroy();
      });
      socket.on('error', reject);
    });
  }

  /** The name of the issuer whose key signed a leaf. */
  signerOf(leaf: X509Certificate): string {
    for (const [name, { certificate }] of this.#authorities) {
      const [issuer] = parseCertificates(certificate);
      if (leaf.verify(createPublicKey(issuer!.publicKey.export({ type: 'spki', format: 'pem' })))) return name;
    }
    return 'somebody else';
  }

  /** The names of the anchors in a pod's bundle. */
  async bundle(name: string): Promise<string[]> {
    const pod = await this.pod(name);
    const proxy = pod.spec.initContainers.find((each: { name: string }) => each.name === 'linkerd-proxy');
    const anchors: string = proxy.env.find(
      (each: { name: string }) => each.name === 'LINKERD2_PROXY_IDENTITY_TRUST_ANCHORS',
    ).value;
    const prints = parseCertificates(anchors).map(({ fingerprint256 }) => fingerprint256);
    return prints.map((print) => {
      const known = [...this.#authorities].find(
        ([, { certificate }]) => parseCertificates(certificate)[0]!.fingerprint256 === print,
      );
      return known?.[0] ?? 'somebody else';
    });
  }

  /** HTTP statuses of requests from web to api, or to another pod's address. */
  async requests(times = 4): Promise<string[]> {
    const pod = await this.pod('web');
    const out: string[] = [];
    for (let i = 0; i < times; i++) {
      const got: string[] = [];
      const code = await this.cluster.admin.exec({
        namespace: SHOP,
        pod: pod.metadata.name!,
        container: 'curl',
        command: ['curl', '-s', '-o', '/dev/null', '-m', '5', '-w', '%{http_code}', 'http://api'],
        stdout: (chunk) => got.push(Buffer.from(chunk).toString()),
        stderr: (chunk) => got.push(Buffer.from(chunk).toString()),
      });
      out.push(got.join('') || `exit ${code}`);
    }
    return out;
  }

  /** Opens a connection from web to api that stays, so that its proxy forgets nothing. */
  async hold(): Promise<void> {
    const pod = await this.pod('web');
    void this.cluster.admin
      .exec({
        namespace: SHOP,
        pod: pod.metadata.name!,
        container: 'curl',
        // Of HTTP: a connection that carries other bytes keeps nothing of what requests need.
        command: ['sh', '-c', "(printf 'GET / HTTP/1.1\\r\\nhost: api\\r\\n\\r\\n'; sleep 999999999) | nc api 80"],
      })
      .catch(() => {});
    expect(await this.requests(1)).toEqual(['204']);
  }

  /** Events on the identity Deployment that were not there at the last look. */
  async newEvents(): Promise<string[]> {
    const events = { group: '', version: 'v1', resource: 'events', namespace: CONTROL_PLANE };
    const { items } = await this.cluster.admin.list(events);
    const seen = new Set<string>();
    const fresh: string[] = [];
    for (const each of items) {
      const about: { kind: string; name: string } = each['involvedObject'];
      if (
        about.kind !== 'Deployment' ||
        about.name !== 'linkerd-identity' ||
        !String(each['reason']).startsWith('Issuer')
      )
        continue;
      const key = `${each.metadata.name} ${each['count']}`;
      seen.add(key);
      if (!this.#seenEvents.has(key)) fresh.push(`${each['reason']}: ${each['message']}`);
    }
    this.#seenEvents = seen;
    return fresh;
  }

  check(): Promise<Ran> {
    return linkerd(
      { client: this.cluster.admin, clock: this.cluster.clock },
      'check',
      '--proxy',
      '--expected-version',
      'edge-26.8.3',
      '--wait',
      '5s',
    );
  }

  async identityLog(): Promise<string> {
    const pods = { group: '', version: 'v1', resource: 'pods', namespace: CONTROL_PLANE };
    const { items } = await this.cluster.admin.list(pods, {
      labelSelector: 'linkerd.io/control-plane-component=identity',
    });
    let text = '';
    for (const pod of items) {
      for await (const chunk of this.cluster.admin.logs(CONTROL_PLANE, pod.metadata.name!, { container: 'identity' }))
        text += Buffer.from(chunk).toString();
    }
    return text;
  }

  close(): Promise<void> {
    return this.cluster.destroy();
  }
}
