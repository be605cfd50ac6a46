import type { GrpcMatch, HttpMatch, HttpRequest, InboundRoute, Rule, ValueMatch } from './config.ts';

/** Compares two ranks: each position outweighs those after it. */
function compare(a: number[], b: number[]): number {
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return a[i]! - b[i]!;
  return 0;
}

const patterns = new Map<string, RegExp | undefined>();
/** Anchored at both ends, as the proxy anchors it. A pattern that JavaScript can't read matches nothing. */
function pattern(text: string): RegExp | undefined {
  if (!patterns.has(text)) {
    let compiled: RegExp | undefined;
    try {
      compiled = new RegExp(`^(?:${text})$`);
    } catch {
      compiled = undefined;
    }
    if (patterns.size > 1024) patterns.clear();
    patterns.set(text, compiled);
  }
  return patterns.get(text);
}

const valueMatches = (match: ValueMatch, value: string): boolean =>
  match.type === 'Exact' ? value === match.value : (pattern(match.value)?.test(value) ?? false);

/** How well a path fits, as the length of what matched; undefined when it doesn't. The kind of match has no say. */
function pathLength(match: NonNullable<HttpMatch['path']>, path: string): number | undefined {
  switch (match.type) {
    case 'Exact':
      return path === match.value ? path.length : undefined;
    case 'RegularExpression':
      return pattern(match.value)?.test(path) ? path.length : undefined;
    case 'PathPrefix': {
      const prefix = match.value.endsWith('/') ? match.value.slice(0, -1) : match.value;
      // All that is asked for is under the root, the asterisk of OPTIONS too.
      if (prefix !== '' && path !== prefix && !path.startsWith(`${prefix}/`)) return undefined;
      return Math.max(prefix.length, 1);
    }
  }
}

function headersMatch(matches: HttpMatch['headers'], request: HttpRequest): boolean {
  return matches.every((match) => {
    const name = match.name.toLowerCase();
    const value = name === 'host' ? request.host : request.headers[name];
    const values = value === undefined ? [] : Array.isArray(value) ? value : [value];
    return values.some((one) => valueMatches(match, one));
  });
}

function httpRank(match: HttpMatch, request: HttpRequest): number[] | undefined {
  if (match.method && match.method !== request.method) return undefined;
  const query = request.path.indexOf('?');
  const path = query < 0 ? request.path : request.path.slice(0, query);
  const length = match.path ? pathLength(match.path, path) : 0;
  if (length === undefined || !headersMatch(match.headers, request)) return undefined;
  if (match.queryParams.length > 0) {
    const params = new URLSearchParams(query < 0 ? '' : request.path.slice(query + 1));
    if (!match.queryParams.every((want) => params.getAll(want.name).some((value) => valueMatches(want, value)))) {
      return undefined;
    }
  }
  return [length, match.headers.length, match.queryParams.length, match.method ? 1 : 0];
}

function grpcRank(match: GrpcMatch, request: HttpRequest): number[] | undefined {
  const [, service, method] = /^\/([^/?]+)\/([^/?]+)$/.exec(request.path)!;
  if (match.service && match.service !== service) return undefined;
  if (match.method && match.method !== method) return undefined;
  if (!headersMatch(match.headers, request)) return undefined;
  return [match.service?.length ?? 0, match.method?.length ?? 0, match.headers.length, 0];
}

/** 0 without hosts, 1 + length for a suffix, more for an exact name; undefined when no host fits. */
function hostRank(hosts: string[], host: string): number | undefined {
  if (hosts.length === 0) return 0;
  const name = host.replace(/:\d+$/, '').toLowerCase();
  let best: number | undefined;
  for (const raw of hosts) {
    const want = raw.toLowerCase();
    const rank = want.startsWith('*.')
      ? name.endsWith(want.slice(1)) && name.length >= want.length
        ? want.length
        : undefined
      : name === want
        ? 1_000_000
        : undefined;
    if (rank !== undefined && (best === undefined || rank > best)) best = rank;
  }
  return best;
}

/** The least that routing looks at: routes of Servers, of Services and of EgressNetworks all have it. */
export type Routable = { hosts: string[] } & (
  | { protocol: 'http'; rules: Rule<HttpMatch>[] }
  | { protocol: 'grpc'; rules: Rule<GrpcMatch>[] }
);

export interface Found<Route> {
  route: Route;
  rule: number;
  match?: HttpMatch | GrpcMatch;
}

/**
 * The rule for a request: the best host, then the longest path, most headers, most query parameters, a method; the first
 * of equals wins, so routes come oldest first. gRPC routes see only POST to `/service/method`.
 */
export function findRoute<Route extends Routable>(routes: Route[], request: HttpRequest): Found<Route> | undefined {
  const grpc = request.method === 'POST' && /^\/[^/?]+\/[^/?]+$/.test(request.path);
  let best: (Found<Route> & { rank: number[] }) | undefined;
  for (const route of routes) {
    if (route.protocol === 'grpc' && !grpc) continue;
    const host = hostRank(route.hosts, request.host);
    if (host === undefined) continue;
    for (const [rule, { matches }] of route.rules.entries()) {
      const ranks: { rank: number[] | undefined; match?: HttpMatch | GrpcMatch }[] =
        matches.length === 0
          ? [{ rank: [0, 0, 0, 0] }]
          : matches.map((match) => ({
              match,
              rank:
                route.protocol === 'grpc'
                  ? grpcRank(match as GrpcMatch, request)
                  : httpRank(match as HttpMatch, request),
            }));
      for (const { rank, match } of ranks) {
        if (!rank) continue;
        const whole = [host, ...rank];
        if (!best || compare(whole, best.rank) > 0) {
          best = { route, rule, rank: whole, ...(match ? { match } : {}) };
        }
      }
    }
  }
  return best && { route: best.route, rule: best.rule, ...(best.match ? { match: best.match } : {}) };
}

/** Kept for readers of configurations: the route that serves a request to a Server. */
export const findInboundRoute = (routes: InboundRoute[], request: HttpRequest): Found<InboundRoute> | undefined =>
  findRoute(routes, request);
