import { describe, expect, it } from 'vitest';
import { createRbac } from '#kube/apiserver/auth/rbac.ts';
import type { Attributes } from '#kube/apiserver/seams.ts';
import { Store } from '#kube/store/store.ts';

const GROUP = 'rbac.authorization.k8s.io';
const PATH = '/api/v1/namespaces/shop/secrets';
const user = { username: 'mallory', groups: [] };

const read: Attributes = {
  user,
  verb: 'list',
  isResource: true,
  group: '',
  version: 'v1',
  resource: 'secrets',
  subresource: '',
  namespace: '',
  name: '',
  path: PATH,
};

function withAnyPath() {
  const store = new Store();
  const role = { apiVersion: `${GROUP}/v1`, kind: 'ClusterRole', metadata: { name: 'urls' } };
  store.put(`${GROUP}/clusterroles`, { ...role, rules: [{ verbs: ['list'], nonResourceURLs: ['*'] }] });
  store.put(`${GROUP}/clusterrolebindings`, {
    ...role,
    kind: 'ClusterRoleBinding',
    roleRef: { apiGroup: GROUP, kind: 'ClusterRole', name: 'urls' },
    subjects: [{ kind: 'User', name: user.username }],
  });
  return createRbac(store);
}

describe('RBAC', () => {
  it('keeps what it says of a path as a URL apart from the resource at that path', async () => {
    const authorize = withAnyPath();
    expect(await authorize({ ...read, isResource: false, group: '', resource: '' })).toEqual({ allowed: true });
    expect(await authorize(read)).toEqual({ allowed: false });
    expect(await authorize({ ...read, isResource: false, group: '', resource: '' })).toEqual({ allowed: true });
  });

  it('decides each verb on a path by itself', async () => {
    const authorize = withAnyPath();
    expect(await authorize({ ...read, verb: 'list', isResource: false })).toEqual({ allowed: true });
    expect(await authorize({ ...read, verb: 'get', isResource: false })).toEqual({ allowed: false });
  });
});
