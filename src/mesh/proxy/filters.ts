import type { Headers } from '#mesh/http2/headers.ts';
import type { Filter, GrpcMatch, HeaderModifier, HttpMatch, Redirect } from '#mesh/policy/core/config.ts';
import type { Answer, Exchange } from './exchange.ts';

/** Takes a header out as the proxy's map of headers does: the last one takes its place. */
function removeHeader(headers: Headers, name: string): void {
  if (headers[name] === undefined) return;
  const names = Object.keys(headers);
  const last = names.at(-1)!;
  if (name === last) {
    delete headers[name];
    return;
  }
  const order = names.slice(0, -1).map((each) => (each === name ? last : each));
  const values = { ...headers };
  for (const each of names) delete headers[each];
  for (const each of order) headers[each] = values[each];
}

function modify(headers: Headers, modifier: HeaderModifier): void {
  for (const { name, value } of modifier.add) {
    const key = name.toLowerCase();
    const old = headers[key];
    headers[key] = old === undefined ? value : [...(Array.isArray(old) ? old : [old]), value];
  }
  for (const { name, value } of modifier.set) headers[name.toLowerCase()] = value;
  for (const name of modifier.remove) removeHeader(headers, name.toLowerCase());
}

/** How a filter ended a request before it went anywhere. */
export type FilterOutcome =
  | { type: 'redirect'; status: number; location: string }
  | { type: 'failure'; status: number; grpc: number; message: string }
  /** The filter can't be applied to this request. */
  | { type: 'invalid'; status: 500; message: string };

/** Applies a rule's filters to a request in place; returns what ended it, when one of them did. */
export function applyRequestFilters(
  exchange: Exchange,
  filters: Filter[],
  match: HttpMatch | GrpcMatch | undefined,
): FilterOutcome | undefined {
  for (const filter of filters) {
    if (filter.type === 'RequestHeaderModifier') modify(exchange.headers, filter.modifier);
    else if (filter.type === 'FailureInjector') {
      const { status, grpc, message } = filter;
      return { type: 'failure', status, grpc, message };
    } else if (filter.type === 'RequestRedirect') {
      const outcome = redirected(exchange, filter.redirect, match);
      if (outcome) return outcome;
    }
  }
  return undefined;
}

export function applyResponseFilters(answer: Answer, filters: Filter[]): void {
  for (const filter of filters) if (filter.type === 'ResponseHeaderModifier') modify(answer.headers, filter.modifier);
}

const USUAL: Record<string, number> = { http: 80, https: 443 };

/** Where a redirect leads; undefined when that is where the request goes anyway (linkerd/http/route, filter/redirect.rs). */
function redirected(
  { authority, path }: Exchange,
  redirect: Redirect,
  match: HttpMatch | GrpcMatch | undefined,
): FilterOutcome | undefined {
  const scheme = redirect.scheme ?? 'http';
  const [, host = authority, port] = /^(.*?)(?::(\d+))?$/.exec(authority) ?? [];
  const wanted = redirect.port ?? (redirect.hostname !== undefined && port ? Number(port) : undefined);
  const isUsual = wanted === USUAL[scheme];
  let to = authority;
  if (redirect.hostname !== undefined || redirect.port !== undefined)
    to = `${redirect.hostname ?? host}${wanted === undefined || isUsual ? '' : `:${wanted}`}`;
  const toPath = redirectedPath(path, redirect.path, match);
  if (toPath === undefined) {
    const message = 'invalid redirect: redirects may only replace the path prefix when a path prefix match applied';
    return { type: 'invalid', status: 500, message };
  }
  if (scheme === 'http' && to === authority && toPath === path) return undefined;
  return { type: 'redirect', status: redirect.statusCode, location: `${scheme}://${to}${toPath}` };
}

function redirectedPath(
  path: string,
  change: Redirect['path'],
  match: HttpMatch | GrpcMatch | undefined,
): string | undefined {
  if (!change) return path;
  // A full path takes the place of the query as well.
  if (change.type === 'ReplaceFullPath') return change.value;
  const at = path.indexOf('?');
  const [plain, query] = at < 0 ? [path, ''] : [path.slice(0, at), path.slice(at)];
  const matched = match && 'path' in match ? match.path : undefined;
  if (matched && matched.type !== 'PathPrefix') return undefined;
  const prefix = matched?.value ?? '/';
  const rest = plain.slice(prefix === '/' ? 1 : prefix.replace(/\/+$/, '').length);
  return change.value + (rest !== '' && !rest.startsWith('/') ? '/' : '') + rest + query;
}
