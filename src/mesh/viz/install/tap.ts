import type { KubeObject } from '#kube/api/types.ts';
import { chosenResources } from '#mesh/install/container-parts.ts';
import { base64, rule } from '#mesh/install/names.ts';
import { EXTENSION, NAMESPACE } from '../labels.ts';
import { GROUP, VERSION } from '../tap-api.ts';
import type { Pair, VizPairs } from './pairs.ts';
import {
  apart,
  apiAccess,
  budget,
  confined,
  type Entries,
  logging,
  oneAtATime,
  type Plan,
  POLICY,
  RBAC,
  READ,
  roleRef,
  subject,
  TOKEN_MOUNT,
} from './plan.ts';

/** The tap API and who may use it. */
export const tapObjects = (plan: Plan, pairs: VizPairs): KubeObject[] => [
  ...workload(plan, 'tap', { apiserver: 8089, admin: 9998, extra: { grpc: 8088 } }, tapArguments(plan)),
  ...guarded(plan, 'tap', 'tap-api', 'apiserver'),
  ...injectorAccess(plan, pairs.tapInjector),
  ...workload(plan, 'tap-injector', { 'tap-injector': 8443, admin: 9995 }, injectorArguments(plan)),
  ...guarded(plan, 'tap-injector', 'tap-injector-webhook', 'tap-injector'),
];

export function tapAccess(plan: Plan, pair: Pair): KubeObject[] {
  const component = { component: 'tap' };
  const role = `linkerd-${NAMESPACE}-tap`;
  return [
    {
      kind: 'ClusterRole',
      apiVersion: RBAC,
      metadata: plan.clusterWide(role, component),
      rules: [
        rule([''], ['pods', 'services', 'replicationcontrollers', 'namespaces', 'nodes'], READ),
        rule(['extensions', 'apps'], ['daemonsets', 'deployments', 'replicasets', 'statefulsets'], READ),
        rule(['extensions', 'batch'], ['cronjobs', 'jobs'], READ),
      ],
    },
    {
      kind: 'ClusterRole',
      apiVersion: RBAC,
      metadata: plan.clusterWide(`${role}-admin`, component),
      rules: [rule([''], ['namespaces'], ['list']), rule([GROUP], ['*'], ['watch'])],
    },
    {
      kind: 'ClusterRoleBinding',
      apiVersion: RBAC,
      metadata: plan.clusterWide(role, component),
      roleRef: roleRef('ClusterRole', role),
      subjects: subject('tap'),
    },
    {
      kind: 'ClusterRoleBinding',
      apiVersion: RBAC,
      metadata: plan.clusterWide(`${role}-auth-delegator`, component),
      roleRef: roleRef('ClusterRole', 'system:auth-delegator'),
      subjects: subject('tap'),
    },
    {
      kind: 'ServiceAccount',
      apiVersion: 'v1',
      metadata: plan.metadata('tap', { ...component, namespace: NAMESPACE }),
    },
    {
      kind: 'RoleBinding',
      apiVersion: RBAC,
      metadata: plan.metadata(`${role}-auth-reader`, { ...component, namespace: NAMESPACE }, undefined, 'kube-system'),
      roleRef: roleRef('Role', 'extension-apiserver-authentication-reader'),
      subjects: subject('tap'),
    },
    secret(plan, 'tap', { ...component, namespace: NAMESPACE }, pair),
    {
      kind: 'APIService',
      apiVersion: 'apiregistration.k8s.io/v1',
      metadata: plan.clusterWide(`${VERSION}.${GROUP}`, component),
      spec: {
        group: GROUP,
        version: VERSION,
        groupPriorityMinimum: 1000,
        versionPriority: 100,
        service: { name: 'tap', namespace: NAMESPACE },
        caBundle: base64(pair.certificate),
      },
    },
  ];
}

function injectorAccess(plan: Plan, pair: Pair): KubeObject[] {
  const role = 'linkerd-tap-injector';
  const { failurePolicy, namespaceSelector, objectSelector } = plan.values.tapInjector;
  return [
    {
      kind: 'ClusterRole',
      apiVersion: RBAC,
      metadata: plan.clusterWide(role, {}),
      rules: [rule([''], ['namespaces'], ['get', 'list', 'watch'])],
    },
    {
      kind: 'ClusterRoleBinding',
      apiVersion: RBAC,
      metadata: plan.clusterWide(role, {}),
      subjects: subject('tap-injector'),
      roleRef: roleRef('ClusterRole', role),
    },
    { kind: 'ServiceAccount', apiVersion: 'v1', metadata: plan.metadata('tap-injector', {}) },
    secret(plan, 'tap-injector', {}, pair),
    {
      apiVersion: 'admissionregistration.k8s.io/v1',
      kind: 'MutatingWebhookConfiguration',
      metadata: plan.clusterWide('linkerd-tap-injector-webhook-config', {}),
      webhooks: [
        {
          name: 'tap-injector.linkerd.io',
          namespaceSelector,
          ...(objectSelector ? { objectSelector } : {}),
          clientConfig: {
            service: { name: 'tap-injector', namespace: NAMESPACE, path: '/' },
            caBundle: base64(pair.certificate),
          },
          failurePolicy,
          admissionReviewVersions: ['v1', 'v1beta1'],
          reinvocationPolicy: 'IfNeeded',
          rules: [
            { operations: ['CREATE'], apiGroups: [''], apiVersions: ['v1'], resources: ['pods'], scope: 'Namespaced' },
          ],
          sideEffects: 'None',
        },
      ],
    },
  ];
}

const secret = (plan: Plan, name: string, labels: Entries, { certificate, privateKey }: Pair): KubeObject => ({
  kind: 'Secret',
  apiVersion: 'v1',
  metadata: plan.metadata(`${name}-k8s-tls`, labels, plan.createdBy),
  type: 'kubernetes.io/tls',
  data: { 'tls.crt': base64(certificate), 'tls.key': base64(privateKey) },
});

function tapArguments(plan: Plan): string[] {
  const { linkerdNamespace, tap } = plan.values;
  return [
    'api',
    `-api-namespace=${linkerdNamespace}`,
    ...logging(plan),
    `-identity-trust-domain=${plan.trustDomain}`,
    '-enable-pprof=false',
    ...(tap.ignoreHeaders?.length ? [`-ignore-headers=${tap.ignoreHeaders.join(',')}`] : []),
  ];
}

const injectorArguments = (plan: Plan): string[] => [
  'injector',
  `-tap-service-name=tap.${NAMESPACE}.serviceaccount.identity.${plan.values.linkerdNamespace}.${plan.trustDomain}`,
  ...logging(plan),
  '-enable-pprof=false',
];

/** Service and Deployment of a component; the first of its ports is served as 443. */
function workload(
  plan: Plan,
  name: 'tap' | 'tap-injector',
  ports: { admin: number; extra?: Record<string, number> } & Record<string, number | Record<string, number>>,
  args: string[],
): KubeObject[] {
  const { values } = plan;
  const { admin, extra = {}, ...own } = ports;
  const [[served = '', port] = []] = Object.entries(own) as [string, number][];
  const of: Entries = name === 'tap' ? { component: name, namespace: NAMESPACE } : { component: name };
  const chosen = values[name === 'tap' ? 'tap' : 'tapInjector'];
  const image = `${values.defaultRegistry}/tap:${values.linkerdVersion}`;
  const probe = (path: string) => ({ httpGet: { path, port: admin } });
  return [
    {
      kind: 'Service',
      apiVersion: 'v1',
      metadata: plan.metadata(name, of, { ...plan.createdBy, 'linkerd.io/inject': 'enabled' }),
      spec: {
        type: 'ClusterIP',
        selector: { [EXTENSION]: 'viz', component: name },
        ports: [
          ...Object.entries(extra).map(([each, number]) => ({ name: each, port: number, targetPort: number })),
          { name: served, port: 443, targetPort: served },
        ],
      },
    },
    {
      kind: 'Deployment',
      apiVersion: 'apps/v1',
      metadata: {
        annotations: {
          ...plan.createdBy,
          'linkerd.io/inject': 'enabled',
          'config.linkerd.io/proxy-await': 'enabled',
        },
        labels: plan.labels({
          'app.kubernetes.io/name': name,
          'app.kubernetes.io/part-of': 'Linkerd',
          ...(name === 'tap' ? { 'app.kubernetes.io/version': values.linkerdVersion } : {}),
          ...of,
        }),
        name,
        namespace: NAMESPACE,
      },
      spec: {
        replicas: chosen.replicas,
        revisionHistoryLimit: values.revisionHistoryLimit,
        selector: { matchLabels: name === 'tap' ? { [EXTENSION]: 'viz', ...of } : of },
        ...oneAtATime(plan),
        template: {
          metadata: {
            annotations: {
              ...plan.createdBy,
              ...values.podAnnotations,
              'linkerd.io/inject': 'enabled',
              'config.alpha.linkerd.io/proxy-wait-before-exit-seconds': '0',
              'cluster-autoscaler.kubernetes.io/safe-to-evict': 'true',
            },
            labels: { [EXTENSION]: 'viz', ...of, ...values.podLabels },
          },
          spec: {
            nodeSelector: { 'kubernetes.io/os': 'linux' },
            ...apart(plan, name),
            automountServiceAccountToken: false,
            containers: [
              {
                args,
                image,
                imagePullPolicy: values.defaultImagePullPolicy,
                livenessProbe: { ...probe('/ping'), initialDelaySeconds: 10 },
                name,
                ports: [
                  ...Object.entries(extra).map(([each, number]) => ({ containerPort: number, name: each })),
                  { containerPort: port, name: served },
                  { containerPort: admin, name: 'admin' },
                ],
                readinessProbe: { failureThreshold: 7, ...probe('/ready') },
                ...chosenResources(chosen.resources),
                securityContext: confined(values.defaultUID, values.defaultGID),
                volumeMounts: [{ mountPath: '/var/run/linkerd/tls', name: 'tls', readOnly: true }, TOKEN_MOUNT],
              },
            ],
            securityContext: { seccompProfile: { type: 'RuntimeDefault' } },
            serviceAccountName: name,
            volumes: [{ name: 'tls', secret: { secretName: `${name}-k8s-tls` } }, apiAccess()],
          },
        },
      },
    },
    ...budget(plan, name, chosen.replicas),
  ];
}

/** Whom the API server is let in by: anybody's address, as nobody knows its own. */
const guarded = (plan: Plan, name: string, server: string, port: string): KubeObject[] => [
  {
    apiVersion: `${POLICY}/v1beta3`,
    kind: 'Server',
    metadata: plan.metadata(server, { component: name }, plan.createdBy),
    spec: {
      podSelector: { matchLabels: { [EXTENSION]: 'viz', component: name } },
      port,
      proxyProtocol: 'TLS',
    },
  },
  {
    apiVersion: `${POLICY}/v1alpha1`,
    kind: 'AuthorizationPolicy',
    metadata: plan.metadata(name, { component: name }, plan.createdBy),
    spec: {
      targetRef: { group: POLICY, kind: 'Server', name: server },
      requiredAuthenticationRefs: [{ group: POLICY, kind: 'NetworkAuthentication', name: 'kube-api-server' }],
    },
  },
];
