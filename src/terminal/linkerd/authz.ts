import type { KubeObject } from '#kube/api/types.ts';
import type { KubeClient } from '#kube/client/client.ts';
import { namesServer, targets } from '#mesh/policy/core/authorizations.ts';
import { POLICY_GROUP, WATCHED, type WatchedKind } from '#mesh/policy/core/objects.ts';
import { meansPort } from '#mesh/policy/core/pod-ports.ts';
import { parentRefs } from '#mesh/policy/core/route-objects.ts';
import { selects } from '#mesh/policy/core/selectors.ts';
import { podsFor } from './resources.ts';
import { tabulate } from './table.ts';
import type { Verb } from './verb.ts';

async function all(client: KubeClient, kind: WatchedKind, namespace: string): Promise<KubeObject[]> {
  try {
    return (await client.list({ ...WATCHED[kind], namespace })).items;
  } catch {
    return [];
  }
}

const COLUMNS = [
  { header: 'ROUTE', width: 6 },
  { header: 'SERVER', width: 6 },
  { header: 'AUTHORIZATION_POLICY', width: 21 },
  { header: 'SERVER_AUTHORIZATION', width: 21 },
];

export const authz: Verb = {
  name: 'authz',
  summary: 'List authorizations for a resource',
  usage: '[flags] resource',
  flags: [{ name: 'namespace', short: 'n', type: 'string', default: '"default"', usage: 'Namespace of resource' }],
  async run({ client, args, namespace, out }) {
    const pods = await podsFor(client, namespace, args);
    const servers = (await all(client, 'Server', namespace)).filter((server) =>
      pods.some(
        (pod) =>
          selects(server.spec?.podSelector, pod.metadata.labels) &&
          server.spec?.podSelector &&
          containerPorts(pod).some((port) => meansPort(pod, server.spec.port, port)),
      ),
    );
    const policies = await all(client, 'AuthorizationPolicy', namespace);
    const grants = await all(client, 'ServerAuthorization', namespace);
    const routes = await all(client, 'PolicyHTTPRoute', namespace);
    const rows: string[][] = [];
    for (const server of servers.sort((a, b) => (a.metadata.name! < b.metadata.name! ? -1 : 1))) {
      const name = server.metadata.name!;
      const add = (route: string, policy: string, grant: string) => rows.push([route, name, policy, grant]);
      for (const route of routes) {
        const attached = parentRefs(route).some(
          (parent) => parent.kind === 'Server' && parent.group === POLICY_GROUP && parent.name === name,
        );
        if (!attached) continue;
        // Routes of the Gateway group are not looked at: a Deployment behind one shows only the header.
        for (const policy of policies) {
          if (targets(policy, { group: POLICY_GROUP, kind: 'HTTPRoute', name: route.metadata.name! })) {
            add(route.metadata.name!, policy.metadata.name!, '');
          }
        }
      }
      for (const policy of policies) {
        if (
          targets(policy, { group: POLICY_GROUP, kind: 'Server', name }) ||
          targets(policy, { group: '', kind: 'Namespace', name: namespace })
        ) {
          add('*', policy.metadata.name!, '');
        }
      }
      for (const grant of grants) if (namesServer(grant, server)) add('*', '', grant.metadata.name!);
    }
    await out(tabulate(COLUMNS, rows));
    return 0;
  },
};

const containerPorts = (pod: KubeObject): number[] =>
  [...(pod.spec?.containers ?? []), ...(pod.spec?.initContainers ?? [])].flatMap((container) =>
    (container.ports ?? []).map((port: { containerPort: number }) => port.containerPort),
  );
