import type { KubeClient } from '#kube/client/client.ts';
import type { ContainerContext, Process } from '#kube/images/program.ts';
import { type Call, GrpcServer, type Method } from '#mesh/api/grpc.ts';
import type { Message } from '#mesh/api/protobuf.ts';
import { portOf, Running, readArguments, serveAdmin } from '#mesh/policy/container.ts';
import { serveGrpc } from '#mesh/policy/serve.ts';
import { httpAsk } from '../http-ask.ts';
import { parseRange } from '../promql/parse.ts';
import { authz } from './authz.ts';
import { edges } from './edges.ts';
import { gateways } from './gateways.ts';
import { listPods } from './pods.ts';
import type { Ask } from './queries.ts';
import { grpcError, statSummary } from './stat-summary.ts';
import { topRoutes } from './top-routes.ts';
import { AUTHZ, EDGES, GATEWAYS, LIST_PODS, LIST_SERVICES, SELF_CHECK, STAT_SUMMARY, TOP_ROUTES } from './viz-api.ts';

const QUERY_MS = 30_000;
const OK = 0;
const ERROR = 2;

/** `metrics-api`: answers the extension's commands from Prometheus and the cluster's objects. */
export function startMetricsApi(context: ContainerContext, { client }: { client: KubeClient }): Process {
  const running = new Running(context);
  const args = readArguments(context.argv.slice(1));
  const url = (args.get('prometheus-url') ?? '').replace(/\/$/, '');
  const ask: Ask = async (query) => {
    if (url === '') throw new Error('No prometheus instance to connect');
    const data = await prometheus(context, `${url}/api/v1/query`, { query });
    return (data['result'] as { metric: Record<string, string>; value: [number, string] }[]).map(
      ({ metric, value }) => ({ labels: metric, value: Number(value[1].replace('Inf', 'Infinity')) }),
    );
  };
  const asking = {
    client,
    ask,
    clusterDomain: args.get('cluster-domain') ?? 'cluster.local',
    controlPlane: args.get('controller-namespace') ?? 'linkerd',
  };
  const server = new GrpcServer();
  const serve = (method: Method, handle: (request: Message) => Promise<Message>) =>
    server.add(method, async ({ request, send }: Call) => {
      try {
        send(await handle(request));
      } catch (error) {
        const failure = grpcError(error);
        running.logrus('error', failure.message);
        throw failure;
      }
    });
  /** The words for a window that is shorter than what is between two looks. */
  const windowProblem = async ({ time_window: window = '' }: Message): Promise<string | undefined> => {
    const asked = parseRange(window);
    const config = await prometheus(context, `${url}/api/v1/status/config`, {}).catch(() => undefined);
    const [, text = ''] = /^\s*scrape_interval:\s*(\S+)/m.exec(String(config?.['yaml'] ?? '')) ?? [];
    const interval = parseRange(text);
    if (interval === undefined || asked === undefined || asked >= interval) return undefined;
    return `invalid time window: time window (${window}) must be at least as long as the Prometheus scrape interval (${text})`;
  };
  const windowed =
    (handle: (request: Message) => Promise<Message>) =>
    async (request: Message): Promise<Message> => {
      const problem = await windowProblem(request);
      if (problem) return { error: { resource: request['selector']?.resource, error: problem } };
      return handle(request);
    };
  serve(
    STAT_SUMMARY,
    windowed((request) => statSummary(asking, request)),
  );
  serve(
    TOP_ROUTES,
    windowed((request) => topRoutes(asking, request)),
  );
  serve(AUTHZ, (request) => authz(asking, request));
  serve(EDGES, (request) => edges(asking, request));
  serve(GATEWAYS, (request) => gateways(client, ask, request));
  serve(LIST_PODS, (request) => listPods(client, ask, context.clock.now(), request));
  serve(LIST_SERVICES, async ({ namespace = '' }) => {
    const target = { group: '', version: 'v1', resource: 'services', ...(namespace ? { namespace } : {}) };
    const { items } = await client.list(target);
    return { services: items.map(({ metadata }) => ({ name: metadata.name, namespace: metadata.namespace })) };
  });
  serve(SELF_CHECK, async () => ({ results: await selfCheck(client, ask) }));
  serveAdmin(running, portOf(args.get('metrics-addr'), 9995), { ready: () => true });
  serveGrpc(running, portOf(args.get('addr'), 8085), server);
  return running;
}

async function prometheus(
  context: ContainerContext,
  url: string,
  parameters: Record<string, string>,
): Promise<Message> {
  const asks = Object.keys(parameters).length > 0;
  const { status, body } = await httpAsk(context, url, { ...(asks ? { form: parameters } : {}), timeoutMs: QUERY_MS });
  let answer: Message | undefined;
  try {
    answer = JSON.parse(body);
  } catch {
    // Not Prometheus that answered: a proxy on the way, perhaps.
  }
  if (answer?.['status'] === 'success') return answer['data'];
  const why = answer?.['error'] ?? `server_error: server error: ${status}`;
  throw new Error(`Query failed: ${JSON.stringify(parameters['query'] ?? '')}: ${why}`);
}

async function selfCheck(client: KubeClient, ask: Ask): Promise<Message[]> {
  const check = async (system: string, description: string, failure: string, run: () => Promise<unknown>) => {
    const result = { SubsystemName: system, CheckDescription: description };
    try {
      await run();
      return { ...result, Status: OK };
    } catch (error) {
      return { ...result, Status: ERROR, FriendlyMessageToUser: `${failure}: ${(error as Error).message}` };
    }
  };
  return [
    await check('kubernetes', 'linkerd viz can talk to Kubernetes', 'Error calling the Kubernetes API', () =>
      client.list({ group: '', version: 'v1', resource: 'pods' }),
    ),
    await check(
      'prometheus',
      'linkerd viz can talk to Prometheus',
      'Error calling Prometheus from the control plane',
      () => ask('max(process_start_time_seconds{}) by (pod, namespace)'),
    ),
  ];
}
