import { parseGoDuration } from '#base/go-duration.ts';
import type { KubeObject } from '#kube/api/types.ts';
import type { Method } from '#mesh/api/grpc.ts';
import type { Message } from '#mesh/api/protobuf.ts';
import { authz } from '#mesh/viz/metrics-api/authz.ts';
import { edges } from '#mesh/viz/metrics-api/edges.ts';
import { grpcError, type SummaryAsking, statSummary } from '#mesh/viz/metrics-api/stat-summary.ts';
import { topRoutes } from '#mesh/viz/metrics-api/top-routes.ts';
import { AUTHZ, EDGES, STAT_SUMMARY, TOP_ROUTES } from '#mesh/viz/metrics-api/viz-api.ts';
import { linkerdValues } from '../multicluster/config.ts';
import { Failure, type Invocation } from '../verb.ts';
import { isInstalled, requireViz } from './extension.ts';
import { askMetricsApi } from './metrics-api.ts';
import { watchProxies } from './metrics-source.ts';

/** Whoever answers the questions of the extension's verbs. */
export interface StatsSource {
  ask(method: Method, request: Message): Promise<Message>;
  /** What rates are over; undefined: what was asked for. */
  window?: string;
}

type Answering = (asking: SummaryAsking, request: Message) => Promise<Message>;
const ANSWERS = new Map<Method, Answering>([
  [STAT_SUMMARY, statSummary],
  [TOP_ROUTES, topRoutes],
  [AUTHZ, authz],
  [EDGES, edges],
]);

/**
 * The metrics API where the extension is installed; a Failure where it should answer and does not. In a cluster without it, the
 * proxies of these pods are watched for a while, and the very code of the metrics API answers from that.
 */
export async function statsSource(invocation: Invocation, pods: () => Promise<KubeObject[]>): Promise<StatsSource> {
  if (await isInstalled(invocation)) {
    const pod = await requireViz(invocation);
    return { ask: (method, request) => askMetricsApi(invocation, pod, method, request) };
  }
  const { ask, window } = await watchedPods(invocation, await pods());
  const { clusterDomain } = await linkerdValues(invocation, (why) => {
    throw new Failure(`Cannot find Linkerd: ${why}\nValidate the install with: linkerd check`);
  });
  const asking = { client: invocation.client, ask, clusterDomain, controlPlane: invocation.controlPlane };
  return {
    window,
    ask: async (method, request) => {
      try {
        return await ANSWERS.get(method)!(asking, { ...request, time_window: window });
      } catch (error) {
        throw grpcError(error);
      }
    },
  };
}

/** Watches these pods, for as long as `--time-window` says where it is given. */
export function watchedPods(invocation: Invocation, pods: KubeObject[]) {
  const window = invocation.flags.values.get('time-window');
  return watchProxies(invocation, pods, window === undefined ? undefined : parseGoDuration(window));
}

/** The pods of a namespace, or of all. */
export async function podsIn({ client }: Pick<Invocation, 'client'>, namespace = ''): Promise<KubeObject[]> {
  const target = { group: '', version: 'v1', resource: 'pods', ...(namespace ? { namespace } : {}) };
  return (await client.list(target)).items;
}
