import type { ApiRequest } from '#kube/api/http.ts';
import { failure } from '#kube/api/status.ts';
import type { UserInfo } from '#kube/api/types.ts';
import type { Authorizer } from '../seams.ts';

const EXTRA = 'impersonate-extra-';

/**
 * The user that a request wants to be taken for (`kubectl --as`), if its own user may. Source: apiserver/pkg/endpoints/filters,
 * impersonation.go.
 */
export async function impersonated(
  request: ApiRequest,
  user: UserInfo,
  authorize: Authorizer | undefined,
): Promise<UserInfo> {
  const { headers } = request;
  if (!Object.keys(headers).some((name) => name.startsWith('impersonate-'))) return user;
  const username = headers['impersonate-user'];
  const groups = (headers['impersonate-group'] ?? '')
    .split(',')
    .map((name) => name.trim())
    .filter(Boolean);
  const uid = headers['impersonate-uid'];
  const extra = Object.entries(headers).filter(([name]) => name.startsWith(EXTRA));
  if (!username) {
    if (groups.length > 0 || uid || extra.length > 0)
      throw failure('InternalError', 'Internal error occurred: requested impersonation without impersonating a user');
    return user;
  }
  const account = /^system:serviceaccount:([^:]+):([^:]+)$/.exec(username);
  await allow(
    authorize,
    user,
    account
      ? { resource: 'serviceaccounts', namespace: account[1]!, name: account[2]! }
      : { resource: 'users', name: username },
  );
  for (const name of groups) await allow(authorize, user, { resource: 'groups', name });
  if (uid) await allow(authorize, user, { group: 'authentication.k8s.io', resource: 'uids', name: uid });
  for (const [name, value] of extra)
    await allow(authorize, user, {
      group: 'authentication.k8s.io',
      resource: 'userextras',
      subresource: name.slice(EXTRA.length),
      name: value,
    });
  const implied = account ? ['system:serviceaccounts', `system:serviceaccounts:${account[1]}`] : [];
  const own = username === 'system:anonymous' ? 'system:unauthenticated' : 'system:authenticated';
  return {
    username,
    ...(uid ? { uid } : {}),
    groups: [...new Set([...(groups.length > 0 ? groups : implied), own])],
    ...(extra.length > 0
      ? { extra: Object.fromEntries(extra.map(([name, value]) => [name.slice(EXTRA.length), [value]])) }
      : {}),
  };
}

async function allow(
  authorize: Authorizer | undefined,
  user: UserInfo,
  what: { group?: string; resource: string; subresource?: string; namespace?: string; name: string },
): Promise<void> {
  if (!authorize) return;
  const { group = '', resource, subresource = '', namespace = '', name } = what;
  const { allowed } = await authorize({
    user,
    verb: 'impersonate',
    isResource: true,
    group,
    version: '',
    resource,
    subresource,
    namespace,
    name,
    path: '',
  });
  if (allowed) return;
  const full = subresource ? `${resource}/${subresource}` : resource;
  const scope = namespace ? `in the namespace ${JSON.stringify(namespace)}` : 'at the cluster scope';
  throw failure(
    'Forbidden',
    `${full}${group ? `.${group}` : ''} ${JSON.stringify(name)} is forbidden: User ${JSON.stringify(user.username)} cannot impersonate resource ${JSON.stringify(full)} in API group ${JSON.stringify(group)} ${scope}`,
    { name, kind: resource },
  );
}
