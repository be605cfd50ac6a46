import type { Message } from '#mesh/api/protobuf.ts';
import { METHODS, SCHEMES } from '#mesh/api/types.ts';
import type { Filter, GrpcMatch, HeaderModifier, HttpMatch, Ref, ValueMatch } from '../core/config.ts';

/** Matches and filters of routes as messages of linkerd2-proxy-api, and back. Inbound and outbound share them. */

const some = <T>(name: string, list: T[]): Record<string, T[]> => (list.length > 0 ? { [name]: list } : {});

export const refMessage = (ref: Ref, namespace?: string): Message =>
  ref.kind === 'default'
    ? { default: ref.name }
    : { resource: { group: ref.group, kind: ref.kind, name: ref.name, ...(namespace ? { namespace } : {}) } };

export const refFrom = (message: Message | undefined): { ref: Ref; namespace?: string } => {
  const resource = message?.['resource'];
  if (!resource) return { ref: { group: '', kind: 'default', name: message?.['default'] ?? '' } };
  const { group = '', kind = '', name = '', namespace } = resource;
  return { ref: { group, kind, name }, ...(namespace ? { namespace } : {}) };
};

export const hostMessage = (host: string): Message =>
  host.startsWith('*.') ? { suffix: { reverse_labels: host.slice(2).split('.').reverse() } } : { exact: host };
export const hostFrom = (message: Message): string =>
  message['suffix']
    ? `*.${[...(message['suffix'].reverse_labels ?? [])].reverse().join('.')}`
    : (message['exact'] ?? '');

const headerMessage = (match: ValueMatch & { name: string }): Message => ({
  name: match.name,
  ...(match.type === 'Exact' ? { exact: Buffer.from(match.value) } : { regex: match.value }),
});
const headerFrom = (message: Message): ValueMatch & { name: string } =>
  message['regex'] === undefined
    ? { name: message['name'], type: 'Exact', value: Buffer.from(message['exact'] ?? []).toString() }
    : { name: message['name'], type: 'RegularExpression', value: message['regex'] };

const queryMessage = (match: ValueMatch & { name: string }): Message => ({
  name: match.name,
  ...(match.type === 'Exact' ? { exact: match.value } : { regex: match.value }),
});
const queryFrom = (message: Message): ValueMatch & { name: string } =>
  message['regex'] === undefined
    ? { name: message['name'], type: 'Exact', value: message['exact'] ?? '' }
    : { name: message['name'], type: 'RegularExpression', value: message['regex'] };

const PATHS = { Exact: 'exact', PathPrefix: 'prefix', RegularExpression: 'regex' } as const;

export function httpMatchMessage(match: HttpMatch): Message {
  const method = match.method && METHODS.indexOf(match.method);
  return {
    ...(match.path ? { path: { [PATHS[match.path.type]]: match.path.value } } : {}),
    ...some('headers', match.headers.map(headerMessage)),
    ...some('query_params', match.queryParams.map(queryMessage)),
    ...(match.method
      ? { method: (method as number) >= 0 ? { registered: method } : { unregistered: match.method } }
      : {}),
  };
}

export function httpMatchFrom(message: Message): HttpMatch {
  const { path, method } = message;
  const type = (Object.keys(PATHS) as (keyof typeof PATHS)[]).find((each) => path?.[PATHS[each]] !== undefined);
  const name: string | undefined = method && (method.unregistered ?? METHODS[method.registered ?? 0]);
  return {
    ...(type ? { path: { type, value: path[PATHS[type]] } } : {}),
    headers: (message['headers'] ?? []).map(headerFrom),
    queryParams: (message['query_params'] ?? []).map(queryFrom),
    ...(name ? { method: name } : {}),
  };
}

export const grpcMatchMessage = (match: GrpcMatch): Message => ({
  ...(match.service || match.method
    ? {
        rpc: {
          ...(match.service ? { service: match.service } : {}),
          ...(match.method ? { method: match.method } : {}),
        },
      }
    : {}),
  ...some('headers', match.headers.map(headerMessage)),
});
export const grpcMatchFrom = (message: Message): GrpcMatch => ({
  ...(message['rpc']?.service ? { service: message['rpc'].service } : {}),
  ...(message['rpc']?.method ? { method: message['rpc'].method } : {}),
  headers: (message['headers'] ?? []).map(headerFrom),
});

type Pair = { name: string; value: string };
const pairs = (name: string, list: Pair[]): Message =>
  list.length === 0
    ? {}
    : { [name]: { headers: list.map((each) => ({ name: each.name, value: Buffer.from(each.value) })) } };
const pairsFrom = (message: Message | undefined): Pair[] =>
  (message?.['headers'] ?? []).map((each: Message) => ({
    name: each['name'],
    value: Buffer.from(each['value'] ?? []).toString(),
  }));
const modifierMessage = (modifier: HeaderModifier): Message => ({
  ...pairs('add', modifier.add),
  ...pairs('set', modifier.set),
  ...some('remove', modifier.remove),
});
const modifierFrom = (message: Message): HeaderModifier => ({
  add: pairsFrom(message['add']),
  set: pairsFrom(message['set']),
  remove: message['remove'] ?? [],
});

/** `grpc` for filters of a GRPCRoute, whose failures are gRPC codes. */
export function filterMessage(filter: Filter, grpc = false): Message {
  switch (filter.type) {
    case 'FailureInjector':
      return {
        failure_injector: grpc
          ? { code: filter.grpc, message: filter.message }
          : { status: filter.status, message: filter.message },
      };
    case 'RequestHeaderModifier':
      return { request_header_modifier: modifierMessage(filter.modifier) };
    case 'ResponseHeaderModifier':
      return { response_header_modifier: modifierMessage(filter.modifier) };
    case 'RequestRedirect': {
      const { scheme, hostname, path, port, statusCode } = filter.redirect;
      const known = scheme ? SCHEMES.indexOf(scheme) : -1;
      return {
        redirect: {
          ...(scheme ? { scheme: known >= 0 ? { registered: known } : { unregistered: scheme } } : {}),
          ...(hostname ? { host: hostname } : {}),
          ...(path ? { path: { [path.type === 'ReplaceFullPath' ? 'full' : 'prefix']: path.value } } : {}),
          ...(port ? { port } : {}),
          status: statusCode,
        },
      };
    }
  }
}

export function filterFrom(message: Message): Filter | undefined {
  if (message['request_header_modifier']) {
    return { type: 'RequestHeaderModifier', modifier: modifierFrom(message['request_header_modifier']) };
  }
  if (message['response_header_modifier']) {
    return { type: 'ResponseHeaderModifier', modifier: modifierFrom(message['response_header_modifier']) };
  }
  const failure = message['failure_injector'];
  if (failure) {
    const { status, code, message: text = '' } = failure;
    return code === undefined
      ? { type: 'FailureInjector', status: status ?? 500, grpc: status === 403 ? 7 : 13, message: text }
      : { type: 'FailureInjector', status: code >= 100 ? code : 403, grpc: code >= 100 ? 13 : code, message: text };
  }
  const redirect = message['redirect'];
  if (!redirect) return undefined;
  const { scheme, host, path, port, status } = redirect;
  return {
    type: 'RequestRedirect',
    redirect: {
      ...(scheme ? { scheme: scheme.unregistered ?? SCHEMES[scheme.registered ?? 0] } : {}),
      ...(host ? { hostname: host } : {}),
      ...(path
        ? path.full === undefined
          ? { path: { type: 'ReplacePrefixMatch' as const, value: path.prefix } }
          : { path: { type: 'ReplaceFullPath' as const, value: path.full } }
        : {}),
      ...(port ? { port } : {}),
      statusCode: status || 301,
    },
  };
}

export const listed = some;
