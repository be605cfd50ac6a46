import { StatusError } from '#kube/api/status.ts';
import type { KubeObject } from '#kube/api/types.ts';
import type { KubeClient } from '#kube/client/client.ts';
import type { Message } from '#mesh/api/protobuf.ts';
import { isBehind, objectsOf, podsOf, type Wanted } from '../workloads.ts';
import {
  type Ask,
  addResponses,
  counted,
  LATENCY_FIELDS,
  matchersOf,
  quantiles,
  type Resource,
  resourceFrom,
  selectorOf,
} from './queries.ts';

/** What requests are shown under that no route takes. */
const DEFAULT_ROUTE = '[DEFAULT]';

export interface Asking {
  client: KubeClient;
  ask: Ask;
  clusterDomain: string;
}

/** Counts of the routes of the ServiceProfiles of what was asked for, a table an object (viz/metrics-api/top_routes.go). */
export async function topRoutes(asking: Asking, request: Message): Promise<Message> {
  const { selector = {}, time_window: window = '', to_resource: to } = request;
  const error = (text: string): Message => ({ error: { resource: selector['resource'], error: text } });
  if (!selector['resource']) return error('TopRoutes request missing Selector Resource');
  const resource = resourceFrom(selector['resource']);
  if (to && resource.type === 'service')
    return error(`The ${resource.type} resource type is not supported with 'to' queries`);
  const profiles = await profilesIn(asking.client);
  if (!profiles) return error('Routes are not available');
  const labels = selector['label_selector'] ?? '';
  const objects = await objectsOf(asking.client, { ...resource, selector: labels });
  const routes: Message[] = [];
  for (const { metadata } of objects) {
    const own = { ...resource, name: metadata.name ?? '' };
    const served = await servicesOf(asking.client, { ...(to ? resourceFrom(to) : own), selector: labels });
    const known = served.map((service) => ({
      service: service.metadata.name ?? '',
      ...profileOf(profiles, service, resource.namespace, asking.clusterDomain),
    }));
    const rows = await rowsOf(asking.ask, { own, window, outbound: to !== undefined }, known);
    routes.push({ resource: `${own.type}/${own.name}`, rows });
  }
  return routes.length === 0 ? error('No Service Profiles found for selected resources') : { ok: { routes } };
}

/** All ServiceProfiles; undefined where the cluster knows no such kind. */
async function profilesIn(client: KubeClient): Promise<KubeObject[] | undefined> {
  const target = { group: 'linkerd.io', version: 'v1alpha2', resource: 'serviceprofiles' };
  try {
    return (await client.list(target)).items;
  } catch (error) {
    if (error instanceof StatusError && error.code === 404) return undefined;
    throw error;
  }
}

/** The Services that stand before these objects' pods. */
async function servicesOf(client: KubeClient, wanted: Wanted): Promise<KubeObject[]> {
  const objects = await objectsOf(client, wanted);
  if (wanted.type === 'service') return objects;
  const pods = (await podsOf(client, wanted, objects)).filter(
    ({ status }) => !['Failed', 'Succeeded'].includes(status?.phase),
  );
  const namespace = wanted.type === 'namespace' ? wanted.name : wanted.namespace;
  const target = { group: '', version: 'v1', resource: 'services', ...(namespace ? { namespace } : {}) };
  const services = (await client.list(target)).items;
  return services.filter((service) => pods.some((pod) => isBehind(service, pod)));
}

interface Known {
  service: string;
  /** The name of the profile, whether there is one or not. */
  dst: string;
  routes: string[];
}

/** A client's namespace may have a profile of its own for a Service. */
function profileOf(profiles: KubeObject[], service: KubeObject, clientNamespace: string, domain: string) {
  const { name, namespace } = service.metadata;
  const dst = `${name}.${namespace}.svc.${domain}`;
  const places = [clientNamespace, namespace];
  const [found] = places.flatMap((place) =>
    profiles.filter(({ metadata }) => metadata.name === dst && metadata.namespace === place),
  );
  const routes: { name: string }[] = found?.spec?.routes ?? [];
  return { dst, routes: routes.map((route) => route.name) };
}

async function rowsOf(
  ask: Ask,
  { own, window, outbound }: { own: Resource; window: string; outbound: boolean },
  known: Known[],
): Promise<Message[]> {
  const names = known.map(({ dst }) => dst).join('|');
  const selector = selectorOf(
    { ...matchersOf(own), direction: outbound ? 'outbound' : 'inbound' },
    ...(known.length > 0 ? [`dst=~"(${names})(:\\\\d+)?"`] : []),
  );
  const rows = new Map<string, Message>();
  for (const { service, dst, routes } of known) {
    for (const route of [...routes, '']) {
      rows.set(`${dst} ${route}`, { route: route || DEFAULT_ROUTE, authority: service, stats: {} });
    }
  }
  const rowOf = (labels: Record<string, string>): Message | undefined => {
    const row = rows.get(`${(labels['dst'] ?? '').split(':')[0]} ${labels['rt_route'] ?? ''}`);
    if (row) row['time_window'] = window;
    return row;
  };
  const responses = (metric: string) =>
    ask(`sum(increase(${metric}${selector}[${window}])) by (rt_route, dst, classification)`);
  for (const sample of await responses('route_response_total')) {
    const row = rowOf(sample.labels);
    if (row) addResponses(row['stats'], sample);
  }
  if (outbound) {
    for (const sample of await responses('route_actual_response_total')) {
      const row = rowOf(sample.labels);
      if (row) addResponses(row['stats'], sample, 'actual_');
    }
  }
  const latencies = { metric: 'route_response_latency_ms_bucket', selector, window, by: ['dst', 'rt_route'] };
  for (const [quantile, samples] of await quantiles(ask, latencies)) {
    for (const sample of samples) {
      const row = rowOf(sample.labels);
      if (row) row['stats'][LATENCY_FIELDS[quantile]] = counted(sample);
    }
  }
  return [...rows.values()];
}
