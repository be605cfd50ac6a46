import type { ApiResource, Transport } from './client.ts';
import { groupPath, splitApiVersion } from './paths.ts';
import { expectObject } from './response.ts';

const AGGREGATED =
  'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList,application/json';

// biome-ignore lint/suspicious/noExplicitAny: discovery documents are read field by field.
type Document = Record<string, any>;

/**
 * What a server serves, in its own order: core first, then the groups by priority, the preferred version of each first.
 * Two requests where the server aggregates (1.26 and later), one a group version elsewhere.
 */
export async function discoverResources(transport: Transport): Promise<ApiResource[]> {
  const fetch = async (path: string, accept: string) =>
    expectObject(
      await transport.request({ method: 'GET', path, query: new URLSearchParams(), headers: { accept } }),
    ) as Promise<Document>;
  const documents = await Promise.all(['/api', '/apis'].map((path) => fetch(path, AGGREGATED)));
  const resources: ApiResource[] = [];
  for (const document of documents) {
    if (document['kind'] === 'APIGroupDiscoveryList') resources.push(...fromAggregated(document));
    else resources.push(...(await fromLegacy(document, (path) => fetch(path, 'application/json'))));
  }
  return resources;
}

function fromAggregated(document: Document): ApiResource[] {
  const out: ApiResource[] = [];
  for (const group of document['items'] ?? []) {
    for (const version of group.versions ?? []) {
      for (const each of version.resources ?? []) {
        out.push({
          group: group.metadata?.name ?? '',
          version: version.version,
          resource: each.resource,
          kind: each.responseKind?.kind ?? '',
          singular: each.singularResource ?? '',
          shortNames: each.shortNames ?? [],
          categories: each.categories ?? [],
          namespaced: each.scope === 'Namespaced',
          verbs: each.verbs ?? [],
        });
      }
    }
  }
  return out;
}

async function fromLegacy(document: Document, fetch: (path: string) => Promise<Document>): Promise<ApiResource[]> {
  const groupVersions: string[] =
    document['kind'] === 'APIGroupList'
      ? (document['groups'] ?? []).flatMap((group: Document) =>
          (group['versions'] ?? []).map((version: Document) => version['groupVersion'] as string),
        )
      : (document['versions'] ?? ['v1']);
  const lists = await Promise.all(
    groupVersions.map(async (each) => ({
      ...splitApiVersion(each),
      list: await fetch(groupPath(splitApiVersion(each))),
    })),
  );
  return lists.flatMap(({ group, version, list }) =>
    (list['resources'] ?? [])
      .filter((each: Document) => !each['name'].includes('/'))
      .map(
        (each: Document): ApiResource => ({
          group,
          version,
          resource: each['name'],
          kind: each['kind'],
          singular: each['singularName'] ?? '',
          shortNames: each['shortNames'] ?? [],
          categories: each['categories'] ?? [],
          namespaced: each['namespaced'] === true,
          verbs: each['verbs'] ?? [],
        }),
      ),
  );
}
