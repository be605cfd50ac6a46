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

/** What a path says, whatever is done with it. */
type Place = Pick<Attributes, 'group' | 'version' | 'resource' | 'subresource' | 'namespace' | 'name'> & {
  isResource: boolean;
  watches: boolean;
};

/** Bounds the paths that are remembered. */
const MOST_PATHS = 512;
const places = new Map<string, Place>();

/** Reads what a path and method mean. Source: apiserver/pkg/endpoints/request.RequestInfoFactory. */
export function attributesOf(request: ApiRequest, user: UserInfo): Attributes {
  const { path, method } = request;
  const { isResource, watches, group, version, resource, subresource, namespace, name } = placeOf(path);
  const place = { user, path, group, version, resource, subresource, namespace, name, isResource };
  if (!isResource) return { ...place, verb: method.toLowerCase() };
  let verb = VERBS[method];
  const isWatch = ['true', '1', ''].includes(request.query.get('watch') ?? 'false');
  if (verb === 'get' && !name) verb = isWatch ? 'watch' : 'list';
  if (verb === 'delete' && !name) verb = 'deletecollection';
  if (watches) verb = 'watch';
  return { ...place, verb };
}

function placeOf(path: string): Place {
  const known = places.get(path);
  if (known) return known;
  const place = readPlace(path);
  if (places.size >= MOST_PATHS) places.clear();
  places.set(path, place);
  return place;
}

function readPlace(path: string): Place {
  const resource = resourceParts(path.split('/').filter(Boolean).map(decode));
  if (!resource || resource.rest.length === 0)
    return {
      isResource: false,
      watches: false,
      group: '',
      version: '',
      resource: '',
      subresource: '',
      namespace: '',
      name: '',
    };
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
  return {
    isResource: true,
    watches,
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
