import { parse } from 'yaml';
import type { KubeObject } from '#kube/api/types.ts';
import type { Values } from './values.ts';

const POD = '__meta_kubernetes_pod_';
const TMP = '__tmp_pod_label_';
const PORT_NAME = `${POD}container_port_name`;
const copy = (from: string, targetLabel: string) => ({ sourceLabels: [from], action: 'replace', targetLabel });
const map = (regex: string, replacement?: string) => ({
  action: 'labelmap',
  regex,
  ...(replacement ? { replacement } : {}),
});
const forget = (regex: string) => ({ action: 'labeldrop', regex });
const keep = (sourceLabels: string[], regex: string) => ({ sourceLabels, action: 'keep', regex });

/** PodMonitors for a Prometheus Operator, where they are asked for: of the control plane, of service mirrors, of proxies. */
export function podMonitors(namespace: string, values: Values): KubeObject[] {
  const { podMonitor, commonLabels, cliVersion } = values;
  if (!podMonitor?.enabled) return [];
  const { controller, serviceMirror, proxy, scrapeInterval, scrapeTimeout, labels } = podMonitor;
  const monitor = (
    name: string,
    { honorTimestamps }: { honorTimestamps?: boolean },
    namespaceSelector: object,
    relabelings: object[],
  ): KubeObject => ({
    apiVersion: 'monitoring.coreos.com/v1',
    kind: 'PodMonitor',
    metadata: {
      name,
      namespace,
      labels: { 'linkerd.io/control-plane-ns': namespace, ...commonLabels, ...labels },
      annotations: { 'linkerd.io/created-by': cliVersion },
    },
    spec: {
      namespaceSelector,
      selector: { matchLabels: {} },
      podMetricsEndpoints: [
        {
          interval: scrapeInterval,
          scrapeTimeout,
          ...(honorTimestamps === undefined || honorTimestamps === null ? {} : { honorTimestamps }),
          relabelings,
        },
      ],
    },
  });
  const admin = (kept: object) => [
    kept,
    { sourceLabels: [PORT_NAME], action: 'drop', regex: 'linkerd-admin' },
    copy(`${POD}container_name`, 'component'),
  ];
  const everywhere = { any: true };
  const selector = String(controller.namespaceSelector).replaceAll(/\{\{\s*\.Release\.Namespace\s*\}\}/g, namespace);
  return [
    ...(controller.enabled
      ? [monitor('linkerd-controller', controller, parse(selector), admin(keep([PORT_NAME], '.*-admin$')))]
      : []),
    ...(serviceMirror.enabled
      ? [
          monitor(
            'linkerd-multicluster-controller',
            serviceMirror,
            everywhere,
            admin(
              keep(
                [`${POD}label_linkerd_io_control_plane_component`, PORT_NAME],
                '(linkerd-service-mirror|controller);.*-admin$',
              ),
            ),
          ),
        ]
      : []),
    ...(proxy.enabled
      ? [
          monitor('linkerd-proxy', proxy, everywhere, [
            keep(
              [`${POD}container_name`, PORT_NAME, `${POD}label_linkerd_io_control_plane_ns`],
              `^linkerd-proxy;linkerd-admin;${namespace}$`,
            ),
            copy('__meta_kubernetes_namespace', 'namespace'),
            copy(`${POD}name`, 'pod'),
            copy(`${POD}label_linkerd_io_proxy_job`, 'k8s_job'),
            forget(`${POD}label_linkerd_io_proxy_job`),
            map(`${POD}label_linkerd_io_proxy_(.+)`),
            forget(`${POD}label_linkerd_io_proxy_(.+)`),
            map(`${POD}label_linkerd_io_(.+)`),
            map(`${POD}label_(.+)`, `${TMP}$1`),
            map(`${TMP}linkerd_io_(.+)`, `${TMP}$1`),
            forget(`${TMP}linkerd_io_(.+)`),
            map(`${TMP}(.+)`),
          ]),
        ]
      : []),
  ];
}
