import type { ApiRequest } from '#kube/api/http.ts';
import type { UserInfo } from '#kube/api/types.ts';
import type { Attributes } from './seams.ts';

const VERBS: Record<ApiRequest['method'], string> = {
  GET: 'get',
  HEAD: 'get',
  POST: 'create',
  PUT: 'update',
  PATCH: 'patch',
  DELETE: 'delete',
  OPTIONS: 'options',
};

/** Reads what a path and method mean. Source: apiserver/pkg/endpoints/request.RequestInfoFactory. */
export function attributesOf(request: ApiRequest, user: UserInfo): Attributes {
  const base = {
    user,
    path: request.path,
    group: '',
    version: '',
    resource: '',
    subresource: '',
    namespace: '',
    name: '',
  };
  const parts = request.path.split('/').filter(Boolean).map(decode);
  const resource = resourceParts(parts);
  if (!resource || resource.rest.length === 0)
    return { ...base, verb: request.method.toLowerCase(), isResource: false };
  const { group, version } = resource;
  let { rest } = resource;
  // The old way to watch, which aggregated APIs still use: the verb stands in the path.
  const watches = rest[0] === 'watch' && rest.length > 1;
  if (watches) rest = rest.slice(1);
  let namespace = '';
  if (rest[0] === 'namespaces' && rest.length > 2 && !['status', 'finalize'].includes(rest[2]!)) {
    namespace = rest[1]!;
    rest = rest.slice(2);
  } else if (rest[0] === 'namespaces' && rest.length > 1) {
    namespace = rest[1]!;
  }
  const [plural = '', name = '', ...sub] = rest;
  let verb = VERBS[request.method];
  const isWatch = ['true', '1', ''].includes(request.query.get('watch') ?? 'false');
  if (verb === 'get' && !name) verb = isWatch ? 'watch' : 'list';
  if (verb === 'delete' && !name) verb = 'deletecollection';
  if (watches) verb = 'watch';
  return {
    ...base,
    verb,
    isResource: true,
    group,
    version,
    resource: plural,
    name,
    // What follows `proxy` is the program's own path.
    subresource: sub[0] === 'proxy' ? 'proxy' : sub.join('/'),
    namespace,
  };
}

function resourceParts(parts: string[]): { group: string; version: string; rest: string[] } | undefined {
  if (parts[0] === 'api' && parts[1]) return { group: '', version: parts[1], rest: parts.slice(2) };
  if (parts[0] === 'apis' && parts[1] && parts[2]) return { group: parts[1], version: parts[2], rest: parts.slice(3) };
  return undefined;
}

function decode(part: string): string {
  if (!part.includes('%')) return part;
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
