import type { KubeObject } from '#kube/api/types.ts';
import { chosenResources } from '#mesh/install/container-parts.ts';
import { rule } from '#mesh/install/names.ts';
import { EXTENSION, NAMESPACE } from '../labels.ts';
import { account, apiAccess, confined, type Plan, POLICY, TOKEN_MOUNT } from './plan.ts';
import { scrapeConfig } from './scrape-config.ts';

const NAME = 'prometheus';
const COMPONENT = { component: NAME };
const PLACED = { ...COMPONENT, namespace: NAMESPACE };
const SELECTOR = { [EXTENSION]: 'viz', ...PLACED };
const PORT = 9090;
const USER = 65_534;

/** What Prometheus may read, and its account. */
export const prometheusAccess = (plan: Plan): KubeObject[] => [
  ...account(plan, NAME, {
    role: `linkerd-${NAMESPACE}-${NAME}`,
    component: COMPONENT,
    rules: [rule([''], ['nodes', 'nodes/proxy', 'pods'], ['get', 'list', 'watch'])],
  }),
  { kind: 'ServiceAccount', apiVersion: 'v1', metadata: plan.metadata(NAME, PLACED) },
];

/** Its configuration, Service and Deployment. */
export function prometheus(plan: Plan): KubeObject[] {
  const { values } = plan;
  const { image, args, podAnnotations } = values.prometheus;
  const injected = { ...plan.createdBy, 'linkerd.io/inject': 'enabled' };
  const format = values.defaultLogFormat.replace('plain', 'logfmt');
  const probe = (path: string) => ({ httpGet: { path, port: PORT }, initialDelaySeconds: 30, timeoutSeconds: 30 });
  return [
    {
      kind: 'ConfigMap',
      apiVersion: 'v1',
      metadata: plan.metadata(`${NAME}-config`, PLACED, plan.createdBy),
      data: { 'prometheus.yml': scrapeConfig(values, NAMESPACE) },
    },
    {
      kind: 'Service',
      apiVersion: 'v1',
      metadata: plan.metadata(NAME, PLACED, injected),
      spec: {
        type: 'ClusterIP',
        selector: { [EXTENSION]: 'viz', ...COMPONENT },
        ports: [{ name: 'admin', port: PORT, targetPort: PORT }],
      },
    },
    {
      kind: 'Deployment',
      apiVersion: 'apps/v1',
      metadata: {
        annotations: { ...injected, 'config.linkerd.io/proxy-await': 'enabled' },
        labels: plan.labels({
          'app.kubernetes.io/name': NAME,
          'app.kubernetes.io/part-of': 'Linkerd',
          'app.kubernetes.io/version': values.linkerdVersion,
          ...PLACED,
        }),
        name: NAME,
        namespace: NAMESPACE,
      },
      spec: {
        replicas: 1,
        revisionHistoryLimit: values.revisionHistoryLimit,
        selector: { matchLabels: SELECTOR },
        template: {
          metadata: {
            annotations: {
              ...plan.createdBy,
              ...values.podAnnotations,
              ...podAnnotations,
              'linkerd.io/inject': 'enabled',
              'config.alpha.linkerd.io/proxy-wait-before-exit-seconds': '0',
            },
            labels: { ...SELECTOR, ...values.podLabels },
          },
          spec: {
            nodeSelector: { 'kubernetes.io/os': 'linux' },
            automountServiceAccountToken: false,
            containers: [
              {
                args: [
                  ...('log.level' in args ? [] : [`--log.level=${values.defaultLogLevel}`]),
                  ...('log.format' in args ? [] : [`--log.format=${format}`]),
                  ...Object.entries(args).map(([flag, value]) => `--${flag}${value ? `=${value}` : ''}`),
                ],
                image: `${image.registry}/${image.name}:${image.tag}`,
                imagePullPolicy: image.pullPolicy || values.defaultImagePullPolicy,
                livenessProbe: probe('/-/healthy'),
                name: NAME,
                ports: [{ containerPort: PORT, name: 'admin' }],
                readinessProbe: probe('/-/ready'),
                ...chosenResources(values.prometheus.resources),
                securityContext: confined(USER, USER),
                volumeMounts: [
                  { mountPath: '/data', name: 'data' },
                  {
                    mountPath: '/etc/prometheus/prometheus.yml',
                    name: `${NAME}-config`,
                    subPath: 'prometheus.yml',
                    readOnly: true,
                  },
                  TOKEN_MOUNT,
                ],
              },
            ],
            securityContext: { fsGroup: USER, seccompProfile: { type: 'RuntimeDefault' } },
            serviceAccountName: NAME,
            volumes: [
              { name: 'data', emptyDir: {} },
              { configMap: { name: `${NAME}-config` }, name: `${NAME}-config` },
              apiAccess(),
            ],
          },
        },
      },
    },
  ];
}

/** In the mesh only the metrics API may ask. */
export const prometheusPolicy = (plan: Plan): KubeObject[] => [
  {
    apiVersion: `${POLICY}/v1beta3`,
    kind: 'Server',
    metadata: plan.metadata(`${NAME}-admin`, {}, plan.createdBy),
    spec: { podSelector: { matchLabels: SELECTOR }, port: 'admin', proxyProtocol: 'HTTP/1' },
  },
  {
    apiVersion: `${POLICY}/v1alpha1`,
    kind: 'AuthorizationPolicy',
    metadata: plan.metadata(`${NAME}-admin`, {}, plan.createdBy),
    spec: {
      targetRef: { group: POLICY, kind: 'Server', name: `${NAME}-admin` },
      requiredAuthenticationRefs: [{ kind: 'ServiceAccount', name: 'metrics-api', namespace: NAMESPACE }],
    },
  },
];
