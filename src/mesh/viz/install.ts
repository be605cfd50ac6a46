import type { KubeObject } from '#kube/api/types.ts';
import { base64, rule } from '#mesh/install/names.ts';
import { LINKERD_VERSION } from '#mesh/install/values.ts';
import { createCertificate } from '#pki/certificate.ts';
import { generateKeyPair } from '#pki/keys.ts';
import { EXTENSION, NAMESPACE } from './labels.ts';
import { GROUP, VERSION } from './tap-api.ts';

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
  tap: { replicas: 1, ignoreHeaders: [] },
  tapInjector: {
    replicas: 1,
    failurePolicy: 'Ignore',
    namespaceSelector: {
      matchExpressions: [{ key: 'kubernetes.io/metadata.name', operator: 'NotIn', values: ['kube-system'] }],
    },
  },
});

interface Pair {
  certificate: string;
  privateKey: string;
}
export interface VizPairs {
  tap: Pair;
  tapInjector: Pair;
}

type Entries = Record<string, string>;
const DAY_MS = 86_400_000;
const RBAC = 'rbac.authorization.k8s.io/v1';
const POLICY = 'policy.linkerd.io';
const READ = ['list', 'get', 'watch'];

/** Serving certificates, made anew at every render, as the chart does. */
export async function vizPairs(now: number): Promise<VizPairs> {
  const make = async (name: string): Promise<Pair> => {
    const keys = await generateKeyPair('ec-p256');
    const host = `${name}.${NAMESPACE}.svc`;
    const certificate = createCertificate({
      subject: `CN=${host}`,
      publicKey: keys.publicKey,
      privateKey: keys.privateKey,
      notBefore: now,
      notAfter: now + 365 * DAY_MS,
      isCa: true,
      keyUsage: ['digitalSignature', 'keyEncipherment', 'certSign'],
      extendedKeyUsage: ['serverAuth', 'clientAuth'],
      dnsNames: [host],
    });
    return { certificate, privateKey: keys.privateKey };
  };
  const [tap, tapInjector] = await Promise.all([make('tap'), make('tap-injector')]);
  return { tap, tapInjector };
}

/** The extension's tap: its API, the webhook, and who may do what. Metrics, dashboard and Prometheus are not part of it. */
export function renderViz(values: VizValues, pairs: VizPairs): KubeObject[] {
  const plan = new Plan(values);
  return [
    {
      kind: 'Namespace',
      apiVersion: 'v1',
      metadata: {
        name: NAMESPACE,
        labels: {
          [EXTENSION]: 'viz',
          'pod-security.kubernetes.io/enforce': values.cniEnabled ? 'restricted' : 'privileged',
        },
      },
    },
    ...tapAccess(plan, pairs.tap),
    ...workload(plan, 'tap', { apiserver: 8089, admin: 9998, extra: { grpc: 8088 } }, tapArguments(plan)),
    ...guarded(plan, 'tap', 'tap-api', 'apiserver'),
    ...injectorAccess(plan, pairs.tapInjector),
    ...workload(plan, 'tap-injector', { 'tap-injector': 8443, admin: 9995 }, injectorArguments(plan)),
    ...guarded(plan, 'tap-injector', 'tap-injector-webhook', 'tap-injector'),
    // Neither says from where it calls, so both may come from anywhere, as upstream has it.
    ...['kube-api-server', 'kubelet'].map((name) => ({
      apiVersion: `${POLICY}/v1alpha1`,
      kind: 'NetworkAuthentication',
      metadata: plan.metadata(name, {}, plan.createdBy),
      spec: { networks: [{ cidr: '0.0.0.0/0' }, { cidr: '::/0' }] },
    })),
  ];
}

class Plan {
  readonly values: VizValues;
  constructor(values: VizValues) {
    this.values = values;
  }

  get trustDomain(): string {
    return this.values.identityTrustDomain || this.values.clusterDomain;
  }

  get createdBy(): Entries {
    return { 'linkerd.io/created-by': this.values.cliVersion };
  }

  labels(more: Entries): Entries {
    return { [EXTENSION]: 'viz', ...more, ...this.values.commonLabels };
  }

  metadata(name: string, labels: Entries, annotations?: Entries, namespace = NAMESPACE) {
    return { name, namespace, labels: this.labels(labels), ...(annotations ? { annotations } : {}) };
  }

  clusterWide(name: string, labels: Entries) {
    return { name, labels: this.labels(labels) };
  }
}

const subject = (name: string) => [{ kind: 'ServiceAccount', name, namespace: NAMESPACE }];
const roleRef = (kind: string, name: string) => ({ apiGroup: 'rbac.authorization.k8s.io', kind, name });

function tapAccess(plan: Plan, pair: Pair): KubeObject[] {
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

const logging = ({ values }: Plan): string[] => [
  `-log-level=${values.defaultLogLevel}`,
  `-log-format=${values.defaultLogFormat}`,
];

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
        replicas: values[name === 'tap' ? 'tap' : 'tapInjector'].replicas,
        revisionHistoryLimit: values.revisionHistoryLimit,
        selector: { matchLabels: name === 'tap' ? { [EXTENSION]: 'viz', ...of } : of },
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
                securityContext: {
                  allowPrivilegeEscalation: false,
                  capabilities: { drop: ['ALL'] },
                  readOnlyRootFilesystem: true,
                  runAsNonRoot: true,
                  runAsUser: values.defaultUID,
                  runAsGroup: values.defaultGID,
                  seccompProfile: { type: 'RuntimeDefault' },
                },
                volumeMounts: [
                  { mountPath: '/var/run/linkerd/tls', name: 'tls', readOnly: true },
                  {
                    mountPath: '/var/run/secrets/kubernetes.io/serviceaccount',
                    name: 'kube-api-access',
                    readOnly: true,
                  },
                ],
              },
            ],
            securityContext: { seccompProfile: { type: 'RuntimeDefault' } },
            serviceAccountName: name,
            volumes: [{ name: 'tls', secret: { secretName: `${name}-k8s-tls` } }, apiAccess()],
          },
        },
      },
    },
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

/** The account's token, mounted by hand. */
const apiAccess = (): object => ({
  name: 'kube-api-access',
  projected: {
    defaultMode: 420,
    sources: [
      { serviceAccountToken: { expirationSeconds: 3607, path: 'token' } },
      { configMap: { items: [{ key: 'ca.crt', path: 'ca.crt' }], name: 'kube-root-ca.crt' } },
      {
        downwardAPI: {
          items: [{ fieldRef: { apiVersion: 'v1', fieldPath: 'metadata.namespace' }, path: 'namespace' }],
        },
      },
    ],
  },
});
