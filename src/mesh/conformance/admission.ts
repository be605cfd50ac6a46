import type { KubeObject } from '#kube/api/types.ts';
import { type ConformanceCase, sourceOf } from './case-file.ts';
import { manifest, refTo } from './manifests.ts';
import type { Room } from './room.ts';
import { NotRunnable, type Observation } from './verdict.ts';

const SERVER = refTo('Server', 'web');
const MESH = refTo('MeshTLSAuthentication', 'mesh');
const NETWORK = refTo('NetworkAuthentication', 'net');

const authorization = (spec: Record<string, unknown>): KubeObject =>
  manifest('AuthorizationPolicy', 'test', { targetRef: SERVER, requiredAuthenticationRefs: [MESH, NETWORK], ...spec });
const meshTls = (spec: object): KubeObject => manifest('MeshTLSAuthentication', 'test', spec);
const network = (...networks: object[]): KubeObject => manifest('NetworkAuthentication', 'test', { networks });
const server = (spec: object = {}): KubeObject =>
  manifest('Server', 'test', { podSelector: {}, port: 80, proxyProtocol: 'HTTP/1', ...spec });
const granted = (client: object): KubeObject =>
  manifest('ServerAuthorization', 'test', { server: { name: 'test' }, client });
const limit = (spec: object = {}): KubeObject =>
  manifest('HTTPLocalRateLimitPolicy', 'test', {
    targetRef: refTo('Server', 'test'),
    total: { requestsPerSecond: 700 },
    identity: { requestsPerSecond: 100 },
    overrides: [{ requestsPerSecond: 300, clientRefs: [{ group: '', kind: 'ServiceAccount', name: 'sa-0' }] }],
    ...spec,
  });
const egress = (spec: object = {}): KubeObject =>
  manifest('EgressNetwork', 'test', { trafficPolicy: 'Allow', networks: [{ cidr: '12.12.0.0/16' }], ...spec });

type Parent = 'Server' | 'EgressNetwork' | 'EgressNetwork without port';
const parentOf = (parent: Parent): object =>
  parent === 'Server'
    ? SERVER
    : { ...refTo('EgressNetwork', 'egress'), ...(parent === 'EgressNetwork' ? { port: 555 } : {}) };
const backend = (more: object = {}): object => ({ name: 'web', port: 8888, ...more });

/** HTTPRoutes of both groups, with one rule. */
const http =
  (kind: 'HTTPRoute' | 'PolicyHTTPRoute') =>
  (rule: object = {}, parent: Parent = 'Server'): KubeObject =>
    manifest(kind, 'test', {
      parentRefs: [parentOf(parent)],
      rules: [{ matches: [{ path: { type: 'Exact', value: '/foo' } }], ...rule }],
    });
const other = (kind: string, rules: object[], parent: Parent = 'EgressNetwork'): KubeObject =>
  manifest(kind, 'test', {
    // The controller reads TLSRoutes with hostnames only.
    ...(kind === 'TLSRoute' ? { hostnames: ['example.com'] } : {}),
    parentRefs: [parentOf(parent)],
    rules,
  });
const redirect = (replaceFullPath: string) => ({
  filters: [{ type: 'RequestRedirect', requestRedirect: { path: { type: 'ReplaceFullPath', replaceFullPath } } }],
});
const filter = (type: string, field: string, value: object) => ({ filters: [{ type, [field]: value }] });

const own = http('PolicyHTTPRoute');
const gateway = http('HTTPRoute');

/** What each upstream test tries to create, by file and function. `ns` is the namespace it is tried in. */
const OBJECTS: Record<string, Record<string, (ns: string) => KubeObject>> = {
  admit_authorization_policy: {
    accepts_valid: () => authorization({}),
    accepts_targets_namespace: (ns) => authorization({ targetRef: refTo('Namespace', ns) }),
    rejects_targets_other_namespace: () => authorization({ targetRef: refTo('Namespace', 'foobar') }),
    accepts_targets_route: () =>
      authorization({ targetRef: { group: 'policy.linkerd.io', kind: 'HttpRoute', name: 'route' } }),
    accepts_valid_with_only_meshtls: () => authorization({ requiredAuthenticationRefs: [MESH] }),
    accepts_valid_with_only_network: () => authorization({ requiredAuthenticationRefs: [NETWORK] }),
    accepts_empty_required_authentications: () => authorization({ requiredAuthenticationRefs: [] }),
    rejects_missing_required_authentications: () => manifest('AuthorizationPolicy', 'test', { targetRef: SERVER }),
    rejects_target_ref_deployment: () =>
      authorization({ targetRef: { group: 'apps', kind: 'Deployment', name: 'web' } }),
    rejects_duplicate_mtls_authns: () =>
      authorization({ requiredAuthenticationRefs: [MESH, refTo('MeshTLSAuthentication', 'other')] }),
    rejects_duplicate_network_authns: () =>
      authorization({ requiredAuthenticationRefs: [NETWORK, refTo('NetworkAuthentication', 'other')] }),
  },
  admit_meshtls_authentication: {
    accepts_valid_ref: () => meshTls({ identityRefs: [{ kind: 'ServiceAccount', name: 'default' }] }),
    accepts_ns_ref: () => meshTls({ identityRefs: [{ kind: 'Namespace', name: 'default' }] }),
    rejects_namespaced_namespace: () =>
      meshTls({ identityRefs: [{ kind: 'Namespace', name: 'default', namespace: 'default' }] }),
    accepts_strings: () =>
      meshTls({ identities: ['example.id', '*.example.id', '*', 'spiffe://trust-domain/foo/bar'] }),
    rejects_empty: () => meshTls({}),
    rejects_both_refs_and_strings: () =>
      meshTls({ identities: ['example.id'], identityRefs: [{ kind: 'ServiceAccount', name: 'default' }] }),
  },
  admit_network_authentication: {
    accepts_valid: () => network({ cidr: '10.1.0.0/24' }, { cidr: '10.1.1.0/24', except: ['10.1.1.0/28'] }),
    accepts_ip_except: () => network({ cidr: '10.1.0.0/16', except: ['10.1.1.1'] }),
    rejects_except_whole_cidr: () => network({ cidr: '10.1.1.0/24', except: ['10.1.0.0/16'] }),
    rejects_except_not_in_cidr: () => network({ cidr: '10.1.1.0/24', except: ['10.1.2.0/24'] }),
    rejects_invalid_cidr: () => network({ cidr: '10.1.0.0/bogus' }),
    rejects_empty: () => network(),
  },
  admit_server: {
    accepts_valid: () => server(),
    accepts_server_updates: () => server(),
    rejects_invalid_proxy_protocol: () => server({ proxyProtocol: 'garbanzo' }),
    rejects_invalid_access_policy: () => server({ accessPolicy: 'foobar' }),
  },
  admit_server_authorization: {
    accepts_valid: () =>
      granted({
        networks: [{ cidr: '10.1.0.0/24' }, { cidr: '10.1.1.0/24', except: ['10.1.1.0/28'] }],
        unauthenticated: true,
      }),
    rejects_except_whole_cidr: () =>
      granted({ networks: [{ cidr: '10.1.1.0/24', except: ['10.1.0.0/16'] }], unauthenticated: true }),
    rejects_except_not_in_cidr: () =>
      granted({ networks: [{ cidr: '10.1.1.0/24', except: ['10.1.2.0/24'] }], unauthenticated: true }),
    rejects_invalid_cidr: () => granted({ networks: [{ cidr: '10.1.0.0/bogus' }], unauthenticated: true }),
    rejects_unauthenciated_and_mtls: () => granted({ unauthenticated: true, meshTLS: { identities: ['*'] } }),
    rejects_unauthenciated_tls_and_identities: () =>
      granted({ meshTLS: { unauthenticatedTLS: true, identities: ['*'] } }),
    accepts_network_as_ip: () => granted({ networks: [{ cidr: '10.1.1.1' }], unauthenticated: true }),
  },
  admit_http_local_ratelimit_policy: {
    accepts_valid: () => limit(),
    rejects_target_ref_deployment: () => limit({ targetRef: { group: 'apps', kind: 'Deployment', name: 'web' } }),
    rejects_identity_rps_higher_than_total: () => limit({ identity: { requestsPerSecond: 800 } }),
    rejects_overrides_rps_higher_than_total: () =>
      limit({
        overrides: [{ requestsPerSecond: 900, clientRefs: [{ group: '', kind: 'ServiceAccount', name: 'sa-0' }] }],
      }),
  },
  admit_egress_networks: {
    accepts_valid: () => egress(),
    rejects_empty_networks: () => egress({ networks: [] }),
  },
  admit_http_route: {
    accepts_valid: () => own(),
    accepts_valid_egress_network: () => own({}, 'EgressNetwork'),
    rejects_egress_network_parent_with_no_port: () => own({}, 'EgressNetwork without port'),
    rejects_relative_path_match: () => own({ matches: [{ path: { type: 'Exact', value: 'foo/bar' } }] }),
    rejects_relative_redirect_path: () => own(redirect('foo/bar')),
  },
  admit_http_route_gateway: {
    accepts_valid: () => gateway(),
    accepts_not_implemented_requestmirror: () =>
      gateway(filter('RequestMirror', 'requestMirror', { backendRef: { name: 'web', port: 8888 } })),
    accepts_not_implemented_urlrewrite: () =>
      gateway(
        filter('URLRewrite', 'urlRewrite', {
          hostname: 'foo.com',
          path: { type: 'ReplaceFullPath', replaceFullPath: '/baz' },
        }),
      ),
    accepts_not_implemented_extensionref: () =>
      gateway(filter('ExtensionRef', 'extensionRef', { group: 'foo.io', kind: 'FooExtension', name: 'foo' })),
    accepts_backend_unknown_kind: () =>
      gateway({ backendRefs: [backend({ group: 'alien.example.com', kind: 'ExoService' })] }),
    accepts_backend_service_with_port: () => gateway({ backendRefs: [backend({ group: '', kind: 'Service' })] }),
    accepts_backend_service_implicit_with_port: () => gateway({ backendRefs: [backend()] }),
    rejects_relative_path_match: () => gateway({ matches: [{ path: { type: 'Exact', value: 'foo/bar' } }] }),
    rejects_relative_redirect_path: () => gateway(redirect('foo/bar')),
    rejects_backend_service_without_port: () => gateway({ backendRefs: [{ group: '', kind: 'Service', name: 'web' }] }),
    rejects_backend_service_implicit_without_port: () => gateway({ backendRefs: [{ name: 'web' }] }),
  },
  admit_grpc_route: {
    accepts_valid_egress_network: () => other('GRPCRoute', [{}]),
    rejects_egress_network_parent_with_no_port: () => other('GRPCRoute', [{}], 'EgressNetwork without port'),
  },
};
for (const [file, kind] of [
  ['admit_tls_route', 'TLSRoute'],
  ['admit_tcp_route', 'TCPRoute'],
] as const) {
  const rule = { backendRefs: [{ name: 'my-svc', port: 80 }] };
  OBJECTS[file] = {
    accepts_valid_egress_network: () => other(kind, [rule]),
    rejects_egress_network_parent_with_no_port: () => other(kind, [rule], 'EgressNetwork without port'),
    rejects_if_more_than_one_rule: () => other(kind, [rule, rule]),
  };
}

/** Tries an object on the API server, and says whether it was admitted. */
export async function playAdmission(room: Room, of: ConformanceCase): Promise<Observation> {
  const [file = '', test = ''] = sourceOf(of).split('::');
  const make = OBJECTS[file]?.[test];
  if (!make) throw new NotRunnable(`no object is known for ${file}::${test}`);
  const refusal = await room.refusal(make(room.namespace));
  return {
    agrees: (refusal === undefined) === (of.expect.outcome === 'accept'),
    observed: refusal === undefined ? 'admitted' : `refused: ${refusal}`,
  };
}
