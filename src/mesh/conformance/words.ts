import type { KubeObject } from '#kube/api/types.ts';
import { manifest, refTo, serverFor, WEB_PORT, webPod } from './manifests.ts';
import { NotRunnable } from './verdict.ts';

/** A workload whose ports are looked at, and the objects around it, as a case's words tell them. */
export interface Scene {
  objects: KubeObject[];
  /** Removed once everything is there. */
  removed: KubeObject[];
  /** As the controller is asked about it. */
  workload(namespace: string): string;
  port: number;
}

const ADMIN_PORT = 4191;

/** Reads words such as `Server proxyProtocol gRPC`, `AuthorizationPolicy->HTTPRoute` or `Pod with probes`. */
export function sceneOf(words: string[], title: string, expected = ''): Scene {
  const external = words.some((each) => each.startsWith('ExternalWorkload'));
  const admin = words.some((each) => each.includes('linkerd-admin'));
  const objects: KubeObject[] = [];
  const removed: KubeObject[] = [];
  const probes = words.some((each) => /probes/.test(each)) || /probe/.test(`${title} ${expected}`);
  if (external) objects.push(externalWorkload());
  else objects.push(webPod({ probes }));
  const servers: KubeObject[] = [];
  for (const each of words) {
    if (/^(pod|Pod|ExternalWorkload)\b/.test(each)) continue;
    const made = objectOf(each, { words, title, external, admin, servers });
    objects.push(...made);
    for (const one of made) if (one.kind === 'Server') servers.push(one);
  }
  if (/\bolder Server deleted\b/.test(title)) {
    const older = serverFor('older');
    objects.splice(1, 0, older);
    removed.push(older);
  }
  return {
    objects,
    removed,
    workload: (ns) => JSON.stringify(external ? { ns, external_workload: 'external' } : { ns, pod: 'web' }),
    port: external ? 80 : admin ? ADMIN_PORT : WEB_PORT,
  };
}

interface Around {
  words: string[];
  title: string;
  external: boolean;
  admin: boolean;
  servers: KubeObject[];
}

function objectOf(text: string, around: Around): KubeObject[] {
  const [kind = ''] = /^[A-Za-z]+/.exec(text) ?? [];
  const server = around.servers.at(-1)?.metadata.name ?? 'web';
  switch (kind) {
    case 'Server':
      return [serverOf(text, around)];
    case 'ServerAuthorization':
      return [
        manifest('ServerAuthorization', 'authz-foo', {
          server: /server\.selector/.test(text) ? { selector: { matchLabels: { app: 'app-0' } } } : { name: server },
          client: { unauthenticated: true },
        }),
      ];
    case 'NetworkAuthentication':
      return [manifest('NetworkAuthentication', 'net', { networks: [{ cidr: '10.0.0.0/8' }, { cidr: 'fd00::/8' }] })];
    case 'MeshTLSAuthentication':
      return [manifest('MeshTLSAuthentication', 'mesh', { identities: ['*'] })];
    case 'AuthorizationPolicy':
      return [authorizationOf(text, around, server)];
    case 'HTTPRoute':
    case 'GRPCRoute':
      return routesOf(kind, text, server, around.external);
    case 'HTTPLocalRateLimitPolicy':
      return [
        manifest('HTTPLocalRateLimitPolicy', 'limit', {
          targetRef: refTo('Server', server),
          total: { requestsPerSecond: 1000 },
          identity: { requestsPerSecond: 100 },
          overrides: [{ requestsPerSecond: 200, clientRefs: [{ group: '', kind: 'ServiceAccount', name: 'sa-0' }] }],
        }),
      ];
    default:
      throw new NotRunnable(`the words "${text}" are not understood`);
  }
}

/** Words that say something of a Server and are not its name. */
const NOT_A_NAME = /^(HTTP\/[12]|gRPC|opaque|TLS|unknown|proxyProtocol|accessPolicy.*|\w+=\S+|\(.*|x\d)$/;

function serverOf(text: string, { external, admin }: Around): KubeObject {
  const [, protocol] = /(?:proxyProtocol[ :]|\s)(HTTP\/[12]|gRPC|opaque|TLS|unknown)/.exec(text) ?? [];
  const [, access] = /accessPolicy[ :]([a-z-]+)/.exec(text) ?? [];
  const [, label] = /\bapp=(\S+)/.exec(text) ?? [];
  const named = text
    .split(/\s+/)
    .slice(1)
    .find((word) => !NOT_A_NAME.test(word) && /^[a-z][a-z0-9-]*$/.test(word) && word !== access);
  const spec: Record<string, unknown> = {
    ...(protocol ? { proxyProtocol: protocol } : {}),
    ...(access ? { accessPolicy: access } : {}),
    ...(admin ? { port: 'linkerd-admin' } : {}),
  };
  if (external) {
    return manifest('Server', named ?? 'external', {
      externalWorkloadSelector: { matchLabels: { app: 'external' } },
      port: 'http',
      proxyProtocol: 'HTTP/1',
      ...spec,
    });
  }
  return serverFor(named ?? 'web', spec, label ? { labels: { app: label } } : {});
}

function authorizationOf(text: string, { words, title }: Around, server: string): KubeObject {
  const [, target = 'Server'] = /->(\w+)/.exec(text) ?? [];
  const route = target === 'HTTPRoute' || target === 'GRPCRoute';
  const targetRef = target === 'Namespace' ? refTo('Namespace', '<ns>') : refTo(target, route ? 'route' : server);
  const refs = words.some((each) => each.startsWith('NetworkAuthentication'))
    ? [refTo('NetworkAuthentication', 'net')]
    : [];
  if (words.some((each) => each.startsWith('MeshTLSAuthentication'))) refs.push(refTo('MeshTLSAuthentication', 'mesh'));
  if (/dangling/.test(text)) {
    refs.push(refTo(/NetworkAuthentication/.test(title) ? 'NetworkAuthentication' : 'MeshTLSAuthentication', 'gone'));
  }
  const service = /ServiceAccount/.test(title) ? [refTo('ServiceAccount', 'default')] : [];
  return manifest('AuthorizationPolicy', 'authz', { targetRef, requiredAuthenticationRefs: [...refs, ...service] });
}

function routesOf(kind: 'HTTPRoute' | 'GRPCRoute', text: string, server: string, external: boolean): KubeObject[] {
  const parentRefs = [refTo('Server', server)];
  const rules = kind === 'HTTPRoute' ? [{ matches: [{ path: { type: 'PathPrefix', value: '/' } }] }] : [{}];
  const named = text
    .split(/\s+/)
    .slice(1)
    .find((word) => /^[a-z][a-z0-9-]*$/.test(word) && !['without', 'with', 'status', 'prefix', 'exact'].includes(word));
  const made = manifest(kind, named ?? 'route', { parentRefs, rules });
  if (external) return [made];
  if (!/without status/.test(text)) return [made];
  // The controller accepts every good route at once; one that a route of a higher kind outranks stays unaccepted.
  return [manifest('GRPCRoute', 'outranks', { parentRefs, rules: [{}] }), made];
}

const externalWorkload = (): KubeObject =>
  manifest(
    'ExternalWorkload',
    'external',
    {
      meshTLS: { identity: 'spiffe://trust-domain/external', serverName: 'external.local' },
      ports: [{ name: 'http', port: 80 }],
      workloadIPs: [{ ip: '192.0.2.2' }],
    },
    { labels: { app: 'external' } },
  );
