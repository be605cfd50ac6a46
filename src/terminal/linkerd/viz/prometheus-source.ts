import type { Duplex } from 'node:stream';
import { goDurationProblem } from '#base/go-duration.ts';
import { exchange } from '#mesh/viz/http-ask.ts';
import { groupingOf, matchersOf, type Resource, resourceFrom, selectorOf } from '#mesh/viz/metrics-api/queries.ts';
import type { Sample } from '#mesh/viz/promql/evaluate.ts';
import { UsageError } from '../flags.ts';
import { Failure, type Invocation } from '../verb.ts';
import { isInstalled, podOf, requireViz, vizNamespace } from './extension.ts';
import { resourceIn } from './kinds.ts';
import { podsIn, watchedPods } from './stats-source.ts';

const PORT = 9090;
/** Where the extension was told to find a Prometheus that is not its own. */
const EXTERNAL = 'viz.linkerd.io/external-prometheus';

/** Counts and latencies of one resource. Rejects with a Failure when Prometheus cannot answer. */
export interface PrometheusSource {
  resource: Resource;
  /** What the counts are over. */
  window: string;
  increase(metric: string, matchers: Record<string, string>, by: string[]): Promise<Sample[]>;
  quantile(q: string, metric: string, matchers: Record<string, string>, by: string[]): Promise<Sample[]>;
}

/**
 * The extension's Prometheus, or the one at `--prometheusURL`, asked about the resource that the argument means. In a cluster
 * without the extension the proxies are watched for a while instead.
 */
export async function openPrometheus(invocation: Invocation): Promise<PrometheusSource> {
  const url = invocation.flags.values.get('prometheusURL');
  if (url || (await isInstalled(invocation))) {
    const ask = await served(invocation, url ?? '');
    return sourceOf(ask, invocation.flags.values.get('time-window') ?? '1m', resourceOf(invocation));
  }
  const resource = resourceOf(invocation);
  const { ask, window } = await watched(invocation);
  return sourceOf(ask, window, resource);
}

type Ask = (query: string) => Promise<Sample[]>;

const resourceOf = ({ namespace, args }: Invocation): Resource => resourceFrom(resourceIn(namespace, args[0] ?? ''));

function sourceOf(ask: Ask, window: string, resource: Resource): PrometheusSource {
  const asked = async (query: string): Promise<Sample[]> => {
    try {
      return await ask(query);
    } catch (error) {
      throw new Failure(`failed to query Prometheus:  ${(error as Error).message}`);
    }
  };
  const selector = (matchers: Record<string, string>) => selectorOf({ ...matchers, ...matchersOf(resource) });
  const grouping = (by: string[]) => [...by, ...groupingOf(resource.type)].join(', ');
  return {
    resource,
    window,
    increase: (metric, matchers, by) =>
      asked(`sum(increase(${metric}${selector(matchers)}[${window}])) by (${grouping(by)})`),
    quantile: (q, metric, matchers, by) => {
      const inner = `sum(irate(${metric}${selector(matchers)}[${window}])) by (le, ${grouping(by)})`;
      return asked(`histogram_quantile(${q}, ${inner})`);
    },
  };
}

async function watched(invocation: Invocation) {
  const problem = goDurationProblem(invocation.flags.values.get('time-window') ?? '1m');
  if (problem) throw new UsageError(problem);
  return watchedPods(invocation, await podsIn(invocation));
}

async function served(invocation: Invocation, url: string): Promise<Ask> {
  const { client, context, dial } = invocation;
  const { connect, base } = url ? elsewhere(url) : await within();
  return async (query) => {
    const connection = await connect();
    try {
      const { hostname, port, pathname } = new URL(base);
      const path = `${pathname.replace(/\/$/, '')}/api/v1/query`;
      const { status, body } = await exchange(
        connection,
        { path, headers: { host: port ? `${hostname}:${port}` : hostname } },
        { query },
      );
      return samplesIn(status, body);
    } finally {
      connection.destroy();
    }
  };

  async function within(): Promise<{ connect: () => Promise<Duplex>; base: string }> {
    await requireViz(invocation);
    const { metadata } = await vizNamespace(invocation);
    const external = metadata.annotations?.[EXTERNAL];
    if (external) return elsewhere(external);
    const namespace = metadata.name ?? '';
    const pod = await podOf(invocation, namespace, 'prometheus');
    return {
      connect: () => client.portForward(namespace, pod.metadata.name ?? '', PORT, context.signal),
      base: `http://localhost:${PORT}`,
    };
  }

  function elsewhere(address: string): { connect: () => Promise<Duplex>; base: string } {
    if (!URL.canParse(address)) throw new UsageError(`parse ${JSON.stringify(address)}: invalid URI for request`);
    const { hostname, port, protocol } = new URL(address);
    if (protocol !== 'http:' || !dial)
      throw new Failure(
        `This terminal cannot reach a Prometheus at ${address}: it connects to http:// in its own cluster only.`,
      );
    return { connect: () => dial(hostname, Number(port || 80)), base: address };
  }
}

/** What Prometheus answered. Throws an Error in the words of its Go client. */
function samplesIn(status: number, body: string): Sample[] {
  let answer: { status?: string; errorType?: string; error?: string; data?: { result: Answered[] } } | undefined;
  try {
    answer = JSON.parse(body);
  } catch {
    // A proxy on the way, or no Prometheus at all.
  }
  if (answer?.status !== 'success')
    throw new Error(answer?.error ? `${answer.errorType}: ${answer.error}` : `server_error: server error: ${status}`);
  return (answer.data?.result ?? []).map(({ metric, value }) => ({
    labels: metric,
    value: Number(value[1].replace('Inf', 'Infinity')),
  }));
}

interface Answered {
  metric: Record<string, string>;
  value: [number, string];
}
