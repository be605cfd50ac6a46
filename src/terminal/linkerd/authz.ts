import { messageOf } from '#base/errors.ts';
import type { KubeObject } from '#kube/api/types.ts';
import type { KubeClient } from '#kube/client/client.ts';
import { namesServer } from '#mesh/policy/core/authorizations.ts';
import { POLICY_GROUP, WATCHED, type WatchedKind } from '#mesh/policy/core/objects.ts';
import { parentRefs } from '#mesh/policy/core/route-objects.ts';
import { selects } from '#mesh/policy/core/selectors.ts';
import { canonicalKind, podsFor, podsOfWorkload } from './resources.ts';
import { tabulate } from './table.ts';
import { Failure, type Invocation, type Verb } from './verb.ts';

const COLUMNS = [
  { header: 'ROUTE', width: 6 },
  { header: 'SERVER', width: 6 },
  { header: 'AUTHORIZATION_POLICY', width: 21 },
  { header: 'SERVER_AUTHORIZATION', width: 21 },
];

export const authz: Verb = {
  name: 'authz',
  summary: 'List authorizations for a resource',
  long: 'List authorizations for a resource.',
  usage: '[flags] resource',
  flags: [{ name: 'namespace', short: 'n', type: 'string', usage: 'Namespace of resource' }],
  takes: { least: 1, most: 2 },
  async run(invocation) {
    const { client, args, namespace, out } = invocation;
    const pods = await podsMeant(client, namespace, args.join('/'));
    await out(tabulate(COLUMNS, [...(await granted(invocation, pods)), ...(await authorized(invocation, pods))]));
    return 0;
  },
};

async function podsMeant(client: KubeClient, namespace: string, resource: string): Promise<KubeObject[]> {
  const parts = resource.split('/');
  if (parts.length > 2 || (parts.length === 1 && !canonicalKind(resource)))
    throw new Failure(`Failed to get serverauthorization resources: invalid resource: ${resource}`);
  if (parts.length === 1) return podsFor(client, namespace, [resource]);
  try {
    return await podsOfWorkload(client, namespace, resource);
  } catch (error) {
    // The official one ends this line without a newline, and so the prompt follows it.
    throw new Failure(`failed to get pods: ${messageOf(error)}`, { newline: false });
  }
}

const listed = async (client: KubeClient, kind: WatchedKind, namespace: string): Promise<KubeObject[]> => {
  const { items } = await client.list({ ...WATCHED[kind], namespace });
  return items.sort((a, b) => (a.metadata.name! < b.metadata.name! ? -1 : 1));
};

/** Rows of ServerAuthorizations. */
async function granted({ client, namespace, err }: Invocation, pods: KubeObject[]): Promise<string[][]> {
  const servers = await listed(client, 'Server', namespace);
  const rows: string[][] = [];
  for (const grant of await listed(client, 'ServerAuthorization', namespace)) {
    const name: string | undefined = grant.spec?.server?.name;
    if (name && !servers.some(({ metadata }) => metadata.name === name))
      await err(
        `ServerAuthorization/${grant.metadata.name} targets Server/${name} but we failed to get it: servers.policy.linkerd.io "${name}" not found\n`,
      );
    for (const server of servers)
      if (namesServer(grant, server) && includesPod(server, pods))
        rows.push(['*', server.metadata.name!, '', grant.metadata.name!]);
  }
  return rows;
}

/** Rows of AuthorizationPolicies, for namespaces, Servers and the mesh's own HTTPRoutes: those of Gateway API are not looked at. */
async function authorized({ client, namespace, err }: Invocation, pods: KubeObject[]): Promise<string[][]> {
  const servers = await listed(client, 'Server', namespace);
  const routes = await listed(client, 'PolicyHTTPRoute', namespace);
  const rows: string[][] = [];
  for (const policy of await listed(client, 'AuthorizationPolicy', namespace)) {
    const {
      group = '',
      kind,
      name,
    } = (policy.spec?.targetRef ?? {}) as { group?: string; kind?: string; name?: string };
    const add = (server: KubeObject, route = '*') => {
      if (includesPod(server, pods)) rows.push([route, server.metadata.name!, policy.metadata.name!, '']);
    };
    const missing = (from: string, to: string, resource: string, of: string) =>
      err(`${from} ${to} but we failed to get it: ${resource}.policy.linkerd.io "${of}" not found\n`);
    // With no group the official one takes no notice of it.
    if (kind === 'Namespace' && group === 'core') for (const server of servers) add(server);
    else if (kind === 'Server' && group === POLICY_GROUP) {
      const server = servers.find(({ metadata }) => metadata.name === name);
      if (server) add(server);
      else await missing(`AuthorizationPolicy/${policy.metadata.name}`, `targets Server/${name}`, 'servers', name!);
    } else if (kind === 'HTTPRoute' && group === POLICY_GROUP) {
      const route = routes.find(({ metadata }) => metadata.name === name);
      if (!route) {
        await missing(`AuthorizationPolicy/${policy.metadata.name}`, `targets HTTPRoute/${name}`, 'httproutes', name!);
        continue;
      }
      for (const parent of parentRefs(route)) {
        if (parent.kind !== 'Server' || parent.group !== POLICY_GROUP) continue;
        const server = servers.find(({ metadata }) => metadata.name === parent.name);
        if (server) add(server, route.metadata.name!);
        else await missing(`HTTPRoute/${name}`, `belongs to Server/${parent.name}`, 'servers', parent.name);
      }
    }
  }
  return rows;
}

/** Whether a Server selects one of the pods and names a port that the pod declares. */
const includesPod = ({ spec }: KubeObject, pods: KubeObject[]): boolean =>
  spec?.podSelector !== undefined &&
  pods.some(
    (pod) =>
      selects(spec.podSelector, pod.metadata.labels) &&
      [...(pod.spec?.initContainers ?? []), ...(pod.spec?.containers ?? [])].some(({ ports = [] }) =>
        ports.some(
          ({ containerPort, name }: { containerPort: number; name?: string }) =>
            spec.port === containerPort || (name !== undefined && spec.port === name),
        ),
      ),
  );
