import { addressMatches, isLoopback } from './addresses.ts';
import {
  type Authorization,
  builtIn,
  type Client,
  type Filter,
  type GrpcMatch,
  type HttpMatch,
  type HttpRequest,
  type InboundConfig,
  type InboundRoute,
  type RateLimit,
  type Ref,
} from './config.ts';
import { identityMatches } from './identities.ts';
import { findRoute } from './match.ts';
import type { Limited, RateLimiter } from './rate-limit.ts';

/** Whether one authorization covers a client: its address and how it authenticated. */
export function authorizes(authorization: Authorization, client: Client): boolean {
  if (!addressMatches(authorization.networks, client.ip)) return false;
  const { authentication } = authorization;
  switch (authentication.kind) {
    case 'unauthenticated':
      return true;
    case 'tls-unauthenticated':
      return client.tls.kind === 'established';
    case 'tls':
      return (
        client.tls.kind === 'established' &&
        client.tls.identity !== undefined &&
        identityMatches(authentication.identities, client.tls.identity)
      );
  }
}

/** The first authorization that covers the client; loopback needs none (policy rule 8). */
function authorizer(authorizations: Authorization[], client: Client): Ref | undefined {
  if (isLoopback(client.ip)) return builtIn('localhost');
  return authorizations.find((each) => authorizes(each, client))?.ref;
}

export type ConnectionDecision =
  | { outcome: 'allow'; server: Ref; authorization: Ref }
  | { outcome: 'deny'; server: Ref };

/**
 * Decides a connection that carries no HTTP this proxy reads: on opaque and TLS servers, and on `detect` servers once
 * the bytes turned out not to be HTTP (policy rule 15).
 */
export function decideConnection(config: InboundConfig, client: Client): ConnectionDecision {
  const authorization = authorizer(config.authorizations, client);
  return authorization
    ? { outcome: 'allow', server: config.server, authorization }
    : { outcome: 'deny', server: config.server };
}

export type RequestDecision =
  | {
      outcome: 'allow';
      server: Ref;
      route: Ref;
      authorization: Ref;
      filters: Filter[];
      /** What matched, for filters that replace a prefix. */
      match?: HttpMatch | GrpcMatch;
    }
  /** 403; gRPC 7. */
  | { outcome: 'deny'; server: Ref; route: Ref }
  /** 404; gRPC 5. Said before anybody looks at who asks. */
  | { outcome: 'route-not-found'; server: Ref }
  /** 429; gRPC 8. */
  | { outcome: 'rate-limited'; server: Ref; route: Ref; limit: RateLimit; limited: Limited };

/** Route, then authorization, then rate limit (policy rule 14). Give the limiter that belongs to `config.rateLimit`. */
export function decideRequest(
  config: InboundConfig,
  client: Client,
  request: HttpRequest,
  limiter?: RateLimiter,
): RequestDecision {
  const { server } = config;
  const found = findRoute<InboundRoute>(config.routes, request);
  if (!found) return { outcome: 'route-not-found', server };
  const route = found.route.ref;
  // Authorizations of the server open each of its routes (policy rule 5).
  const authorization = authorizer(found.route.authorizations, client) ?? authorizer(config.authorizations, client);
  if (!authorization) return { outcome: 'deny', server, route };
  if (config.rateLimit && limiter) {
    const limited = limiter.check(client);
    if (limited) return { outcome: 'rate-limited', server, route, limit: config.rateLimit, limited };
  }
  return {
    outcome: 'allow',
    server,
    route,
    authorization,
    filters: found.route.rules[found.rule]!.filters,
    ...(found.match ? { match: found.match } : {}),
  };
}

export type Decision = ConnectionDecision | RequestDecision;

/** Decides a request where there is one, else the connection. */
export function decide(config: InboundConfig, client: Client, request?: HttpRequest, limiter?: RateLimiter): Decision {
  return request && config.protocol !== 'opaque' && config.protocol !== 'tls'
    ? decideRequest(config, client, request, limiter)
    : decideConnection(config, client);
}

/** The status an HTTP client sees, and the gRPC status a gRPC client sees, for a refusal. */
export const REFUSALS = {
  deny: { http: 403, grpc: 7, message: 'unauthorized request on route' },
  'route-not-found': { http: 404, grpc: 5, message: 'no route found for request' },
  'rate-limited': { http: 429, grpc: 8, message: 'rate limit exceeded' },
} as const;
