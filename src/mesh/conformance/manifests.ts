import type { KubeObject } from '#kube/api/types.ts';

const POLICY = 'policy.linkerd.io';
const GATEWAY = 'gateway.networking.k8s.io';

/** The version in which each kind is written here. */
export const VERSIONS: Record<string, string> = {
  Pod: 'v1',
  Service: 'v1',
  ServiceAccount: 'v1',
  Secret: 'v1',
  Namespace: 'v1',
  Server: `${POLICY}/v1beta3`,
  AuthorizationPolicy: `${POLICY}/v1alpha1`,
  MeshTLSAuthentication: `${POLICY}/v1alpha1`,
  NetworkAuthentication: `${POLICY}/v1alpha1`,
  ServerAuthorization: `${POLICY}/v1beta1`,
  HTTPLocalRateLimitPolicy: `${POLICY}/v1alpha1`,
  EgressNetwork: `${POLICY}/v1alpha1`,
  PolicyHTTPRoute: `${POLICY}/v1beta3`,
  HTTPRoute: `${GATEWAY}/v1`,
  GRPCRoute: `${GATEWAY}/v1`,
  TLSRoute: `${GATEWAY}/v1alpha2`,
  TCPRoute: `${GATEWAY}/v1alpha2`,
  ExternalWorkload: 'workload.linkerd.io/v1beta1',
};

/** An object of a known kind; `PolicyHTTPRoute` is the HTTPRoute of the policy group. */
export function manifest(
  kind: string,
  name: string,
  spec: unknown,
  metadata: Partial<KubeObject['metadata']> = {},
): KubeObject {
  const apiVersion = VERSIONS[kind];
  if (!apiVersion) throw new Error(`no version known of ${kind}`);
  return { apiVersion, kind: kind === 'PolicyHTTPRoute' ? 'HTTPRoute' : kind, metadata: { name, ...metadata }, spec };
}

export const groupOf = (kind: string): string => {
  const apiVersion = VERSIONS[kind] ?? '';
  return apiVersion.includes('/') ? apiVersion.split('/')[0]! : '';
};

/** A reference as policies hold it. */
export const refTo = (kind: string, name: string, more: Record<string, unknown> = {}) => ({
  group: groupOf(kind),
  kind: kind === 'PolicyHTTPRoute' ? 'HTTPRoute' : kind,
  name,
  ...more,
});

export const INJECT = 'linkerd.io/inject';
export const WEB_PORT = 8080;

export interface PodOptions {
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
  serviceAccount?: string;
  mesh: boolean;
}

function pod(
  name: string,
  container: Record<string, unknown>,
  options: PodOptions,
  volumes: unknown[] = [],
): KubeObject {
  return manifest(
    'Pod',
    name,
    {
      terminationGracePeriodSeconds: 0,
      ...(options.serviceAccount ? { serviceAccountName: options.serviceAccount } : {}),
      containers: [container],
      ...(volumes.length > 0 ? { volumes } : {}),
    },
    {
      labels: options.labels ?? {},
      annotations: { ...options.annotations, [INJECT]: options.mesh ? 'enabled' : 'disabled' },
    },
  );
}

const probe = (path: string) => ({ httpGet: { path, port: WEB_PORT }, periodSeconds: 5 });

/** Answers every HTTP/1 request with 204. */
export const webPod = (
  options: Partial<PodOptions> & { name?: string; probes?: boolean; status?: number } = {},
): KubeObject =>
  pod(
    options.name ?? 'web',
    {
      name: 'web',
      image: 'hashicorp/http-echo:1.0',
      args: [`-listen=:${WEB_PORT}`, '-text=web', `-status-code=${options.status ?? 204}`],
      ports: [{ name: 'http', containerPort: WEB_PORT }],
      ...(options.probes ? { livenessProbe: probe('/live'), readinessProbe: probe('/ready') } : {}),
    },
    { labels: { app: 'web' }, mesh: true, ...options },
  );

/** A gRPC service: `emojivoto.v1.EmojiService`. */
export const grpcPod = (): KubeObject =>
  pod(
    'web',
    {
      name: 'web',
      image: 'ghcr.io/buoyantio/emojivoto-emoji-svc:v11',
      env: [
        { name: 'GRPC_PORT', value: String(WEB_PORT) },
        { name: 'PROM_PORT', value: '8801' },
      ],
      ports: [{ name: 'http', containerPort: WEB_PORT }],
    },
    { labels: { app: 'web' }, mesh: true },
  );

/** A pod to send requests from. A Secret may be mounted at `/certs`. */
export function clientPod(name: string, options: PodOptions & { secret?: string }): KubeObject {
  const { secret } = options;
  return pod(
    name,
    {
      name: 'curl',
      image: 'curlimages/curl:8.16.0',
      command: ['sleep', '315360000'],
      ...(secret ? { volumeMounts: [{ name: 'certs', mountPath: '/certs', readOnly: true }] } : {}),
    },
    options,
    secret ? [{ name: 'certs', secret: { secretName: secret } }] : [],
  );
}

export const webService = (
  ports: Record<string, unknown>[] = [{ port: 80, targetPort: 'http' }],
  metadata: Partial<KubeObject['metadata']> = {},
) =>
  manifest(
    'Service',
    'web',
    {
      selector: { app: 'web' },
      ports: ports.map((each) => ({ name: `p${each['port']}`, targetPort: 'http', ...each })),
    },
    metadata,
  );

export const serverFor = (
  name: string,
  spec: Record<string, unknown> = {},
  metadata: Partial<KubeObject['metadata']> = {},
) =>
  manifest(
    'Server',
    name,
    { podSelector: { matchLabels: { app: 'web' } }, port: 'http', proxyProtocol: 'HTTP/1', ...spec },
    metadata,
  );

/** What an identity of a service account is called. */
export const identityOf = (account: string, namespace: string): string =>
  `${account}.${namespace}.serviceaccount.identity.linkerd.cluster.local`;
