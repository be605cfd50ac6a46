import { stringify } from 'yaml';
import type { VizValues } from './values.ts';

const POD = '__meta_kubernetes_pod_';
const TMP = '__tmp_pod_label_';
const PORT_NAME = `${POD}container_port_name`;
const keep = (source_labels: string[], regex: string) => ({ source_labels, action: 'keep', regex });
const copy = (from: string, target_label: string) => ({ source_labels: [from], action: 'replace', target_label });
const map = (regex: string, replacement?: string) => ({
  action: 'labelmap',
  regex,
  ...(replacement ? { replacement } : {}),
});
const forget = (regex: string) => ({ action: 'labeldrop', regex });

/**
 * prometheus.yml: the controllers' admin ports, and the proxies of this control plane, with the labels of their pods. Nodes
 * are not asked: what they tell of containers is not measured here.
 */
export function scrapeConfig(values: VizValues, namespace: string): string {
  const pods = (names?: string[]) => [{ role: 'pod', ...(names ? { namespaces: { names } } : {}) }];
  const controller = (job_name: string, kept: object, names?: string[]) => ({
    job_name,
    kubernetes_sd_configs: pods(names),
    relabel_configs: [
      kept,
      { source_labels: [PORT_NAME], action: 'drop', regex: 'linkerd-admin' },
      copy(`${POD}container_name`, 'component'),
    ],
  });
  const { prometheus, linkerdNamespace } = values;
  const proxy = [`${POD}container_name`, PORT_NAME, `${POD}label_linkerd_io_control_plane_ns`];
  const config = {
    global: prometheus.globalConfig,
    rule_files: ['/etc/prometheus/*_rules.yml', '/etc/prometheus/*_rules.yaml'],
    scrape_configs: [
      { job_name: 'prometheus', static_configs: [{ targets: ['localhost:9090'] }] },
      controller('linkerd-controller', keep([PORT_NAME], '.*admin$'), [linkerdNamespace, namespace]),
      controller(
        'linkerd-multicluster-controller',
        keep([`${POD}label_component`, PORT_NAME], '(linkerd-service-mirror|controller);.*-admin$'),
      ),
      {
        job_name: 'linkerd-proxy',
        kubernetes_sd_configs: pods(),
        relabel_configs: [
          keep([`${POD}phase`], '(Pending|Running)'),
          keep(proxy, `^linkerd-proxy;linkerd-admin;${linkerdNamespace}$`),
          copy('__meta_kubernetes_namespace', 'namespace'),
          copy(`${POD}name`, 'pod'),
          // Prometheus has a label `job` of its own.
          copy(`${POD}label_linkerd_io_proxy_job`, 'k8s_job'),
          forget(`${POD}label_linkerd_io_proxy_job`),
          map(`${POD}label_linkerd_io_proxy_(.+)`),
          forget(`${POD}label_linkerd_io_proxy_(.+)`),
          map(`${POD}label_linkerd_io_(.+)`),
          map(`${POD}label_(.+)`, `${TMP}$1`),
          map(`${TMP}linkerd_io_(.+)`, `${TMP}$1`),
          forget(`${TMP}linkerd_io_(.+)`),
          map(`${TMP}(.+)`),
        ],
        ...(prometheus.metricRelabelConfigs ? { metric_relabel_configs: prometheus.metricRelabelConfigs } : {}),
      },
      ...(prometheus.scrapeConfigs ?? []),
    ],
  };
  return stringify(config, { lineWidth: 0 });
}
