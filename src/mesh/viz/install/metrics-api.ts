import type { KubeObject } from '#kube/api/types.ts';
import { chosenResources } from '#mesh/install/container-parts.ts';
import { rule } from '#mesh/install/names.ts';
import { EXTENSION, NAMESPACE } from '../labels.ts';
import { account, apart, apiAccess, budget, confined, logging, type Plan, POLICY, READ, TOKEN_MOUNT } from './plan.ts';

const NAME = 'metrics-api';
const COMPONENT = { component: NAME };
const SELECTOR = { [EXTENSION]: 'viz', ...COMPONENT };

/** What the metrics API may read, and its account. */
export const metricsApiAccess = (plan: Plan): KubeObject[] => [
  ...account(plan, NAME, {
    role: `linkerd-${NAMESPACE}-${NAME}`,
    component: COMPONENT,
    rules: [
      rule(['extensions', 'apps'], ['daemonsets', 'deployments', 'replicasets', 'statefulsets'], READ),
      rule(['extensions', 'batch'], ['cronjobs', 'jobs'], READ),
      rule([''], ['pods', 'endpoints', 'services', 'replicationcontrollers', 'namespaces'], READ),
      rule(['linkerd.io'], ['serviceprofiles'], READ),
      rule([POLICY], ['servers', 'serverauthorizations', 'authorizationpolicies', 'httproutes'], ['list', 'get']),
    ],
  }),
  { kind: 'ServiceAccount', apiVersion: 'v1', metadata: plan.metadata(NAME, COMPONENT) },
];

/** Its Service and Deployment. */
export function metricsApi(plan: Plan): KubeObject[] {
  const { values } = plan;
  const { linkerdNamespace, clusterDomain, prometheusUrl } = values;
  const prometheus = prometheusUrl || `http://prometheus.${NAMESPACE}.svc.${clusterDomain}:9090`;
  const injected = { ...plan.createdBy, 'linkerd.io/inject': 'enabled' };
  return [
    {
      kind: 'Service',
      apiVersion: 'v1',
      metadata: plan.metadata(NAME, COMPONENT, injected),
      spec: { type: 'ClusterIP', selector: SELECTOR, ports: [{ name: 'http', port: 8085, targetPort: 8085 }] },
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
          ...COMPONENT,
        }),
        name: NAME,
        namespace: NAMESPACE,
      },
      spec: {
        replicas: values.metricsAPI.replicas,
        revisionHistoryLimit: values.revisionHistoryLimit,
        selector: { matchLabels: SELECTOR },
        template: {
          metadata: {
            annotations: {
              ...plan.createdBy,
              ...values.podAnnotations,
              'linkerd.io/inject': 'enabled',
              'config.alpha.linkerd.io/proxy-wait-before-exit-seconds': '0',
              'cluster-autoscaler.kubernetes.io/safe-to-evict': 'true',
            },
            labels: { ...SELECTOR, ...values.podLabels },
          },
          spec: {
            nodeSelector: { 'kubernetes.io/os': 'linux' },
            ...apart(plan, NAME),
            automountServiceAccountToken: false,
            containers: [
              {
                args: [
                  `-controller-namespace=${linkerdNamespace}`,
                  ...logging(plan),
                  `-cluster-domain=${clusterDomain}`,
                  `-prometheus-url=${prometheus}`,
                  '-enable-pprof=false',
                ],
                image: `${values.defaultRegistry}/${NAME}:${values.linkerdVersion}`,
                imagePullPolicy: values.defaultImagePullPolicy,
                livenessProbe: { httpGet: { path: '/ping', port: 9995 }, initialDelaySeconds: 10 },
                name: NAME,
                ports: [
                  { containerPort: 8085, name: 'http' },
                  { containerPort: 9995, name: 'admin' },
                ],
                readinessProbe: { failureThreshold: 7, httpGet: { path: '/ready', port: 9995 } },
                ...chosenResources(values.metricsAPI.resources),
                securityContext: confined(values.defaultUID, values.defaultGID),
                volumeMounts: [TOKEN_MOUNT],
              },
            ],
            securityContext: { seccompProfile: { type: 'RuntimeDefault' } },
            serviceAccountName: NAME,
            volumes: [apiAccess()],
          },
        },
      },
    },
    ...budget(plan, NAME, values.metricsAPI.replicas),
  ];
}

/** In the mesh only the dashboard may ask; the command line comes through a port-forward. */
export const metricsApiPolicy = (plan: Plan): KubeObject[] => [
  {
    apiVersion: `${POLICY}/v1beta3`,
    kind: 'Server',
    metadata: plan.metadata(NAME, COMPONENT, plan.createdBy),
    spec: { podSelector: { matchLabels: SELECTOR }, port: 'http', proxyProtocol: 'HTTP/1' },
  },
  {
    apiVersion: `${POLICY}/v1alpha1`,
    kind: 'AuthorizationPolicy',
    metadata: plan.metadata(NAME, COMPONENT, plan.createdBy),
    spec: {
      targetRef: { group: POLICY, kind: 'Server', name: NAME },
      requiredAuthenticationRefs: [{ group: POLICY, kind: 'MeshTLSAuthentication', name: `${NAME}-web` }],
    },
  },
  {
    apiVersion: `${POLICY}/v1alpha1`,
    kind: 'MeshTLSAuthentication',
    metadata: plan.metadata(`${NAME}-web`, COMPONENT, plan.createdBy),
    spec: { identityRefs: [{ kind: 'ServiceAccount', name: 'web' }] },
  },
];
