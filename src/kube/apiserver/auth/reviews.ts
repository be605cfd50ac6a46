import { rfc3339 } from '#base/rfc3339.ts';
import type { ApiRequest, ApiResponse } from '#kube/api/http.ts';
import { failure, notFound } from '#kube/api/status.ts';
import type { KubeObject } from '#kube/api/types.ts';
import { readBody } from '../body.ts';
import type { Attributes, Authorizer } from '../seams.ts';
import type { ApiServer } from '../server.ts';
import { rulesFor } from './rbac.ts';
import { type BoundObject, ISSUER, type ServiceAccountTokens } from './tokens.ts';

const created = (value: unknown): ApiResponse => ({ status: 201, body: { type: 'object', value } });
const SHORTEST_TOKEN_S = 600;

/** Registers the resources that are asked, not stored: token requests and the reviews of tokens and access. */
export function addReviews(
  server: ApiServer,
  tokens: ServiceAccountTokens,
  authorize: Authorizer,
  now: () => number,
): void {
  const { store } = server;

  server.addVirtual('/v1/serviceaccounts/token', async (request, { namespace, name }) => {
    const body = readBody(request) as KubeObject;
    const account = store.get('/serviceaccounts', namespace, name);
    if (!account) throw notFound('', 'serviceaccounts', name);
    const spec = body?.spec ?? {};
    const seconds = spec.expirationSeconds ?? 3600;
    if (seconds < SHORTEST_TOKEN_S) {
      throw failure(
        'Invalid',
        `TokenRequest.authentication.k8s.io "" is invalid: spec.expirationSeconds: Invalid value: ${seconds}: may not specify a duration less than 10 minutes`,
      );
    }
    const bound = boundTo(server, namespace, spec.boundObjectRef);
    const { token, expiresAt } = tokens.issue({
      namespace,
      name,
      uid: account.metadata.uid!,
      audiences: spec.audiences ?? [],
      seconds,
      ...bound,
    });
    return created({
      kind: 'TokenRequest',
      apiVersion: 'authentication.k8s.io/v1',
      metadata: { name, namespace, creationTimestamp: rfc3339(now()) },
      spec: {
        audiences: spec.audiences ?? [ISSUER],
        expirationSeconds: seconds,
        boundObjectRef: spec.boundObjectRef ?? null,
      },
      status: { token, expirationTimestamp: rfc3339(expiresAt) },
    });
  });

  server.addVirtual('authentication.k8s.io/v1/tokenreviews', async (request) => {
    const body = readBody(request) as KubeObject;
    const checked = tokens.check(String(body?.spec?.token ?? ''), body?.spec?.audiences ?? [ISSUER]);
    const status =
      'user' in checked
        ? { authenticated: true, user: checked.user, audiences: checked.audiences }
        : { user: {}, error: `[invalid bearer token, ${checked.error}]` };
    return created({
      ...body,
      kind: 'TokenReview',
      apiVersion: 'authentication.k8s.io/v1',
      metadata: body?.metadata ?? {},
      status,
    });
  });

  server.addVirtual('authentication.k8s.io/v1/selfsubjectreviews', async (_request, { user }) =>
    created({
      kind: 'SelfSubjectReview',
      apiVersion: 'authentication.k8s.io/v1',
      metadata: { creationTimestamp: rfc3339(now()) },
      status: { userInfo: user },
    }),
  );

  const review =
    (kind: string, whose: (body: KubeObject, attributes: Attributes) => Attributes['user']) =>
    async (request: ApiRequest, attributes: Attributes) => {
      const body = readBody(request) as KubeObject;
      const { allowed, reason } = await authorize(asked(body?.spec ?? {}, whose(body, attributes)));
      return created({
        ...body,
        kind,
        apiVersion: 'authorization.k8s.io/v1',
        metadata: body?.metadata ?? {},
        status: { allowed, ...(reason ? { reason } : {}) },
      });
    };
  const named = ({ spec }: KubeObject) => ({ username: spec?.user ?? '', groups: spec?.groups ?? [] });
  server.addVirtual(
    'authorization.k8s.io/v1/selfsubjectaccessreviews',
    review('SelfSubjectAccessReview', (_body, { user }) => user),
  );
  server.addVirtual('authorization.k8s.io/v1/subjectaccessreviews', review('SubjectAccessReview', named));
  server.addVirtual('authorization.k8s.io/v1/localsubjectaccessreviews', review('LocalSubjectAccessReview', named));
  server.addVirtual('authorization.k8s.io/v1/selfsubjectrulesreviews', async (request, { user }) => {
    const body = readBody(request) as KubeObject;
    const everything = user.groups.includes('system:masters');
    const rules = everything
      ? [
          { verbs: ['*'], apiGroups: ['*'], resources: ['*'] },
          { verbs: ['*'], nonResourceURLs: ['*'] },
        ]
      : rulesFor(store, user, body?.spec?.namespace ?? 'default');
    return created({
      ...body,
      kind: 'SelfSubjectRulesReview',
      apiVersion: 'authorization.k8s.io/v1',
      metadata: {},
      status: {
        resourceRules: rules.filter((rule) => rule.resources),
        nonResourceRules: rules.filter((rule) => rule.nonResourceURLs),
        incomplete: false,
      },
    });
  });
}

function boundTo(
  server: ApiServer,
  namespace: string,
  reference: { kind: BoundObject['kind']; name: string; uid?: string } | undefined,
): { bound?: BoundObject; node?: { name: string; uid: string } } {
  if (!reference) return {};
  const kind = reference.kind === 'Secret' ? '/secrets' : '/pods';
  const object = server.store.get(kind, namespace, reference.name);
  if (!object) throw notFound('', kind.slice(1), reference.name);
  const node = object.spec?.nodeName ? server.store.get('/nodes', '', object.spec.nodeName) : undefined;
  return {
    bound: { kind: reference.kind, name: reference.name, uid: object.metadata.uid! },
    ...(node ? { node: { name: node.metadata.name!, uid: node.metadata.uid! } } : {}),
  };
}

function asked(spec: KubeObject['spec'], user: Attributes['user']): Attributes {
  const resource = spec.resourceAttributes;
  const base = { user, group: '', version: '', resource: '', subresource: '', namespace: '', name: '', path: '' };
  if (!resource)
    return {
      ...base,
      verb: spec.nonResourceAttributes?.verb ?? '',
      path: spec.nonResourceAttributes?.path ?? '',
      isResource: false,
    };
  const { verb = '', group = '', version = '', name = '', namespace = '' } = resource;
  return {
    ...base,
    verb,
    group,
    version,
    name,
    namespace,
    resource: resource.resource ?? '',
    subresource: resource.subresource ?? '',
    isResource: true,
  };
}
