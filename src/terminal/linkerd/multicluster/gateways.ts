import { CLUSTER_NAME, MIRRORED_SERVICE, SERVICES } from '#mesh/multicluster/labels.ts';
import type { Invocation, Verb } from '../verb.ts';
import { extensionNamespace, gatewayMetrics, gauge, NO_EXTENSION } from './gateway-metrics.ts';
import { refuse, textOf } from './shared-flags.ts';

interface Status {
  clusterName: string;
  alive: boolean;
  numberOfServices: number;
  latency: number;
}

export const gateways: Verb = {
  name: 'gateways',
  summary: 'Display stats information about the gateways in target clusters',
  flags: [
    { name: 'cluster-name', type: 'string', usage: 'the name of the target cluster' },
    { name: 'output', short: 'o', type: 'string', usage: 'used to print output in different format' },
    { name: 'wait', short: 'w', type: 'duration', default: '30s', usage: 'time allowed to fetch diagnostics' },
  ],
  async run(invocation) {
    const statuses = await statusesOf(invocation);
    await invocation.out(
      textOf(invocation, 'output') === 'json'
        ? `${statuses.length > 0 ? JSON.stringify(statuses, null, 2) : 'null'}\n`
        : table(statuses),
    );
    return 0;
  },
};

async function statusesOf(invocation: Invocation): Promise<Status[]> {
  const { client, err } = invocation;
  const extension = await extensionNamespace(client);
  if (!extension) {
    return refuse(
      `make sure the linkerd-multicluster extension is installed, using 'linkerd multicluster install' (${NO_EXTENSION})`,
    );
  }
  const namespace = extension.metadata.name ?? '';
  const cluster = textOf(invocation, 'cluster-name');
  const pods = await client.list(
    { group: '', version: 'v1', resource: 'pods', namespace },
    {
      labelSelector: `component in (linkerd-service-mirror, controller)${cluster ? `,${CLUSTER_NAME}=${cluster}` : ''}`,
    },
  );
  const leases = await client.list({ group: 'coordination.k8s.io', version: 'v1', resource: 'leases', namespace });
  const leaders = new Set<string>(
    leases.items
      .filter(({ metadata }) => metadata.name?.includes('service-mirror-write'))
      .flatMap(({ spec }) => spec?.holderIdentity ?? []),
  );
  const statuses: Status[] = [];
  for (const gateway of await gatewayMetrics(invocation, pods.items, leaders)) {
    if (gateway.error !== undefined) {
      await err(`Failed to get gateway status for ${gateway.cluster}: ${gateway.error}\n`);
      continue;
    }
    const enabled = gauge(gateway, 'gateway_enabled');
    if (enabled !== undefined && enabled !== 1) continue;
    const labelSelector = `${MIRRORED_SERVICE}=true,${CLUSTER_NAME}=${gateway.cluster}`;
    statuses.push({
      clusterName: gateway.cluster,
      alive: gauge(gateway, 'gateway_alive') === 1,
      numberOfServices: (await client.list(SERVICES, { labelSelector })).items.length,
      latency: Math.trunc(gauge(gateway, 'gateway_latency') ?? 0),
    });
  }
  return statuses.sort((a, b) => (a.clusterName < b.clusterName ? -1 : 1));
}

/** The first two columns stand left, the others right; two spaces after each (cli/table). */
function table(statuses: Status[]): string {
  const rows = [
    ['CLUSTER', 'ALIVE', 'NUM_SVC', 'LATENCY'],
    ...statuses.map(({ clusterName, alive, numberOfServices, latency }) => [
      clusterName,
      alive ? 'True' : 'False',
      String(numberOfServices),
      alive ? `${latency}ms` : '-',
    ]),
  ];
  const widths = [7, 5, 9, 11].map((least, i) =>
    i < 2 ? Math.max(least, ...rows.map((row) => row[i]!.length)) : least,
  );
  return rows
    .map(
      (row) => `${row.map((cell, i) => `${i < 2 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!)}  `).join('')}\n`,
    )
    .join('');
}
