import { createHash } from 'node:crypto';
import type { KubeObject } from '#kube/api/types.ts';
import { fetchMetrics } from '../metrics-fetch.ts';
import { podsOfWorkload } from '../resources.ts';
import type { Invocation, Verb } from '../verb.ts';

interface Source {
  pod: KubeObject;
  container: KubeObject['spec'];
  port: number;
}

/** Containers of pods with a port of such a name, by pod and container; a pod that does not run is told instead. */
function sourcesOf(pods: KubeObject[], suffix: string): (Source | { pod: KubeObject; error: string })[] {
  return pods
    .toSorted((a, b) => (a.metadata.name! < b.metadata.name! ? -1 : 1))
    .flatMap((pod): (Source | { pod: KubeObject; error: string })[] => {
      if (pod.status?.phase !== 'Running') return [{ pod, error: `pod not running: ${pod.metadata.name}` }];
      return [...(pod.spec?.initContainers ?? []), ...(pod.spec?.containers ?? [])]
        .flatMap((container) =>
          ((container.ports ?? []) as { name?: string; containerPort: number }[])
            .filter(({ name }) => name?.endsWith(suffix))
            .map(({ containerPort }) => ({ pod, container, port: containerPort })),
        )
        .sort((a, b) => (a.container?.name < b.container?.name ? -1 : 1));
    });
}

/** What one source answers, or why it does not. */
async function scraped(
  invocation: Invocation,
  source: Source | { error: string },
): Promise<{ text?: string; error?: string }> {
  if ('error' in source) return { error: source.error };
  try {
    return { text: await fetchMetrics(invocation, source.pod, source.port) };
  } catch (error) {
    return { error: (error as Error).message };
  }
}

/** Labels that tell whose traffic it is. */
const SENSITIVE = 'authority|client_id|server_id|target_addr|dst_service|dst_namespace';

const obfuscated = (text: string): string =>
  text.replace(new RegExp(`\\b(${SENSITIVE})="((?:[^"\\\\]|\\\\.)*)"`, 'g'), (_, name: string, value: string) => {
    const plain = value.replace(/\\(.)/g, (_all, char: string) => (char === 'n' ? '\n' : char));
    return `${name}="${createHash('sha256').update(plain).digest('hex').slice(0, 8)}"`;
  });

export const proxyMetrics: Verb = {
  name: 'proxy-metrics',
  takes: { least: 1, most: 1 },
  summary: 'Fetch metrics directly from Linkerd proxies',
  long: `Fetch metrics directly from Linkerd proxies.

  This command initiates a port-forward to a given pod or set of pods, and
  queries the /metrics endpoint on the Linkerd proxies.

  The RESOURCE argument specifies the target resource to query metrics for:
  (TYPE/NAME)`,
  usage: '[flags] (RESOURCE)',
  examples: `  # Get metrics from pod-foo-bar in the default namespace.
  linkerd diagnostics proxy-metrics po/pod-foo-bar

  # Get metrics from the web deployment in the emojivoto namespace.
  linkerd diagnostics proxy-metrics -n emojivoto deploy/web`,
  flags: [
    { name: 'namespace', short: 'n', type: 'string', usage: 'Namespace of resource' },
    { name: 'obfuscate', usage: 'Obfuscate sensitive information' },
  ],
  async run(invocation) {
    const { client, args, namespace, flags, out } = invocation;
    const sources = sourcesOf(await podsOfWorkload(client, namespace, args[0]!), 'linkerd-admin');
    const hide = flags.values.get('obfuscate') === 'true';
    for (const [i, source] of sources.entries()) {
      await out(`#\n# POD ${source.pod.metadata.name} (${i + 1} of ${sources.length})\n#\n`);
      const { text = '', error } = await scraped(invocation, source);
      await out(error === undefined ? (hide ? obfuscated(text) : text) : `# ERROR: ${error}\n`);
    }
    return 0;
  },
};

export const controllerMetrics: Verb = {
  name: 'controller-metrics',
  aliases: ['cp-metrics'],
  takes: { least: 0, most: 0 },
  summary: 'Fetch metrics directly from the Linkerd control plane containers',
  long: `Fetch metrics directly from Linkerd control plane containers.

  This command initiates port-forward to each control plane process, and
  queries the /metrics endpoint on them.`,
  flags: [{ name: 'wait', short: 'w', type: 'duration', default: '30s', usage: 'Time allowed to fetch diagnostics' }],
  async run(invocation) {
    const { client, controlPlane, out } = invocation;
    const target = { group: '', version: 'v1', resource: 'pods', namespace: controlPlane };
    const sources = sourcesOf((await client.list(target)).items, '-admin');
    for (const [i, source] of sources.entries()) {
      await out(`#\n# POD ${source.pod.metadata.name} (${i + 1} of ${sources.length})\n`);
      const { text, error } = await scraped(invocation, source);
      if ('error' in source || error !== undefined) await out(`# ERROR ${error}\n`);
      else await out(`# CONTAINER ${source.container?.name} \n#\n${text}`);
    }
    return 0;
  },
};
