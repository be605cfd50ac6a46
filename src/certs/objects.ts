/* biome-ignore-all lint/suspicious/noExplicitAny: custom objects are plain JSON whose shapes their CRDs hold. */
import { rfc3339 } from '#base/rfc3339.ts';
import { StatusError } from '#kube/api/status.ts';
import type { KubeObject } from '#kube/api/types.ts';
import type { KubeClient, Target } from '#kube/client/client.ts';

export const GROUP = 'cert-manager.io';

const own = (resource: string): Target => ({ group: GROUP, version: 'v1', resource });

export const TARGETS = {
  certificates: own('certificates'),
  requests: own('certificaterequests'),
  issuers: own('issuers'),
  clusterIssuers: own('clusterissuers'),
  bundles: { group: 'trust.cert-manager.io', version: 'v1alpha1', resource: 'bundles' },
  secrets: { group: '', version: 'v1', resource: 'secrets' },
  configMaps: { group: '', version: 'v1', resource: 'configmaps' },
  namespaces: { group: '', version: 'v1', resource: 'namespaces' },
} satisfies Record<string, Target>;

export interface Condition {
  type: string;
  status: 'True' | 'False';
  reason?: string;
  message?: string;
  lastTransitionTime?: string;
  observedGeneration?: number;
}

export const conditionOf = (object: KubeObject | undefined, type: string): Condition | undefined =>
  (object?.['status']?.conditions as Condition[] | undefined)?.find((each) => each.type === type);

export const isTrue = (object: KubeObject | undefined, type: string): boolean =>
  conditionOf(object, type)?.status === 'True';

/** The list with one condition set; the instant of its last change is kept while its status stays. */
export function withCondition(list: readonly Condition[] | undefined, next: Condition, now: number): Condition[] {
  const old = list?.find((each) => each.type === next.type);
  const lastTransitionTime =
    old?.status === next.status && old.lastTransitionTime ? old.lastTransitionTime : rfc3339(now);
  const made = { ...next, lastTransitionTime };
  return old ? list!.map((each) => (each === old ? made : each)) : [...(list ?? []), made];
}

export const withoutCondition = (list: readonly Condition[] | undefined, type: string): Condition[] =>
  (list ?? []).filter((each) => each.type !== type);

/** As Go prints a time in a message: `2026-11-25 10:00:00 +0000 UTC`. */
export const goTime = (ms: number): string => `${rfc3339(ms).replace('T', ' ').replace('Z', '')} +0000 UTC`;

/** The object, or undefined when there is none of that name. */
export async function find(
  client: KubeClient,
  target: Target,
  name: string,
  namespace?: string,
): Promise<KubeObject | undefined> {
  try {
    return await client.get(namespace ? { ...target, namespace } : target, name);
  } catch (error) {
    if (error instanceof StatusError && error.code === 404) return undefined;
    throw error;
  }
}

/** Writes an object's status where it differs. A conflict is the queue's to try again. */
export async function writeStatus(
  client: KubeClient,
  target: Target,
  object: KubeObject,
  status: Record<string, any>,
): Promise<KubeObject> {
  const next = JSON.parse(JSON.stringify(status)) as Record<string, any>;
  if (same(next, object['status'] ?? {})) return object;
  const { namespace } = object.metadata;
  return client.update(
    namespace ? { ...target, namespace } : target,
    { ...object, status: next },
    {
      subresource: 'status',
      fieldManager: 'cert-manager',
    },
  );
}

export const same = (a: unknown, b: unknown): boolean => sorted(a) === sorted(b);

const sorted = (value: unknown): string =>
  JSON.stringify(value, (_key, part: unknown) =>
    part && typeof part === 'object' && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)))
      : part,
  ) ?? '';

export const keyOf = (object: KubeObject): string => `${object.metadata.namespace ?? ''}/${object.metadata.name}`;

export function splitKey(key: string): [namespace: string, name: string] {
  const at = key.indexOf('/');
  return [key.slice(0, at), key.slice(at + 1)];
}

/** A value of a Secret as text; undefined when the key is absent or empty. */
export function secretText(secret: KubeObject | undefined, key: string): string | undefined {
  const value: string | undefined = secret?.['data']?.[key];
  return value ? Buffer.from(value, 'base64').toString('utf8') : undefined;
}

export const base64 = (text: string): string => Buffer.from(text).toString('base64');

/** The labels by which a metric names a Certificate's issuer. */
export function issuerLabels({ spec }: KubeObject): string {
  const { group = GROUP, kind = 'Issuer', name = '' } = spec?.issuerRef ?? {};
  return `issuer_group="${group}",issuer_kind="${kind}",issuer_name="${name}"`;
}
