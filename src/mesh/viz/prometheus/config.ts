import { parse } from 'yaml';
import { parseRange } from '../promql/parse.ts';
import { type RelabelRule, relabelRule } from './relabel.ts';

/** What is scraped, as one of `scrape_configs` says it. */
export interface Job {
  name: string;
  path: string;
  intervalMs: number;
  timeoutMs: number;
  honorLabels: boolean;
  /** `host:port` of targets that are always there. */
  fixed: { target: string; labels: Record<string, string> }[];
  /** Namespaces whose pods are looked at, empty: all; undefined: none are. */
  podsIn: string[] | undefined;
  relabel: RelabelRule[];
  metricRelabel: RelabelRule[];
}

/** Reads prometheus.yml. Jobs that ask for what is not there are left out, and named with the reason. Throws on no YAML. */
export function readConfig(text: string): { jobs: Job[]; leftOut: { name: string; why: string }[] } {
  // biome-ignore lint/suspicious/noExplicitAny: configuration is plain YAML.
  const config: any = parse(text) ?? {};
  const jobs: Job[] = [];
  const leftOut: { name: string; why: string }[] = [];
  for (const each of config.scrape_configs ?? []) {
    const name = String(each.job_name ?? '');
    try {
      jobs.push(jobFrom(name, each, config.global ?? {}));
    } catch (error) {
      leftOut.push({ name, why: (error as Error).message });
    }
  }
  return { jobs, leftOut };
}

// biome-ignore lint/suspicious/noExplicitAny: configuration is plain YAML.
function jobFrom(name: string, json: any, global: any): Job {
  if ((json.scheme ?? 'http') !== 'http') throw new Error(`scheme ${JSON.stringify(json.scheme)} is not spoken here`);
  const other = Object.keys(json).find(
    (key) => key.endsWith('_sd_configs') && !['kubernetes_sd_configs', 'static_configs'].includes(key),
  );
  if (other) throw new Error(`${other} is not known here`);
  const duration = (key: string, otherwise: string) =>
    parseRange(String(json[key] ?? global[key] ?? otherwise)) ?? parseRange(otherwise)!;
  let podsIn: string[] | undefined;
  for (const { role, namespaces } of json.kubernetes_sd_configs ?? []) {
    if (role !== 'pod')
      throw new Error(`kubernetes role ${JSON.stringify(role)} is not looked for here, only pods are`);
    podsIn = namespaces?.names ?? [];
  }
  const intervalMs = duration('scrape_interval', '1m');
  return {
    name,
    path: json.metrics_path ?? '/metrics',
    intervalMs,
    timeoutMs: Math.min(duration('scrape_timeout', '10s'), intervalMs),
    honorLabels: json.honor_labels === true,
    fixed: (json.static_configs ?? []).flatMap((group: { targets?: string[]; labels?: Record<string, string> }) =>
      (group.targets ?? []).map((target) => ({ target, labels: group.labels ?? {} })),
    ),
    podsIn,
    relabel: (json.relabel_configs ?? []).map(relabelRule),
    metricRelabel: (json.metric_relabel_configs ?? []).map(relabelRule),
  };
}
