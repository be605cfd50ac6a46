import type { CertificateInfo, CertificatesView, ClusterEvent, Matrix, Traffic } from '#schema/evidence.ts';
import { type Observation, type Observed, observationKey } from '#schema/observation.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const YEAR = 365 * DAY;

const ca = (label: string, subject: string, from: number, years: number): CertificateInfo => ({
  fingerprint: label.replace(' ', '-').padEnd(64, '0'),
  subject,
  issuer: 'CN=root.linkerd.cluster.local',
  serial: '1',
  dnsNames: [],
  notBefore: from,
  notAfter: from + years * YEAR,
  isCa: true,
  label,
});

/** A rotation half done: three pods of issuer 2, two still of issuer 1, one of them failing. */
export function sampleCertificates(now: number): CertificatesView {
  const anchor = ca('anchor 1', 'CN=root.linkerd.cluster.local', now - 20 * DAY, 10);
  const issuers = [
    ca('issuer 1', 'CN=identity.linkerd.cluster.local', now - 20 * DAY, 1),
    ca('issuer 2', 'CN=identity.linkerd.cluster.local', now - 200_000, 1),
  ];
  const names = [
    'web-6b8f7d9c4-tz4qk',
    'api-7d9f5b8c6-k2xwv',
    'load-5c4d8f7b9-9pqzr',
    'voting-59d7c8b6f-m7cdk',
    'emoji-8f6b9d5c4-q1dtw',
  ];
  const moved = [true, false, false, true, true];
  const segment = (issuer: number, from: number, until?: number, failure?: string) => ({
    leaf: `leaf-${issuer}-${from}`,
    issuer: issuers[issuer]!.fingerprint,
    from,
    notBefore: from,
    notAfter: from + DAY,
    renewsAt: from + 0.7 * DAY,
    ...(until === undefined ? {} : { until }),
    ...(failure ? { failure } : {}),
  });
  const failure = 'unable to get local issuer certificate: issuer 3 is not signed by an anchor in the bundle';
  return {
    at: now,
    bundle: { type: 'bundle', at: now, anchors: [anchor], issuer: issuers[1]! },
    issuers,
    anchors: [anchor],
    pods: names.map((pod, n) => ({
      type: 'handshake',
      namespace: 'shop',
      pod,
      workload: pod.split('-')[0]!,
      identity: `${pod.split('-')[0]}.shop.serviceaccount.identity.linkerd.cluster.local`,
      at: now - 800,
      chain: [
        {
          ...ca('leaf', `CN=${pod.split('-')[0]}.shop.serviceaccount.identity.linkerd.cluster.local`, now - 120_000, 0),
          notAfter: now - 120_000 + DAY,
          isCa: false,
        },
        issuers[moved[n] ? 1 : 0]!,
      ],
      anchor: anchor.fingerprint,
      bundle: [anchor.fingerprint],
      ...(n === 2 ? { failure } : {}),
    })),
    lanes: names.map((pod, n) => ({
      pod,
      workload: pod.split('-')[0]!,
      namespace: 'shop',
      segments: moved[n]
        ? [segment(0, now - 400_000, now - 110_000 + n * 9_000), segment(1, now - 110_000 + n * 9_000)]
        : [segment(0, now - 400_000 + n * 4_000, undefined, n === 2 ? failure : undefined)],
    })),
    events: [
      event(now - 180_000, 'linkerd', 'Deployment/linkerd-identity', 'IssuerUpdated', 'Updated identity issuer'),
      event(now - 150_000, 'shop', 'Deployment/web', 'ScalingReplicaSet', 'Scaled up replica set web-6b8f7d9c4 to 1'),
    ],
    removable: [{ anchor: anchor.fingerprint, safe: false, because: 'It is the only anchor; every pod relies on it.' }],
  };
}

export function event(
  at: number,
  namespace: string,
  object: string,
  reason: string,
  message: string,
  warning = false,
): ClusterEvent {
  return { type: 'event', at, namespace, object, reason, message, warning, count: 1 };
}

/** Three clients and four routes, with one request too much and one too little. */
export function sampleMatrix(now: number): Matrix {
  const clients = [
    { name: 'web', identity: 'web.shop.serviceaccount.identity.linkerd.cluster.local' },
    { name: 'reports', identity: 'reports.shop.serviceaccount.identity.linkerd.cluster.local' },
    { name: 'stranger', identity: null },
  ];
  const routes = ['GET /orders', 'POST /orders', 'GET /admin', 'GET :9090/metrics'].map((name) => ({
    name,
    method: name.split(' ')[0]!,
    url: `http://api.shop${name.split(' ')[1]}`,
  }));
  const cells = clients.flatMap((client) =>
    routes.map((route): Matrix['cells'][number] => {
      const expected = client.name === 'web' && route.name === 'GET /orders' ? 'allow' : 'deny';
      const observed =
        client.name === 'reports' && route.name === 'GET /orders'
          ? 'allow'
          : client.name === 'web' && route.name === 'GET /orders'
            ? 'deny'
            : expected;
      return {
        client: client.name,
        route: route.name,
        expected,
        observed,
        status: observed === 'allow' ? 200 : 403,
        at: now - 900,
      };
    }),
  );
  return { type: 'matrix', at: now - 900, clients, routes, cells };
}

export function sampleTraffic(now: number, failed = 0): Traffic {
  const perSecond = Array.from({ length: 120 }, (_, n) => ({
    at: now - (120 - n) * 1_000,
    ok: n === 80 && failed > 0 ? 5 - failed : 5 - (n % 17 === 0 ? 1 : 0),
    failed: n === 80 ? failed : 0,
  }));
  return {
    type: 'traffic',
    from: now - 900_000,
    to: now,
    total: 4_812,
    failed,
    longestGapMs: failed > 0 ? 1_240 : 238,
    log: Array.from({ length: 20 }, (_, n) => ({
      at: now - (20 - n) * 200,
      status: failed > 0 && n === 9 ? 0 : 200,
      ms: 3 + (n % 5),
    })),
    perSecond,
  };
}

/** What a session might see of an observation: an issuer by name, ages and ends as instants, and two replicas. */
export function sampleValue(wanted: Observation, now: number): Observed {
  const key = observationKey(wanted);
  if ('rate' in wanted) return { key, value: { is: 'text', text: '97.5 %' } };
  if ('object' in wanted) return { key, value: { is: 'text', text: '2' } };
  if (wanted.show === 'age') return { key, value: { is: 'since', at: now - 90_000 } };
  if (wanted.show === 'left') return { key, value: { is: 'until', at: now + 7_200_000 } };
  return { key, value: { is: 'text', text: 'issuer 1' } };
}
