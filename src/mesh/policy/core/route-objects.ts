import type { KubeObject } from '#kube/api/types.ts';
import type { Filter, GrpcMatch, HeaderModifier, HttpMatch, Rule } from './config.ts';
import { POLICY_CONTROLLER } from './objects.ts';

// biome-ignore lint/suspicious/noExplicitAny: route specs are plain JSON, checked by their schemas.
type Json = any;

const values = (list: Json[] | undefined) =>
  (list ?? []).map((each) => ({
    name: String(each.name),
    type: each.type === 'RegularExpression' ? ('RegularExpression' as const) : ('Exact' as const),
    value: String(each.value ?? ''),
  }));

export const httpMatch = (match: Json): HttpMatch => ({
  ...(match.path ? { path: { type: match.path.type ?? 'PathPrefix', value: match.path.value ?? '/' } } : {}),
  headers: values(match.headers),
  queryParams: values(match.queryParams),
  ...(match.method ? { method: match.method } : {}),
});

export const grpcMatch = (match: Json): GrpcMatch => ({
  ...(match.method?.service ? { service: match.method.service } : {}),
  ...(match.method?.method ? { method: match.method.method } : {}),
  headers: values(match.headers),
});

const modifier = (json: Json): HeaderModifier => ({
  set: json?.set ?? [],
  add: json?.add ?? [],
  remove: json?.remove ?? [],
});

/** Filters with an effect; RequestMirror, URLRewrite and ExtensionRef are admitted and have none (policy rule 13). */
export function filters(list: Json[] | undefined): Filter[] {
  return (list ?? []).flatMap((each): Filter[] => {
    switch (each.type) {
      case 'RequestHeaderModifier':
        return [{ type: each.type, modifier: modifier(each.requestHeaderModifier) }];
      case 'ResponseHeaderModifier':
        return [{ type: each.type, modifier: modifier(each.responseHeaderModifier) }];
      case 'RequestRedirect': {
        const json = each.requestRedirect ?? {};
        const path = json.path;
        return [
          {
            type: each.type,
            redirect: {
              ...(json.scheme ? { scheme: json.scheme } : {}),
              ...(json.hostname ? { hostname: json.hostname } : {}),
              ...(json.port ? { port: json.port } : {}),
              ...(path
                ? { path: { type: path.type, value: path.replaceFullPath ?? path.replacePrefixMatch ?? '/' } }
                : {}),
              statusCode: json.statusCode ?? 302,
            },
          },
        ];
      }
      default:
        return [];
    }
  });
}

export function httpRules(route: KubeObject): Rule<HttpMatch>[] {
  const rules: Json[] = route.spec?.rules ?? [];
  return rules.map((rule) => ({
    matches: (rule.matches ?? []).map(httpMatch),
    filters: filters(rule.filters).filter((filter) => filter.type !== 'ResponseHeaderModifier'),
  }));
}

export function grpcRules(route: KubeObject): Rule<GrpcMatch>[] {
  const rules: Json[] = route.spec?.rules ?? [];
  return rules.map((rule) => ({
    matches: (rule.matches ?? []).map(grpcMatch),
    filters: filters(rule.filters).filter((filter) => filter.type === 'RequestHeaderModifier'),
  }));
}

export interface ParentRef {
  group: string;
  kind: string;
  namespace: string;
  name: string;
  port?: number;
  sectionName?: string;
}

/** A parentRef with its defaults filled in. `core` and the empty group are the same. */
export function parentRef(route: KubeObject, json: Json): ParentRef {
  const group = json.group ?? 'gateway.networking.k8s.io';
  return {
    group: group === 'core' ? '' : group,
    kind: json.kind ?? 'Gateway',
    namespace: json.namespace ?? route.metadata.namespace ?? '',
    name: json.name,
    ...(json.port === undefined ? {} : { port: json.port }),
    ...(json.sectionName === undefined ? {} : { sectionName: json.sectionName }),
  };
}

export const parentRefs = (route: KubeObject): ParentRef[] =>
  (route.spec?.parentRefs ?? []).map((json: Json) => parentRef(route, json));

const sameParent = (a: ParentRef, b: ParentRef): boolean =>
  a.group === b.group && a.kind === b.kind && a.namespace === b.namespace && a.name === b.name && a.port === b.port;

/** Whether our controller accepted the route for a parent; until then the route has no effect (policy rule 11). */
export function isAccepted(route: KubeObject, parent: ParentRef): boolean {
  const parents: Json[] = route.status?.parents ?? [];
  return parents.some(
    (status) =>
      status.controllerName === POLICY_CONTROLLER &&
      sameParent(parentRef(route, status.parentRef ?? {}), parent) &&
      (status.conditions ?? []).some((c: Json) => c.type === 'Accepted' && c.status === 'True'),
  );
}
