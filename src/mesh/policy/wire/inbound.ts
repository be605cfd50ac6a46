import { networkMessage, networkText } from '#mesh/api/addresses.ts';
import type { Message } from '#mesh/api/protobuf.ts';
import { durationOf, millisOf } from '#mesh/api/types.ts';
import type {
  Authentication,
  Authorization,
  GrpcMatch,
  HttpMatch,
  IdentityMatch,
  InboundConfig,
  InboundRoute,
  NetworkMatch,
  Protocol,
  RateLimit,
  Ref,
} from '../core/config.ts';
import {
  filterFrom,
  filterMessage,
  grpcMatchFrom,
  grpcMatchMessage,
  hostFrom,
  hostMessage,
  httpMatchFrom,
  httpMatchMessage,
  listed,
  refFrom,
  refMessage,
} from './matches.ts';

/** `InboundConfig` as the Server message of inbound.proto. */
export function serverMessage(config: InboundConfig): Message {
  return {
    protocol: protocolMessage(config),
    ...listed('authorizations', config.authorizations.map(authorizationMessage)),
    labels: labelsOf(config.server),
  };
}

/** What a proxy reads from it; `port` is the one it asked for. */
export function configFrom(message: Message, port: number): InboundConfig {
  const { kind, body } = protocolFrom(message['protocol'] ?? {});
  const routes: Message[] = body['routes'] ?? body['http_routes'] ?? [];
  const limit: Message | undefined = body['local_rate_limit'] ?? body['http_local_rate_limit'];
  const { group = '', kind: serverKind = 'default', name = '' } = message['labels'] ?? {};
  return {
    server: { group, kind: serverKind, name },
    port,
    protocol: kind,
    detectTimeoutMs: millisOf(body['timeout']) ?? 10_000,
    authorizations: (message['authorizations'] ?? []).map(authorizationFrom),
    routes: routes.map((route) => routeFrom(route, kind === 'grpc' ? 'grpc' : 'http')),
    ...(limit ? { rateLimit: rateLimitFrom(limit) } : {}),
  };
}

const labelsOf = ({ group, kind, name }: Ref): Record<string, string> => ({ group, kind, name });

function protocolMessage(config: InboundConfig): Message {
  const { protocol, rateLimit } = config;
  const routes = config.routes.map(routeMessage);
  const limit = rateLimit && rateLimitMessage(rateLimit);
  switch (protocol) {
    case 'detect':
      return {
        detect: {
          timeout: durationOf(config.detectTimeoutMs),
          ...listed('http_routes', routes),
          ...(limit ? { http_local_rate_limit: limit } : {}),
        },
      };
    case 'http1':
    case 'http2':
      return { [protocol]: { ...listed('routes', routes), ...(limit ? { local_rate_limit: limit } : {}) } };
    case 'grpc':
      return { grpc: listed('routes', routes) };
    default:
      return { [protocol]: {} };
  }
}

function protocolFrom(message: Message): { kind: Protocol; body: Message } {
  const [kind = 'detect', body = {}] = Object.entries(message)[0] ?? [];
  return { kind: kind as Protocol, body };
}

const networkMatchMessage = (match: NetworkMatch): Message => ({
  net: networkMessage(match.cidr),
  ...listed('except', match.except.map(networkMessage)),
});
const networkMatchFrom = (message: Message): NetworkMatch => ({
  cidr: networkText(message['net'] ?? {}),
  except: (message['except'] ?? []).map(networkText),
});

function authenticationMessage(authentication: Authentication): Message {
  if (authentication.kind === 'unauthenticated') return { unauthenticated: {} };
  if (authentication.kind === 'tls-unauthenticated') return { meshTLS: { unauthenticated: {} } };
  const exact = authentication.identities.flatMap((each) => ('exact' in each ? [{ name: each.exact }] : []));
  const suffixes = authentication.identities.flatMap((each) =>
    'suffix' in each ? [listed('parts', each.suffix === '' ? [] : each.suffix.split('.'))] : [],
  );
  return { meshTLS: { identities: { ...listed('identities', exact), ...listed('suffixes', suffixes) } } };
}

function authenticationFrom(message: Message): Authentication {
  const mesh = message['meshTLS'];
  if (!mesh) return { kind: 'unauthenticated' };
  if (mesh.unauthenticated) return { kind: 'tls-unauthenticated' };
  const { identities = [], suffixes = [] } = mesh.identities ?? {};
  return {
    kind: 'tls',
    identities: [
      ...identities.map((each: Message): IdentityMatch => ({ exact: each['name'] ?? '' })),
      ...suffixes.map((each: Message): IdentityMatch => ({ suffix: (each['parts'] ?? []).join('.') })),
    ],
  };
}

const authorizationMessage = (authorization: Authorization): Message => ({
  networks: authorization.networks.map(networkMatchMessage),
  authentication: authenticationMessage(authorization.authentication),
  labels: labelsOf(authorization.ref),
  metadata: refMessage(authorization.ref),
});

const authorizationFrom = (message: Message): Authorization => ({
  ref: refFrom(message['metadata']).ref,
  networks: (message['networks'] ?? []).map(networkMatchFrom),
  authentication: authenticationFrom(message['authentication'] ?? {}),
});

const routeMessage = (route: InboundRoute): Message => ({
  metadata: refMessage(route.ref),
  ...listed('hosts', route.hosts.map(hostMessage)),
  ...listed('authorizations', route.authorizations.map(authorizationMessage)),
  ...listed(
    'rules',
    route.rules.map((rule) => ({
      ...listed(
        'matches',
        rule.matches.map((match) =>
          route.protocol === 'grpc' ? grpcMatchMessage(match as GrpcMatch) : httpMatchMessage(match as HttpMatch),
        ),
      ),
      ...listed(
        'filters',
        rule.filters.map((each) => filterMessage(each)),
      ),
    })),
  ),
});

function routeFrom(message: Message, protocol: 'http' | 'grpc'): InboundRoute {
  return {
    protocol,
    ...refFrom(message['metadata']),
    hosts: (message['hosts'] ?? []).map(hostFrom),
    authorizations: (message['authorizations'] ?? []).map(authorizationFrom),
    rules: (message['rules'] ?? []).map((rule: Message) => ({
      matches: (rule['matches'] ?? []).map(protocol === 'grpc' ? grpcMatchFrom : httpMatchFrom),
      filters: (rule['filters'] ?? []).map(filterFrom).filter(Boolean),
    })),
  } as InboundRoute;
}

const rps = (value: number): Message => ({ requestsPerSecond: value });

const rateLimitMessage = (limit: RateLimit): Message => ({
  metadata: refMessage(limit.ref),
  ...(limit.totalRps ? { total: rps(limit.totalRps) } : {}),
  ...(limit.identityRps ? { identity: rps(limit.identityRps) } : {}),
  ...listed(
    'overrides',
    limit.overrides.map((each) => ({
      limit: rps(each.rps),
      clients: { identities: each.identities.map((name) => ({ name })) },
    })),
  ),
});

function rateLimitFrom(message: Message): RateLimit {
  const { ref, namespace = '' } = refFrom(message['metadata']);
  return {
    ref,
    namespace,
    ...(message['total'] ? { totalRps: message['total'].requestsPerSecond } : {}),
    ...(message['identity'] ? { identityRps: message['identity'].requestsPerSecond } : {}),
    overrides: (message['overrides'] ?? []).map((each: Message) => ({
      rps: each['limit']?.requestsPerSecond ?? 0,
      identities: (each['clients']?.identities ?? []).map((one: Message) => one['name'] ?? ''),
    })),
  };
}
