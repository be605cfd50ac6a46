import { describe, expect, it } from 'vitest';
import { observe } from '#grader/views/observer.ts';
import { type Observation, observation } from '#schema/observation.ts';
import { FakeWorld, meshedPod, NOW } from './world.ts';

const HOUR = 3_600_000;
const certificate = (fingerprint: string, more: object = {}) => ({
  fingerprint,
  subject: 'api.shop',
  issuer: 'identity',
  serial: fingerprint,
  dnsNames: ['api.shop.serviceaccount.identity.linkerd.cluster.local'],
  notBefore: NOW - HOUR - 20_000,
  notAfter: NOW + HOUR,
  isCa: false,
  ...more,
});
const handshake = (pod: string, leaf: object, issuer: string) => ({
  type: 'handshake' as const,
  namespace: 'shop',
  pod,
  workload: 'deployment/api',
  identity: 'api.shop',
  at: NOW,
  chain: [certificate(pod, leaf), certificate(issuer, { label: issuer })],
  bundle: [],
});

/** A world whose API server serves Deployments, Secrets and what else a lesson may name. */
function world(): FakeWorld {
  const made = new FakeWorld();
  const resource = (group: string, plural: string, kind: string) => ({
    group,
    version: 'v1',
    resource: plural,
    kind,
    singular: kind.toLowerCase(),
    shortNames: [],
    categories: [],
    namespaced: true,
    verbs: ['get'],
  });
  Object.assign(made.context.client, {
    discover: async () => [
      resource('', 'secrets', 'Secret'),
      resource('apps', 'deployments', 'Deployment'),
      resource('cert-manager.io', 'certificates', 'Certificate'),
    ],
  });
  return made;
}
const one = async (from: FakeWorld, wanted: object) => {
  const [seen] = await observe([observation.parse(wanted) as Observation], from.context);
  return seen!.value;
};

describe('a certificate in the text', () => {
  it('is the oldest, and the one that ends first, of several pods', async () => {
    const shop = world();
    shop.handshakes = [
      handshake('api-1', { notBefore: NOW - 5 * HOUR - 20_000, notAfter: NOW + 2 * HOUR }, 'issuer 2'),
      handshake('api-2', {}, 'issuer 1'),
    ];
    const of = (show: string) => one(shop, { certificate: 'deployment/api', show });
    expect(await of('age')).toEqual({ is: 'since', at: NOW - 5 * HOUR });
    expect(await of('left')).toEqual({ is: 'until', at: NOW + HOUR });
    expect(await of('issuer')).toEqual({ is: 'text', text: 'issuer 1 and issuer 2' });
    expect(await of('identity')).toMatchObject({ text: expect.stringMatching(/^api\.shop\.serviceaccount/) });
  });

  it('says when there is none', async () => {
    expect(await one(world(), { certificate: 'deployment/api', show: 'age' })).toEqual({
      is: 'absent',
      why: 'no meshed pod',
    });
    expect(await one(world(), { certificate: 'issuer', show: 'left' })).toEqual({ is: 'absent', why: 'none' });
  });
});

describe('a success rate in the text', () => {
  it('counts what the proxies let in, and no probes', async () => {
    const shop = world();
    shop.objects = { pods: [meshedPod('api')] };
    const series = (classification: string, value: number, more: Record<string, string> = {}) => ({
      name: 'response_total',
      labels: { direction: 'inbound', classification, ...more },
      value,
    });
    shop.series = {
      'api-1': [series('success', 0), series('failure', 0), series('success', 0, { route_name: 'probe' })],
    };
    const wanted = { rate: 'deployment/api' };
    expect(await one(shop, wanted)).toEqual({ is: 'absent', why: 'no requests' });
    await shop.clock.advance(2_000);
    shop.series = {
      'api-1': [series('success', 9), series('failure', 3), series('success', 50, { route_name: 'probe' })],
    };
    expect(await one(shop, wanted)).toEqual({ is: 'text', text: '75 %' });
  });
});

describe('a field in the text', () => {
  const deployment = (status: object) => ({
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: {
      name: 'api',
      namespace: 'shop',
      creationTimestamp: new Date(NOW - HOUR).toISOString(),
      annotations: { 'linkerd.io/inject': 'enabled' },
    },
    spec: { template: { spec: { containers: [{ image: 'http-echo:1.0' }] } } },
    status,
  });

  it('is found by its path, through lists and keys with dots', async () => {
    const shop = world();
    shop.objects = { deployments: [deployment({ readyReplicas: 2 })] };
    const of = (field: string, more: object = {}) => one(shop, { object: 'deployment/api', field, ...more });
    expect(await of('status.readyReplicas')).toEqual({ is: 'text', text: '2' });
    expect(await of('spec.template.spec.containers[0].image')).toEqual({ is: 'text', text: 'http-echo:1.0' });
    expect(await of("metadata.annotations['linkerd.io/inject']")).toEqual({ is: 'text', text: 'enabled' });
    expect(await of('metadata.creationTimestamp', { show: 'age' })).toEqual({ is: 'since', at: NOW - HOUR });
  });

  it('says what is not there, and shows no Secret', async () => {
    const shop = world();
    shop.objects = { deployments: [deployment({})], secrets: [deployment({})] };
    const field = 'status.readyReplicas';
    expect(await one(shop, { object: 'deployment/api', field })).toEqual({ is: 'absent', why: 'not set' });
    expect(await one(shop, { object: 'deployment/api', field, unset: '0' })).toEqual({ is: 'text', text: '0' });
    expect(await one(shop, { object: 'deployment/web', field })).toEqual({ is: 'absent', why: 'not there' });
    expect(await one(shop, { object: 'gadget/web', field })).toEqual({ is: 'absent', why: 'no such kind' });
    expect(await one(shop, { object: 'secret/api', field: 'metadata' })).toEqual({ is: 'absent', why: 'not shown' });
    expect(await one(shop, { object: 'deployment.cert-manager.io/api', field })).toEqual({
      is: 'absent',
      why: 'no such kind',
    });
  });
});
