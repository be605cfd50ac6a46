import type { KubeObject } from '#kube/api/types.ts';
import { proxyOf } from '#mesh/check/world.ts';
import { objectsOf, parseResource, podsFor } from '../resources.ts';
import type { Invocation, Verb } from '../verb.ts';
import { allowScrapes } from './allow-scrapes.ts';
import { check } from './check.ts';
import { VIZ_GLOBALS } from './extension.ts';
import { install } from './install.ts';
import { list } from './list.ts';
import { routes } from './routes.ts';
import { rateCells, rates, type Sample, type Series, sample, vizTable } from './samples.ts';
import { tap } from './tap.ts';
import { top } from './top.ts';
import { uninstall } from './uninstall.ts';

const NAMESPACE = {
  name: 'namespace',
  short: 'n',
  type: 'string' as const,
  default: '"default"',
  usage: 'Namespace of the specified resource',
};
const ALL = {
  name: 'all-namespaces',
  short: 'A',
  usage: 'If present, returns stats across all namespaces, ignoring the "--namespace" flag',
};

/** Admin traffic (probes, scrapes) is not the application's. */
const inbound = ({ labels }: Series): boolean => labels['direction'] === 'inbound' && labels['target_port'] !== '4191';
const outbound = ({ labels }: Series): boolean => labels['direction'] === 'outbound';

async function namespacesOf({ client, flags, namespace }: Invocation): Promise<string[]> {
  if (flags.values.get('all-namespaces') !== 'true') return [namespace];
  const list = await client.list({ group: '', version: 'v1', resource: 'namespaces' });
  return list.items.map((each) => each.metadata.name ?? '');
}

interface Group {
  namespace: string;
  name: string;
  pods: KubeObject[];
}

/** The objects that a resource argument names, each with its pods. */
async function groups(invocation: Invocation): Promise<Group[]> {
  const { client, args } = invocation;
  const resource = parseResource(args);
  const out: Group[] = [];
  for (const namespace of await namespacesOf(invocation)) {
    for (const object of await objectsOf(client, namespace, resource)) {
      const name = object.metadata.name ?? '';
      const pods = await podsFor(client, namespace, [`${resource.kind}/${name}`]);
      out.push({ namespace, name, pods: pods.filter((pod) => !['Succeeded', 'Failed'].includes(pod.status?.phase)) });
    }
  }
  return out;
}

/** One sampling of all pods, dealt out to the groups again. */
async function sampled(invocation: Invocation, list: Group[]): Promise<(Group & { samples: Sample[] })[]> {
  const key = (pod: KubeObject) => `${pod.metadata.namespace}/${pod.metadata.name}`;
  const pods = new Map(list.flatMap((group) => group.pods.map((pod) => [key(pod), pod] as const)));
  const samples = new Map((await sample(invocation, [...pods.values()])).map((each) => [key(each.pod), each]));
  return list.map((group) => ({ ...group, samples: group.pods.flatMap((pod) => samples.get(key(pod)) ?? []) }));
}

const withNamespace = (invocation: Invocation): boolean => invocation.flags.values.get('all-namespaces') === 'true';

const stat: Verb = {
  name: 'stat',
  summary: 'Display traffic stats about one or many resources',
  usage: '[flags] (RESOURCES)',
  examples: `  # Get all deployments in the test namespace.
  linkerd viz stat deployments -n test`,
  flags: [ALL, NAMESPACE],
  async run(invocation) {
    const list = await sampled(invocation, await groups(invocation));
    if (list.length === 0) {
      await invocation.err('No traffic found.\n');
      return 0;
    }
    const ns = withNamespace(invocation);
    const rows = list.map(({ namespace, name, pods, samples }) => {
      const connections = samples
        .flatMap((each) => each.series)
        .filter((each) => each.name === 'tcp_open_connections' && each.labels['peer'] === 'src' && inbound(each))
        .reduce((sum, each) => sum + each.value, 0);
      return [
        ...(ns ? [namespace] : []),
        name,
        `${pods.filter((pod) => proxyOf(pod)).length}/${pods.length}`,
        ...rateCells(rates(samples, inbound)),
        samples.length > 0 ? String(connections) : '-',
      ];
    });
    const header = ['NAME', 'MESHED', 'SUCCESS', 'RPS', 'LATENCY_P50', 'LATENCY_P95', 'LATENCY_P99', 'TCP_CONN'];
    await invocation.out(vizTable(ns ? ['NAMESPACE', ...header] : header, rows, ns ? 2 : 1));
    return 0;
  },
};

/** Groups of series that share the values of some labels, in a stable order. */
function byLabels(
  samples: Sample[],
  keep: (series: Series) => boolean,
  names: string[],
): { values: string[]; keep(series: Series): boolean }[] {
  const seen = new Map<string, string[]>();
  for (const { series } of samples) {
    for (const each of series) {
      if (each.name !== 'response_total' || !keep(each)) continue;
      const values = names.map((name) => each.labels[name] ?? '');
      seen.set(values.join('\0'), values);
    }
  }
  return [...seen.values()].sort().map((values) => ({
    values,
    keep: (series: Series) => keep(series) && names.every((name, i) => (series.labels[name] ?? '') === values[i]),
  }));
}

const statInbound: Verb = {
  name: 'stat-inbound',
  summary: 'Display inbound traffic stats about one or many resources',
  usage: '[flags] (RESOURCES)',
  flags: [ALL, NAMESPACE],
  async run(invocation) {
    const rows: string[][] = [];
    for (const { name, samples } of await sampled(invocation, await groups(invocation))) {
      for (const group of byLabels(samples, inbound, [
        'srv_kind',
        'srv_name',
        'srv_port',
        'route_kind',
        'route_name',
      ])) {
        const [kind, server, port, routeKind, route] = group.values;
        rows.push([
          name,
          `${kind === 'default' ? '[default]' : server}:${port}`,
          routeKind === 'default' && route === 'default' ? '[default]' : (route ?? ''),
          routeKind === 'default' ? '' : (routeKind ?? ''),
          ...rateCells(rates(samples, group.keep)),
        ]);
      }
    }
    await invocation.out(
      vizTable(
        ['NAME', 'SERVER', 'ROUTE', 'TYPE', 'SUCCESS', 'RPS', 'LATENCY_P50', 'LATENCY_P95', 'LATENCY_P99'],
        rows,
        4,
      ),
    );
    return 0;
  },
};

const statOutbound: Verb = {
  name: 'stat-outbound',
  summary: 'Display outbound traffic stats about one or many resources',
  usage: '[flags] (RESOURCES)',
  flags: [ALL, NAMESPACE],
  async run(invocation) {
    const rows: string[][] = [];
    for (const { name, samples } of await sampled(invocation, await groups(invocation))) {
      const names = ['dst_service', 'dst_namespace', 'authority'];
      for (const group of byLabels(
        samples,
        (each) => outbound(each) && each.labels['dst_service'] !== undefined,
        names,
      )) {
        const [service, , authority] = group.values;
        const port = /:(\d+)$/.exec(authority ?? '')?.[1] ?? '';
        rows.push([
          name,
          `${service}:${port}`,
          '[default]',
          '',
          `${service}:${port}`,
          ...rateCells(rates(samples, group.keep)),
        ]);
      }
    }
    await invocation.out(
      vizTable(
        ['NAME', 'SERVICE', 'ROUTE', 'TYPE', 'BACKEND', 'SUCCESS', 'RPS', 'LATENCY_P50', 'LATENCY_P95', 'LATENCY_P99'],
        rows,
        5,
      ),
    );
    return 0;
  },
};

const authz: Verb = {
  name: 'authz',
  summary: 'Display stats for authorizations for a resource',
  usage: '[flags] resource',
  examples: `  # Get all authorization stats for the web deployment in the test namespace.
  linkerd viz authz -n test deploy/web`,
  flags: [NAMESPACE],
  async run(invocation) {
    const pods = await podsFor(invocation.client, invocation.namespace, invocation.args);
    const samples = await sample(invocation, pods);
    const names = ['route_name', 'srv_kind', 'srv_name', 'srv_port', 'authz_kind', 'authz_name'];
    const rows: string[][] = [];
    const serverOf = (kind = '', name = '') => (kind === 'default' ? `default:${name}` : name);
    for (const group of byLabels(samples, inbound, names)) {
      const [route, kind, server, , authzKind, authorization] = group.values;
      if (!authorization) continue;
      rows.push([
        route ?? '',
        serverOf(kind, server),
        authzKind === 'default' ? `default/${authorization}` : `${authzKind}/${authorization}`,
        '-',
        ...rateCells(rates(samples, group.keep)),
      ]);
    }
    const denied = new Map<string, number>();
    for (const each of samples.flatMap((one) => one.series)) {
      if (each.name !== 'inbound_http_authz_deny_total' || each.value === 0) continue;
      const key = `${each.labels['route_name'] ?? ''}\0${serverOf(each.labels['srv_kind'], each.labels['srv_name'])}`;
      denied.set(key, (denied.get(key) ?? 0) + each.value);
    }
    const seconds = samples[0]?.seconds ?? 1;
    for (const [key, count] of denied) {
      const [route = '', server = ''] = key.split('\0');
      rows.push([route, server, '-', `${(count / seconds).toFixed(1)}rps`, '-', '-', '-', '-', '-']);
    }
    await invocation.out(
      vizTable(
        [
          'ROUTE',
          'SERVER',
          'AUTHORIZATION',
          'UNAUTHORIZED',
          'SUCCESS',
          'RPS',
          'LATENCY_P50',
          'LATENCY_P95',
          'LATENCY_P99',
        ],
        rows,
        3,
      ),
    );
    return 0;
  },
};

const nameOf = (identity: string): string => identity.split('.').slice(0, 2).join('.');

const edges: Verb = {
  name: 'edges',
  summary: 'Display connections between resources, and Linkerd proxy identities',
  usage: '[flags] (RESOURCETYPE)',
  examples: `  # Get all edges between pods in the test namespace.
  linkerd viz edges po -n test`,
  flags: [
    ALL,
    NAMESPACE,
    {
      name: 'output',
      short: 'o',
      type: 'string',
      default: '"table"',
      usage: 'Output format; one of: "table" or "wide"',
    },
  ],
  async run(invocation) {
    const { kind } = parseResource(invocation.args);
    const label = kind === 'namespace' ? 'namespace' : kind;
    const list = await sampled(invocation, await groups(invocation));
    const rows = new Map<string, string[]>();
    for (const { namespace, name, samples } of list) {
      for (const each of samples.flatMap((one) => one.series)) {
        const to = each.labels[`dst_${label}`];
        if (each.name !== 'tcp_open_total' || each.labels['direction'] !== 'outbound' || !to) continue;
        const server = each.labels['server_id'] ?? '';
        const own = samples[0]?.pod;
        const client = `${own?.spec?.serviceAccountName ?? 'default'}.${namespace}`;
        const row = [
          name,
          to,
          namespace,
          each.labels['dst_namespace'] ?? '',
          client,
          nameOf(server),
          server ? '√' : (each.labels['no_tls_reason'] ?? ''),
        ];
        rows.set(row.join('\0'), row);
      }
    }
    if (rows.size === 0) {
      await invocation.err('No edges found.\n');
      return 0;
    }
    const wide = invocation.flags.values.get('output') === 'wide';
    const pick = (row: string[]) => (wide ? row : [...row.slice(0, 4), row[6]!]);
    const header = ['SRC', 'DST', 'SRC_NS', 'DST_NS', 'CLIENT_ID', 'SERVER_ID', 'SECURED'];
    await invocation.out(vizTable(pick(header), [...rows.values()].sort().map(pick), wide ? 7 : 5));
    return 0;
  },
};

export const viz: Verb = {
  name: 'viz',
  summary: 'viz manages the linkerd-viz extension of Linkerd service mesh',
  long: 'viz manages the linkerd-viz extension of Linkerd service mesh.\n\nHere the figures of stat, authz and edges come straight from the proxies, over two\nseconds of traffic. To tap, install the extension first.',
  globals: VIZ_GLOBALS,
  verbs: [
    allowScrapes,
    authz,
    check,
    edges,
    install,
    list,
    routes,
    stat,
    statInbound,
    statOutbound,
    tap,
    top,
    uninstall,
  ].map((verb) => ({
    ...verb,
    globals: VIZ_GLOBALS,
  })),
};
