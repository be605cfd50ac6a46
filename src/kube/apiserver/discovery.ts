import type { ApiRequest, ApiResponse } from '#kube/api/http.ts';
import type { AggregatedVersion } from './aggregation.ts';
import { apiVersionOf, type GroupInfo, type Kinds, type ResourceKind, SERVER_VERSION } from './kinds.ts';

const AGGREGATED = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList';
const json = (value: unknown, contentType?: string): ApiResponse => ({
  status: 200,
  body: { type: 'object', value },
  ...(contentType ? { headers: { 'content-type': contentType } } : {}),
});
const text = (value: string): ApiResponse => ({
  status: 200,
  body: { type: 'text', value, contentType: 'text/plain; charset=utf-8' },
});

/**
 * Answers /version, the health endpoints and discovery, aggregated and legacy; undefined for other paths. `served` are
 * the APIs of Services.
 */
export function discoveryFor(
  request: ApiRequest,
  kinds: Kinds,
  serviceCidr: string,
  served: AggregatedVersion[] = [],
): ApiResponse | undefined {
  const groups = [...kinds.groups(), ...servedGroups(served)];
  const path = request.path.replace(/\/$/, '') || '/';
  const aggregated = /as=APIGroupDiscoveryList/.test(request.headers.accept ?? '');
  switch (path) {
    case '/version':
      return json(SERVER_VERSION);
    case '/healthz':
    case '/livez':
    case '/readyz':
      return text(request.query.has('verbose') ? `[+]ping ok\n[+]etcd ok\n${path.slice(1)} check passed\n` : 'ok');
    case '/':
      return json({
        paths: [
          '/api',
          '/api/v1',
          '/apis',
          ...groups.flatMap((group) => [
            `/apis/${group.name}`,
            ...group.versions.map((version) => `/apis/${group.name}/${version}`),
          ]),
          '/healthz',
          '/livez',
          '/openapi/v3',
          '/readyz',
          '/version',
        ],
      });
    case '/api':
      return aggregated
        ? json(discoveryList([groupDiscovery(kinds, { name: '', versions: ['v1'] })]), AGGREGATED)
        : json({
            kind: 'APIVersions',
            versions: ['v1'],
            serverAddressByClientCIDRs: [
              { clientCIDR: '0.0.0.0/0', serverAddress: `${serviceCidr.replace(/\.0\/\d+$/, '.1')}:443` },
            ],
          });
    case '/apis':
      return aggregated
        ? json(
            discoveryList([
              ...kinds.groups().map((group) => groupDiscovery(kinds, group)),
              ...servedGroups(served).map((group) => servedDiscovery(group, served)),
            ]),
            AGGREGATED,
          )
        : json({ kind: 'APIGroupList', apiVersion: 'v1', groups: groups.map(apiGroup) });
  }
  const match = /^\/api(?:s\/([^/]+))?(?:\/([^/]+))?$/.exec(path);
  if (!match) return undefined;
  const [, group = '', version] = match;
  if (!version) {
    const found = groups.find((candidate) => candidate.name === group);
    return found && json({ kind: 'APIGroup', apiVersion: 'v1', ...apiGroup(found) });
  }
  if (!kinds.hasGroupVersion(group, version)) return undefined;
  return json({
    kind: 'APIResourceList',
    ...(group ? { apiVersion: 'v1' } : {}),
    groupVersion: apiVersionOf(group, version),
    resources: kinds
      .all()
      .filter((kind) => kind.group === group && kind.version === version)
      .flatMap(legacyEntries),
  });
}

const groupVersion = (group: string, version: string) => ({ groupVersion: apiVersionOf(group, version), version });

const apiGroup = (group: { name: string; versions: string[]; preferred: string }) => ({
  name: group.name,
  versions: group.versions.map((version) => groupVersion(group.name, version)),
  preferredVersion: groupVersion(group.name, group.preferred),
});

function legacyEntries(kind: ResourceKind): unknown[] {
  const own = {
    name: kind.resource,
    singularName: kind.singular,
    namespaced: kind.namespaced,
    kind: kind.kind,
    verbs: kind.verbs,
    ...(kind.shortNames.length > 0 ? { shortNames: kind.shortNames } : {}),
    ...(kind.categories.length > 0 ? { categories: kind.categories } : {}),
    ...(kind.hash ? { storageVersionHash: kind.hash } : {}),
  };
  const subs = kind.subresources.map((sub) => ({
    name: `${kind.resource}/${sub.name}`,
    singularName: '',
    namespaced: kind.namespaced,
    ...(sub.group === undefined ? {} : { group: sub.group, version: sub.version }),
    kind: sub.kind,
    verbs: sub.verbs,
  }));
  return [own, ...subs];
}

const discoveryList = (items: unknown[]) => ({
  kind: 'APIGroupDiscoveryList',
  apiVersion: 'apidiscovery.k8s.io/v2',
  metadata: {},
  items,
});

function groupDiscovery(kinds: Kinds, { name, versions }: { name: string; versions: string[] }) {
  return {
    metadata: name ? { name, creationTimestamp: null } : { creationTimestamp: null },
    versions: versions.map((version) => ({
      version,
      freshness: 'Current',
      resources: kinds
        .all()
        .filter((kind) => kind.group === name && kind.version === version)
        .map((kind) => ({
          resource: kind.resource,
          responseKind: { group: kind.group, version: kind.version, kind: kind.kind },
          scope: kind.namespaced ? 'Namespaced' : 'Cluster',
          singularResource: kind.singular,
          verbs: kind.verbs,
          ...(kind.shortNames.length > 0 ? { shortNames: kind.shortNames } : {}),
          ...(kind.categories.length > 0 ? { categories: kind.categories } : {}),
          ...(kind.subresources.length > 0
            ? {
                subresources: kind.subresources.map((sub) => ({
                  subresource: sub.name,
                  responseKind: {
                    group: sub.group ?? kind.group,
                    version: sub.version ?? kind.version,
                    kind: sub.kind,
                  },
                  verbs: sub.verbs,
                })),
              }
            : {}),
        })),
    })),
  };
}

/** The groups of Services' APIs, with their versions in the order of the APIServices. */
function servedGroups(served: AggregatedVersion[]): GroupInfo[] {
  const out = new Map<string, GroupInfo>();
  for (const { group, version } of served) {
    const known = out.get(group);
    if (known) known.versions.push(version);
    else out.set(group, { name: group, versions: [version], preferred: version });
  }
  return [...out.values()];
}

function servedDiscovery({ name, versions }: GroupInfo, served: AggregatedVersion[]) {
  return {
    metadata: { name, creationTimestamp: null },
    versions: versions.map((version) => {
      const { resources = [] } = served.find((each) => each.group === name && each.version === version) ?? {};
      const responseKind = (kind: string) => ({ group: name, version, kind });
      return {
        version,
        freshness: 'Current',
        resources: resources
          .filter((each) => !each.name.includes('/'))
          .map((each) => {
            const subresources = resources
              .filter((sub) => sub.name.startsWith(`${each.name}/`))
              .map((sub) => ({
                subresource: sub.name.slice(each.name.length + 1),
                responseKind: responseKind(sub.kind),
                verbs: sub.verbs,
              }));
            return {
              resource: each.name,
              responseKind: responseKind(each.kind),
              scope: each.namespaced ? 'Namespaced' : 'Cluster',
              singularResource: each.singularName ?? '',
              verbs: each.verbs,
              ...(each.shortNames?.length ? { shortNames: each.shortNames } : {}),
              ...(subresources.length > 0 ? { subresources } : {}),
            };
          }),
      };
    }),
  };
}
