import type { Headers } from '#mesh/http2/headers.ts';
import type { Filter, GrpcMatch, HeaderModifier, HttpMatch } from '#mesh/policy/core/config.ts';
import { type Answer, type Exchange, plainAnswer } from './exchange.ts';

function modify(headers: Headers, modifier: HeaderModifier): void {
  for (const { name, value } of modifier.set) headers[name.toLowerCase()] = value;
  for (const { name, value } of modifier.add) {
    const key = name.toLowerCase();
    const old = headers[key];
    headers[key] = old === undefined ? value : [...(Array.isArray(old) ? old : [old]), value];
  }
  for (const name of modifier.remove) delete headers[name.toLowerCase()];
}

/** Applies a rule's filters to a request in place; returns the answer when one of them answers at once. */
export function applyRequestFilters(
  exchange: Exchange,
  filters: Filter[],
  match: HttpMatch | GrpcMatch | undefined,
  port: number,
): Answer | undefined {
  for (const filter of filters) {
    if (filter.type === 'RequestHeaderModifier') modify(exchange.headers, filter.modifier);
    else if (filter.type === 'FailureInjector') {
      return plainAnswer(exchange, filter.status, { code: filter.grpc, message: filter.message });
    } else if (filter.type === 'RequestRedirect') {
      const { scheme = 'http', hostname, path, statusCode } = filter.redirect;
      const [oldHost = '', oldPort] = exchange.authority.split(':');
      const target = filter.redirect.port ?? (filter.redirect.scheme ? undefined : oldPort ? Number(oldPort) : port);
      const usual =
        target === undefined || (scheme === 'http' && target === 80) || (scheme === 'https' && target === 443);
      const authority = `${hostname ?? oldHost}${usual ? '' : `:${target}`}`;
      const location = `${scheme}://${authority}${redirectedPath(exchange.path, path, match)}`;
      return { status: statusCode, headers: { location, 'content-length': '0' } };
    }
  }
  return undefined;
}

export function applyResponseFilters(answer: Answer, filters: Filter[]): void {
  for (const filter of filters) if (filter.type === 'ResponseHeaderModifier') modify(answer.headers, filter.modifier);
}

function redirectedPath(
  path: string,
  change: { type: 'ReplaceFullPath' | 'ReplacePrefixMatch'; value: string } | undefined,
  match: HttpMatch | GrpcMatch | undefined,
): string {
  if (!change) return path;
  const [plain = '', query] = path.split('?');
  const tail = query === undefined ? '' : `?${query}`;
  if (change.type === 'ReplaceFullPath') return `${change.value}${tail}`;
  const prefix = match && 'path' in match && match.path?.type === 'PathPrefix' ? match.path.value : '/';
  const rest = plain.slice(prefix.replace(/\/$/, '').length).replace(/^\//, '');
  return `${change.value.replace(/\/$/, '')}/${rest}`.replace(/(.)\/$/, rest === '' ? '$1' : '$1/') + tail;
}
