import type { KubeObject } from '#kube/api/types.ts';
import type { KubeClient } from '#kube/client/client.ts';
import { describeCertificate, parseCertificates } from '#pki/certificate.ts';
import type { CertificateInfo, TrustBundle } from '#schema/evidence.ts';
import type { CertificateNames } from '../names.ts';

const CORE = { group: '', version: 'v1' } as const;
export const PODS = { ...CORE, resource: 'pods' } as const;
export const EVENTS = { ...CORE, resource: 'events' } as const;
const MESH_NAMESPACE = 'linkerd';

/** A pod that carries a proxy. */
export interface MeshedPod {
  namespace: string;
  name: string;
  uid: string;
  /** Owner as `kind/name`, ReplicaSets resolved to their Deployment by name. */
  workload: string;
  identity: string;
  /** PEM of the anchors that this pod trusts, as its specification says; undefined for control-plane pods. */
  anchors: string | undefined;
  ready: boolean;
  deleting: boolean;
  startedAt: number;
}

/** `shop/*`, `shop/web` (Deployment or pod name prefix) or `*`; several may be separated by commas. */
export function selectsPod(pattern: string, pod: Pick<MeshedPod, 'namespace' | 'name' | 'workload'>): boolean {
  return pattern.split(',').some((part) => {
    const [namespace, name = '*'] = part.trim().split('/');
    if (namespace !== '*' && namespace !== pod.namespace) return false;
    return name === '*' || name === pod.name || pod.workload.endsWith(`/${name}`);
  });
}

/** Every pod with a proxy, the control plane's included. */
export async function meshedPods(client: KubeClient, signal?: AbortSignal): Promise<MeshedPod[]> {
  const { items } = await client.list({ ...PODS }, signal ? { signal } : {});
  return items.flatMap((pod) => asMeshed(pod) ?? []);
}

function asMeshed(pod: KubeObject): MeshedPod | undefined {
  const containers = [...(pod.spec?.containers ?? []), ...(pod.spec?.initContainers ?? [])];
  const proxy = containers.find((container: { name: string }) => container.name === 'linkerd-proxy');
  if (!proxy) return undefined;
  const env = new Map<string, string | undefined>(
    (proxy.env ?? []).map((entry: { name: string; value?: string }) => [entry.name, entry.value]),
  );
  const namespace = pod.metadata.namespace!;
  const account = pod.spec?.serviceAccountName ?? 'default';
  // The proxy's own name is written as $(_pod_sa).$(_pod_ns).serviceaccount.identity.<namespace>.<trust domain>.
  const localName = env.get('LINKERD2_PROXY_IDENTITY_LOCAL_NAME') ?? '';
  const suffix = /serviceaccount\.identity\..*$/
    .exec(localName)?.[0]
    ?.replaceAll('$(_l5d_ns)', MESH_NAMESPACE)
    .replaceAll('$(_l5d_trustdomain)', env.get('_l5d_trustdomain') ?? 'cluster.local');
  const owner = pod.metadata.ownerReferences?.find((reference) => reference.controller);
  const hash = pod.metadata.labels?.['pod-template-hash'];
  const workload = !owner
    ? `pod/${pod.metadata.name}`
    : owner.kind === 'ReplicaSet' && hash
      ? `deployment/${owner.name.replace(`-${hash}`, '')}`
      : `${owner.kind.toLowerCase()}/${owner.name}`;
  const conditions: { type: string; status: string }[] = pod.status?.conditions ?? [];
  return {
    namespace,
    name: pod.metadata.name!,
    uid: pod.metadata.uid!,
    workload,
    identity: `${account}.${namespace}.${suffix ?? `serviceaccount.identity.${MESH_NAMESPACE}.cluster.local`}`,
    anchors: env.get('LINKERD2_PROXY_IDENTITY_TRUST_ANCHORS'),
    ready: conditions.some((condition) => condition.type === 'Ready' && condition.status === 'True'),
    deleting: pod.metadata.deletionTimestamp !== undefined,
    startedAt: Date.parse(pod.status?.startTime ?? pod.metadata.creationTimestamp ?? '') || 0,
  };
}

/** The anchors and the issuer that the cluster's objects hold now. PEM is given beside what evidence shows. */
export interface MeshCertificates {
  bundle: TrustBundle;
  anchorsPem: string;
  issuerPem: string | undefined;
}

/** Reads the trust bundle's ConfigMap and the issuer's Secret. Unreadable PEM counts as absent. */
export async function meshCertificates(
  client: KubeClient,
  names: CertificateNames,
  at: number,
): Promise<MeshCertificates> {
  const get = (resource: string, name: string) =>
    client.get({ ...CORE, resource, namespace: MESH_NAMESPACE }, name).catch(() => undefined);
  const [map, secret] = await Promise.all([
    get('configmaps', 'linkerd-identity-trust-roots'),
    get('secrets', 'linkerd-identity-issuer'),
  ]);
  const anchorsPem: string = map?.data?.['ca-bundle.crt'] ?? '';
  const encoded: string | undefined = secret?.data?.['crt.pem'] ?? secret?.data?.['tls.crt'];
  const issuerPem = encoded && Buffer.from(encoded, 'base64').toString('utf8');
  const anchors = certificatesIn(anchorsPem).map((info) => names.name('anchor', info));
  const issuer = certificatesIn(issuerPem ?? '')[0];
  return {
    anchorsPem,
    issuerPem,
    bundle: { type: 'bundle', at, anchors, ...(issuer ? { issuer: names.name('issuer', issuer) } : {}) },
  };
}

export function certificatesIn(pem: string): CertificateInfo[] {
  try {
    return parseCertificates(pem).map((certificate) => describeCertificate(certificate));
  } catch {
    return [];
  }
}
