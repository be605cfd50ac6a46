import { beforeAll, describe, expect, it } from 'vitest';
import { MovableClock } from '#base/clock.ts';
import { CATALOGUE } from '#grader/catalogue.ts';
import type { CheckContext } from '#grader/check.ts';
import { countRequests } from '#grader/checks/mutual-tls.ts';
import { CertificateNames } from '#grader/names.ts';
import { parseMetrics } from '#grader/probes/metrics.ts';
import type { KubeObject } from '#kube/api/types.ts';
import { createCertificate, describeCertificate } from '#pki/certificate.ts';
import { generateKeyPair } from '#pki/keys.ts';
import type { CertificateInfo, Handshake, Traffic } from '#schema/evidence.ts';

const NOW = Date.UTC(2026, 0, 1);
const clock = new MovableClock({ wall: () => NOW });

let anchors: string[];
beforeAll(async () => {
  anchors = await Promise.all(
    ['one', 'two'].map(async (name) => {
      const keys = await generateKeyPair();
      return createCertificate({
        ...keys,
        subject: `CN=root ${name}`,
        notBefore: NOW - 1_000,
        notAfter: NOW + 86_400_000,
        isCa: true,
      });
    }),
  );
});

/** What a check needs of its context, with objects by resource. */
function world(options: {
  objects?: Record<string, KubeObject[]>;
  bundle?: string;
  pods?: Handshake[];
  names?: CertificateNames;
  traffic?: Traffic;
}): CheckContext {
  const config: KubeObject = {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'linkerd-identity-trust-roots', namespace: 'linkerd' },
    data: { 'ca-bundle.crt': options.bundle ?? '' },
  };
  return {
    clock,
    names: options.names ?? new CertificateNames(),
    client: {
      list: async ({ resource }: { resource: string }) => ({ items: options.objects?.[resource] ?? [], metadata: {} }),
      get: async ({ resource }: { resource: string }) => {
        if (resource === 'configmaps') return config;
        const found = options.objects?.[resource]?.[0];
        if (found) return found;
        throw Object.assign(new Error('not found'), { status: { code: 404 } });
      },
    },
    handshakes: { all: async () => options.pods ?? [] },
    traffic: options.traffic && { evidence: () => options.traffic },
  } as unknown as CheckContext;
}
const look = (name: string, params: object, context: CheckContext) => {
  const check = CATALOGUE.get(name)!;
  return check.run(check.params.parse(params), context);
};

const handshake = (pod: string, fields: Partial<Handshake>): Handshake => ({
  type: 'handshake',
  namespace: 'shop',
  pod: `${pod}-1`,
  workload: `deployment/${pod}`,
  identity: `${pod}.shop.serviceaccount.identity.linkerd.cluster.local`,
  at: NOW,
  chain: [],
  bundle: [],
  ...fields,
});

describe('trust-bundle', () => {
  it('tells the cluster’s bundle from the one that a pod was made with', async () => {
    const names = new CertificateNames();
    const [first, second] = anchors.map((pem) => names.name('anchor', describeCertificate(pem)).fingerprint);
    const both = { names, bundle: anchors.join('') };
    const params = { contains: ['anchor-2'], inEveryPod: 'shop/*' };

    const old = handshake('web', { bundle: [first!] });
    expect(await look('trust-bundle', params, world({ ...both, pods: [old] }))).toMatchObject({
      state: 'failed',
      said: 'The cluster’s bundle is right, but the one of web-1 lacks anchor 2.',
      saw: ['bundle has anchor-1', 'bundle has anchor-2', 'pod with old bundle'],
    });
    const restarted = handshake('web', { bundle: [first!, second!] });
    expect(await look('trust-bundle', params, world({ ...both, pods: [restarted] }))).toMatchObject({
      state: 'passed',
      said: 'The cluster trusts anchor 1 and anchor 2, and so does the pod.',
    });
    expect(await look('trust-bundle', { only: ['anchor-2'] }, world(both))).toMatchObject({
      state: 'failed',
      said: 'The cluster’s bundle still holds anchor 1.',
    });
    expect(await look('trust-bundle', { only: ['anchor-1', 'anchor-2'] }, world(both))).toMatchObject({
      state: 'passed',
    });
    expect(await look('trust-bundle', params, world(both))).toMatchObject({
      state: 'failed',
      saw: ['bundle has anchor-1', 'bundle has anchor-2', 'no pods'],
    });
    expect(await look('trust-bundle', params, world({}))).toMatchObject({ state: 'failed', saw: ['no anchors'] });
  });
});

describe('issuer', () => {
  it('is told by the key that signed it, where two anchors have one name', async () => {
    const root = async () => {
      const keys = await generateKeyPair();
      const subject = 'CN=root.linkerd.cluster.local';
      const dates = { notBefore: NOW - 1_000, notAfter: NOW + 86_400_000 };
      return { ...keys, certificate: createCertificate({ ...keys, subject, ...dates, isCa: true }) };
    };
    const [first, second] = [await root(), await root()];
    const { publicKey } = await generateKeyPair();
    const certificate = createCertificate({
      subject: 'CN=identity.linkerd.cluster.local',
      publicKey,
      signer: second,
      notBefore: NOW - 1_000,
      notAfter: NOW + 80_000_000,
      isCa: true,
    });
    const secret = {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: 'linkerd-identity-issuer' },
      data: { 'crt.pem': Buffer.from(certificate).toString('base64') },
    };
    const context = () => world({ bundle: first.certificate + second.certificate, objects: { secrets: [secret] } });
    expect(await look('issuer', { signedBy: 'anchor-2' }, context())).toMatchObject({ state: 'passed' });
    expect(await look('issuer', { signedBy: 'anchor-1' }, context())).toMatchObject({
      state: 'failed',
      said: 'The Secret holds issuer 1, signed by anchor 2.',
    });
  });
});

describe('certificate', () => {
  const leaf = (pod: string): CertificateInfo => ({
    fingerprint: pod,
    subject: '',
    issuer: '',
    serial: '1',
    dnsNames: [`${pod}.shop.serviceaccount.identity.linkerd.cluster.local`],
    notBefore: NOW - 30_000,
    notAfter: NOW + 1_000,
    isCa: false,
  });
  const issuer: CertificateInfo = { ...leaf('issuer'), label: 'issuer 1' };

  it('says whose certificate was presented when another’s was asked for', async () => {
    const pods = [handshake('web', { chain: [leaf('web'), issuer] })];
    expect(await look('certificate', { pods: 'shop/*', identity: 'reports.shop' }, world({ pods }))).toMatchObject({
      state: 'failed',
      said: 'web-1 presented a certificate for web in shop, not for reports in shop.',
      saw: ['identity web.shop'],
    });
    expect(await look('certificate', { pods: 'shop/*', identity: 'web.shop' }, world({ pods }))).toMatchObject({
      state: 'passed',
    });
  });
});

describe('certificate, by when it ends', () => {
  const ends = (ms: number) =>
    handshake('web', {
      chain: [
        {
          fingerprint: 'leaf',
          subject: '',
          issuer: '',
          serial: '1',
          dnsNames: ['web.shop.serviceaccount.identity.linkerd.cluster.local'],
          notBefore: NOW - 30_000,
          notAfter: NOW + ms,
          isCa: false,
        },
      ],
    });
  it.each([
    [{ expiresWithin: '1h' }, 1_800_000, 'passed', undefined],
    [{ expiresWithin: '1h' }, 7_200_000, 'failed', 'expires later'],
    [{ expiresWithin: '1h' }, -1_000, 'failed', 'expired'],
    [{ expiresAfter: '12h' }, 86_400_000, 'passed', undefined],
    [{ expiresAfter: '12h' }, 3_600_000, 'failed', 'expires sooner'],
    [{ expiresAfter: '12h' }, -1_000, 'failed', 'expired'],
  ])('%j, %d ms from now: %s', async (wanted, ms, state, saw) => {
    const outcome = await look('certificate', { pods: 'shop/*', ...wanted }, world({ pods: [ends(ms)] }));
    expect(outcome.state).toBe(state);
    if (saw) expect(outcome.saw).toContain(saw);
  });
});

describe('proxy-injected', () => {
  const pod = (app: string, containers: string[], ready = true): KubeObject => ({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: `${app}-1`, namespace: 'shop', labels: { app } },
    spec: { containers: containers.map((name) => ({ name })) },
    status: { conditions: [{ type: 'Ready', status: ready ? 'True' : 'False' }] },
  });
  it.each([
    [
      'a pod without a proxy',
      [pod('web', ['web', 'linkerd-proxy']), pod('api', ['api'])],
      'failed',
      '1 pod of 2 has no proxy: api-1.',
    ],
    [
      'a pod that is not ready',
      [pod('web', ['web', 'linkerd-proxy'], false)],
      'waiting',
      'All have a proxy; not ready yet: web-1.',
    ],
    ['all with a proxy', [pod('web', ['linkerd-proxy'])], 'passed', '1 pod in shop, each with a proxy and ready.'],
    ['no pods at all', [], 'failed', 'There is no pod in shop.'],
  ] as const)('%s', async (_, pods, state, said) => {
    expect(await look('proxy-injected', { namespace: 'shop' }, world({ objects: { pods: [...pods] } }))).toMatchObject({
      state,
      said,
    });
  });
  it('leaves out what may do without', async () => {
    const pods = [pod('web', ['linkerd-proxy']), pod('batch', ['batch'])];
    const context = world({ objects: { pods } });
    expect(await look('proxy-injected', { namespace: 'shop', except: ['batch'] }, context)).toMatchObject({
      state: 'passed',
    });
  });
});

describe('mutual-tls', () => {
  it('counts the requests that a proxy let in to a port by how they came, without the kubelet’s probes', () => {
    const text = [
      '# TYPE inbound_http_authz_allow_total counter',
      'inbound_http_authz_allow_total{target_port="8080",route_name="default",authz_name="x",tls="true",client_id="a\\"b"} 5',
      'inbound_http_authz_allow_total{target_port="8080",route_name="default",authz_name="x",tls="no_identity"} 2',
      'inbound_http_authz_allow_total{target_port="8080",route_name="probe",authz_name="probe",tls="no_identity"} 40',
      'inbound_http_authz_allow_total{target_port="8080",route_name="probe",authz_name="probe",tls="true"} 1',
      'inbound_http_authz_allow_total{target_port="9090",route_name="default",authz_name="x",tls="no_identity"} 7',
      'process_start_time_seconds 17.5',
    ].join('\n');
    const series = parseMetrics(text);
    expect(series.find((s) => s.labels['tls'] === 'true')).toMatchObject({ value: 5, labels: { client_id: 'a"b' } });
    expect(series.at(-1)).toEqual({ name: 'process_start_time_seconds', labels: {}, value: 17.5 });
    expect(countRequests(series, 8080)).toEqual({ tls: 6, plain: 2 });
  });
  it('counts the connections to an opaque port', () => {
    const text = [
      'inbound_tcp_authz_allow_total{target_port="5432",authz_name="x",tls="true"} 3',
      'inbound_tcp_authz_allow_total{target_port="5432",authz_name="x",tls="no_identity"} 1',
    ].join('\n');
    expect(countRequests(parseMetrics(text), 5432)).toEqual({ tls: 3, plain: 1 });
  });
  it('fails where no pod has a proxy', async () => {
    const context = world({});
    const params = { pods: 'shop/api', port: 8080 };
    expect(await look('mutual-tls', params, context)).toMatchObject({ state: 'waiting' });
  });
});

describe('traffic, the last seconds alone', () => {
  const seen = (perSecond: Traffic['perSecond']): Traffic => ({
    type: 'traffic',
    from: NOW - 60_000,
    to: NOW,
    total: 100,
    failed: 40,
    longestGapMs: 0,
    log: [],
    perSecond,
  });
  it.each([
    [
      'failures long ago do not count',
      [
        [-60, 0, 40],
        [-5, 30, 0],
      ],
      'passed',
    ],
    [
      'failures now do',
      [
        [-60, 30, 0],
        [-5, 25, 3],
      ],
      'failed',
    ],
    ['a caller that fell silent is not judged', [[-60, 90, 0]], 'waiting'],
  ] as const)('%s', async (_, seconds, state) => {
    const traffic = seen(seconds.map(([at, ok, failed]) => ({ at: NOW + at * 1_000, ok, failed })));
    const outcome = await look('traffic', { lastSeconds: 10, atLeast: 20 }, world({ traffic }));
    expect(outcome.state).toBe(state);
  });
});

describe('object', () => {
  const params = { apiVersion: 'apps/v1', resource: 'deployments', namespace: 'shop', name: 'web' };
  const deployment: KubeObject = {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'web', namespace: 'shop' },
    spec: { replicas: 2, paused: false },
  };
  const there = () => world({ objects: { deployments: [deployment] } });
  it('is there, or is not', async () => {
    expect(await look('object', params, there())).toMatchObject({ state: 'passed' });
    expect(await look('object', params, world({}))).toMatchObject({
      state: 'failed',
      said: 'There is no deployments/web in shop.',
    });
  });
  it.each([
    ['object.spec.replicas == 2', 'passed'],
    ['object.spec.replicas > 2', 'failed'],
    ['object.spec.replicas == 2 && !object.spec.paused', 'passed'],
    ['object.spec.nothing.here == 1', 'failed'],
    ['object.metadata.name.startsWith("w")', 'passed'],
  ])('%s: %s', async (where, state) => {
    expect(await look('object', { ...params, where }, there())).toMatchObject({ state });
  });
  it('refuses a condition that is no CEL, before any lab runs', () => {
    expect(
      CATALOGUE.get('object')!.params.safeParse({ ...params, where: 'object.spec ==' }).error?.issues[0]?.message,
    ).toMatch(/is no CEL/);
  });
  it('can be asked to be gone', async () => {
    expect(await look('object', { ...params, absent: true }, there())).toMatchObject({ state: 'failed' });
    expect(await look('object', { ...params, absent: true }, world({}))).toMatchObject({ state: 'passed' });
  });
  it.each([
    [{ conditions: [{ type: 'Available', status: 'True' }] }, 'Available', 'passed'],
    [{ conditions: [{ type: 'Available', status: 'False', reason: 'Slow' }] }, 'Available', 'failed'],
    [{ conditions: [{ type: 'Available', status: 'False' }] }, 'Available=False', 'passed'],
    [{}, 'Available', 'failed'],
    [{ parents: [{ conditions: [{ type: 'Accepted', status: 'True' }] }, { conditions: [] }] }, 'Accepted', 'failed'],
  ])('with status %j is %s: %s', async (status, condition, state) => {
    const found = { ...deployment, status };
    expect((await look('object', { ...params, condition }, world({ objects: { deployments: [found] } }))).state).toBe(
      state,
    );
  });
  it('never shows what is in a Secret', async () => {
    const secret: KubeObject = {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: 'key' },
      data: { 'key.pem': 'aGlkZGVu' },
    };
    const outcome = await look(
      'object',
      { apiVersion: 'v1', resource: 'secrets', name: 'key' },
      world({ objects: { secrets: [secret] } }),
    );
    expect(JSON.stringify(outcome)).not.toContain('aGlkZGVu');
  });
});
