import { LINKERD_VERSION } from '#mesh/install/values.ts';

// biome-ignore lint/suspicious/noExplicitAny: the chart's values are a tree of many shapes.
export type VizValues = any;

/** The chart's values as far as what is rendered here reads them. */
export const vizDefaults = (): VizValues => ({
  cliVersion: `linkerd/cli ${LINKERD_VERSION}`,
  linkerdVersion: LINKERD_VERSION,
  clusterDomain: 'cluster.local',
  identityTrustDomain: '',
  linkerdNamespace: 'linkerd',
  cniEnabled: false,
  commonLabels: {},
  podLabels: {},
  podAnnotations: {},
  revisionHistoryLimit: 10,
  defaultRegistry: 'cr.l5d.io/linkerd',
  defaultImagePullPolicy: 'IfNotPresent',
  defaultLogLevel: 'info',
  defaultLogFormat: 'plain',
  defaultUID: 2103,
  defaultGID: 2103,
  enablePodAntiAffinity: false,
  enablePodDisruptionBudget: false,
  prometheusUrl: '',
  metricsAPI: { replicas: 1 },
  prometheus: {
    enabled: true,
    image: { registry: 'prom', name: 'prometheus', tag: 'v2.55.1' },
    args: {
      'config.file': '/etc/prometheus/prometheus.yml',
      'storage.tsdb.path': '/data',
      'storage.tsdb.retention.time': '6h',
    },
    globalConfig: { evaluation_interval: '10s', scrape_interval: '10s', scrape_timeout: '10s' },
  },
  tap: { replicas: 1, ignoreHeaders: [] },
  tapInjector: {
    replicas: 1,
    failurePolicy: 'Ignore',
    namespaceSelector: {
      matchExpressions: [{ key: 'kubernetes.io/metadata.name', operator: 'NotIn', values: ['kube-system'] }],
    },
  },
});

const HA_RESOURCES = { cpu: { limit: '', request: '100m' }, memory: { limit: '250Mi', request: '50Mi' } };

/** What `--ha` changes (the chart's `values-ha.yaml`). */
export const HIGH_AVAILABILITY: VizValues = {
  enablePodAntiAffinity: true,
  enablePodDisruptionBudget: true,
  tap: { replicas: 3, resources: HA_RESOURCES },
  prometheus: { resources: { cpu: { limit: '', request: '300m' }, memory: { limit: '8192Mi', request: '300Mi' } } },
};
