import { describe, expect, it } from 'vitest';
import { reviewPolicy } from '#mesh/policy/admission-review.ts';
import { refuse } from '#mesh/policy/core/admission.ts';
import { MESH, meshRef, networkRef, object } from './objects.ts';

const GATEWAY = 'gateway.networking.k8s.io';
const target = { group: MESH, kind: 'Server', name: 'web' };
type Case = [id: string, kind: string, spec: unknown, refusal?: string | RegExp, group?: string];

const service = { group: 'core', kind: 'Service', name: 'web', port: 80 };
const network = (except: string[], cidr = '10.1.0.0/16') => ({ networks: [{ cidr, except }] });
const limit = (total: number, identity: number) => ({
  targetRef: target,
  total: { requestsPerSecond: total },
  identity: { requestsPerSecond: identity },
});

const CASES: Case[] = [
  [
    'ADM-002',
    'AuthorizationPolicy',
    { targetRef: { group: 'core', kind: 'Namespace', name: 'shop' }, requiredAuthenticationRefs: [] },
  ],
  [
    'ADM-003',
    'AuthorizationPolicy',
    { targetRef: { group: 'core', kind: 'Namespace', name: 'other' }, requiredAuthenticationRefs: [] },
    'cannot target another namespace: other',
  ],
  [
    'ADM-004',
    'AuthorizationPolicy',
    { targetRef: { group: MESH, kind: 'HttpRoute', name: 'r' }, requiredAuthenticationRefs: [] },
  ],
  ['ADM-005', 'AuthorizationPolicy', { targetRef: target, requiredAuthenticationRefs: [meshRef('m')] }],
  ['ADM-006', 'AuthorizationPolicy', { targetRef: target, requiredAuthenticationRefs: [networkRef('n')] }],
  ['ADM-008', 'AuthorizationPolicy', { targetRef: target }, 'missing field `requiredAuthenticationRefs`'],
  [
    'ADM-009',
    'AuthorizationPolicy',
    { targetRef: { group: 'apps', kind: 'Deployment', name: 'd' }, requiredAuthenticationRefs: [] },
    'unsupported authorization target type: Deployment.apps',
  ],
  [
    'ADM-011',
    'AuthorizationPolicy',
    { targetRef: target, requiredAuthenticationRefs: [networkRef('a'), networkRef('b')] },
    'only a single NetworkAuthentication may be set',
  ],
  [
    'two mesh',
    'AuthorizationPolicy',
    { targetRef: target, requiredAuthenticationRefs: [meshRef('a'), { kind: 'ServiceAccount', name: 'b' }] },
    'a MeshTLSAuthentication and ServiceAccount may not be set together',
  ],
  ['ADM-012', 'MeshTLSAuthentication', { identityRefs: [{ kind: 'ServiceAccount', name: 'a' }] }],
  ['ADM-013', 'MeshTLSAuthentication', { identityRefs: [{ kind: 'Namespace', name: 'a' }] }],
  [
    'namespaced namespace',
    'MeshTLSAuthentication',
    { identityRefs: [{ kind: 'Namespace', name: 'a', namespace: 'b' }] },
    /cluster-scoped/,
  ],
  ['ADM-015', 'MeshTLSAuthentication', { identities: ['a.b', '*', '*.c.d', 'spiffe://trust/ns/a'] }],
  ['bad identity', 'MeshTLSAuthentication', { identities: ['a*'] }, /id a\* is invalid/],
  ['ADM-016', 'MeshTLSAuthentication', {}, /identities/],
  [
    'ADM-017',
    'MeshTLSAuthentication',
    { identities: ['*'], identityRefs: [{ kind: 'ServiceAccount', name: 'a' }] },
    /together/,
  ],
  [
    'ADM-018',
    'NetworkAuthentication',
    { networks: [{ cidr: '10.0.0.0/8', except: ['10.1.0.0/16'] }, { cidr: '192.168.0.0/16' }] },
  ],
  ['ADM-019', 'NetworkAuthentication', network(['10.1.1.1'])],
  [
    'ADM-020',
    'NetworkAuthentication',
    network(['10.1.0.0/16']),
    "cidr '10.1.0.0/16' is completely negated by exception '10.1.0.0/16'",
  ],
  [
    'not inside',
    'NetworkAuthentication',
    network(['10.2.0.0/16']),
    "cidr '10.1.0.0/16' does not include exception '10.2.0.0/16'",
  ],
  ['no network', 'NetworkAuthentication', { networks: [] }, 'at least one network must be specified'],
  [
    'ADM-022',
    'NetworkAuthentication',
    network([], '10.1.0.0/99'),
    'data did not match any variant of untagged enum Cidr',
  ],
  ['ADM-024', 'Server', { podSelector: {}, port: 80 }],
  ['protocol', 'Server', { podSelector: {}, port: 80, proxyProtocol: 'garbage' }, /unknown variant `garbage`/],
  ['access', 'Server', { podSelector: {}, port: 80, accessPolicy: 'maybe' }, /Invalid 'accessPolicy' field/],
  ['two selectors', 'Server', { podSelector: {}, externalWorkloadSelector: {}, port: 80 }, /exactly one/],
  ['ADM-028', 'ServerAuthorization', { server: { name: 'web' }, client: { meshTLS: { identities: ['*'] } } }],
  ['ADM-030', 'ServerAuthorization', { client: network(['10.1.0.0/16']) }, /completely negated/],
  ['ADM-031', 'ServerAuthorization', { client: network(['10.2.0.0/16']) }, /does not include/],
  [
    'ADM-033',
    'ServerAuthorization',
    { client: { unauthenticated: true, meshTLS: {} } },
    '`unauthenticated` must be false if `mesh_tls` is specified',
  ],
  ['ADM-035', 'HTTPLocalRateLimitPolicy', limit(10, 5)],
  [
    'ADM-036',
    'HTTPLocalRateLimitPolicy',
    { targetRef: { group: 'apps', kind: 'Deployment', name: 'd' } },
    'invalid targetRef kind: Deployment.apps',
  ],
  ['ADM-037', 'HTTPLocalRateLimitPolicy', limit(5, 10), /identity.requestsPerSecond must be less than or equal/],
  ['zero', 'HTTPLocalRateLimitPolicy', limit(0, 0), /total.requestsPerSecond must be greater than 0/],
  ['ADM-039', 'EgressNetwork', { trafficPolicy: 'Deny', networks: [{ cidr: '10.0.0.0/8' }] }],
  [
    'no egress network',
    'EgressNetwork',
    { trafficPolicy: 'Deny', networks: [] },
    'at least one network must be specified',
  ],
  [
    'ADM-043',
    'HTTPRoute',
    { parentRefs: [{ group: MESH, kind: 'EgressNetwork', name: 'e' }] },
    'cannot target an EgressNetwork without specifying a port',
  ],
  ['ADM-044', 'HTTPRoute', { rules: [{ matches: [{ path: { type: 'Exact', value: 'foo' } }] }] }, /absolute/],
  [
    'ADM-045',
    'HTTPRoute',
    {
      rules: [
        {
          filters: [
            { type: 'RequestRedirect', requestRedirect: { path: { type: 'ReplaceFullPath', replaceFullPath: 'foo' } } },
          ],
        },
      ],
    },
    /absolute/,
  ],
  ['ADM-047', 'HTTPRoute', { rules: [{ filters: [{ type: 'URLRewrite', urlRewrite: {} }] }] }, undefined, GATEWAY],
  ['ADM-048', 'HTTPRoute', { rules: [{ filters: [{ type: 'ExtensionRef', extensionRef: {} }] }] }, undefined, GATEWAY],
  ['ADM-049', 'HTTPRoute', { rules: [{ backendRefs: [{ group: 'x', kind: 'Y', name: 'z' }] }] }, undefined, GATEWAY],
  ['ADM-050', 'HTTPRoute', { rules: [{ backendRefs: [service] }] }, undefined, GATEWAY],
  [
    'ADM-051',
    'HTTPRoute',
    { rules: [{ backendRefs: [{ ...service, port: undefined }] }] },
    'invalid backendRef',
    GATEWAY,
  ],
  ['ADM-052', 'HTTPRoute', { rules: [{ backendRefs: [{ name: 'web' }] }] }, 'invalid backendRef', GATEWAY],
  [
    'ADM-054',
    'TLSRoute',
    { hostnames: ['a.example'], rules: [{}, {}] },
    'TlsRoute supports a single rule only',
    GATEWAY,
  ],
  ['ADM-055', 'TCPRoute', { rules: [{}, {}] }, 'TcpRoute supports a single rule only', GATEWAY],
  [
    'timeouts',
    'HTTPRoute',
    { rules: [{ timeouts: { request: '1s', backendRequest: '2s' } }] },
    'backendRequest timeout (2s) must not be greater than request timeout (1s)',
  ],
];

describe('the policy webhook', () => {
  it.each(CASES)('%s: %s', (_id, kind, spec, refusal, group = MESH) => {
    const said = refuse(object(kind, 'it', spec), group, kind);
    if (refusal === undefined) expect(said).toBeUndefined();
    else if (typeof refusal === 'string') expect(said).toBe(refusal);
    else expect(said).toMatch(refusal);
  });

  it('answers a review in its own version', () => {
    const review = {
      apiVersion: 'admission.k8s.io/v1',
      request: {
        uid: 'u',
        kind: { group: MESH, kind: 'NetworkAuthentication' },
        object: object('NetworkAuthentication', 'n', { networks: [] }),
      },
    };
    expect(reviewPolicy(review)).toMatchObject({
      apiVersion: 'admission.k8s.io/v1',
      response: { uid: 'u', allowed: false, status: { message: 'at least one network must be specified' } },
    });
    expect(reviewPolicy({}).response.allowed).toBe(false);
  });
});
