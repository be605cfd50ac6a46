import { uuid } from '#base/ids.ts';
import { jsonPatch } from '#kube/api/patch/json.ts';
import { matchesSelector } from '#kube/api/selectors.ts';
import { failure, StatusError } from '#kube/api/status.ts';
import type { KubeObject } from '#kube/api/types.ts';
import type { Store } from '#kube/store/store.ts';
import { apiVersionOf } from '../kinds.ts';
import type { AdmissionAttributes, AdmissionPlugin } from '../seams.ts';

const GROUP = 'admissionregistration.k8s.io';

interface Webhook {
  name: string;
  clientConfig: {
    service?: { namespace: string; name: string; path?: string; port?: number };
    caBundle?: string;
    url?: string;
  };
  rules?: { operations: string[]; apiGroups: string[]; apiVersions: string[]; resources: string[]; scope?: string }[];
  failurePolicy?: 'Ignore' | 'Fail';
  namespaceSelector?: object;
  objectSelector?: object;
  timeoutSeconds?: number;
  sideEffects?: string;
}

/** Sends an AdmissionReview to a Service over TLS and returns the answer. Rejects with what went wrong. */
export type ReviewCaller = (
  target: {
    namespace: string;
    name: string;
    port: number;
    path: string;
    caBundle: string | undefined;
    timeoutMs: number;
  },
  review: unknown,
) => Promise<unknown>;

interface ReviewResponse {
  response?: {
    uid?: string;
    allowed?: boolean;
    patch?: string;
    patchType?: string;
    status?: { message?: string; reason?: string; code?: number };
    warnings?: string[];
  };
}

/** Calls the webhooks that the cluster's configurations name. Source: apiserver/pkg/admission/plugin/webhook. */
export function webhookAdmission(store: Store, call: ReviewCaller): AdmissionPlugin {
  const relevant = (
    resource: string,
    attributes: AdmissionAttributes,
    object: KubeObject | undefined,
    old: KubeObject | undefined,
  ): Webhook[] => {
    if (attributes.group === GROUP) return [];
    return store
      .list(`${GROUP}/${resource}`)
      .flatMap((configuration) =>
        ((configuration.webhooks ?? []) as Webhook[]).filter((webhook) =>
          applies(store, webhook, attributes, object, old),
        ),
      );
  };

  const ask = async (
    webhook: Webhook,
    attributes: AdmissionAttributes,
    object: KubeObject | undefined,
    old: KubeObject | undefined,
    warn: (text: string) => void,
  ) => {
    const { service, caBundle } = webhook.clientConfig;
    const review = reviewOf(attributes, object, old);
    const port = service?.port ?? 443;
    const path = service?.path || '/';
    const url = service
      ? `https://${service.name}.${service.namespace}.svc:${port}${path}?timeout=${webhook.timeoutSeconds ?? 10}s`
      : (webhook.clientConfig.url ?? '');
    let answer: ReviewResponse;
    try {
      if (!service) throw new Error('only services of this cluster can be called');
      answer = (await call(
        {
          namespace: service.namespace,
          name: service.name,
          port,
          path,
          caBundle,
          timeoutMs: (webhook.timeoutSeconds ?? 10) * 1000,
        },
        review,
      )) as ReviewResponse;
      if (!answer?.response) throw new Error('expected response.uid');
    } catch (error) {
      if (webhook.failurePolicy === 'Ignore') return undefined;
      throw failure(
        'InternalError',
        `Internal error occurred: failed calling webhook ${JSON.stringify(webhook.name)}: failed to call webhook: Post ${JSON.stringify(url)}: ${(error as Error).message}`,
      );
    }
    for (const text of answer.response?.warnings ?? []) warn(text);
    if (!answer.response?.allowed) throw denied(webhook.name, answer.response?.status);
    return answer.response;
  };

  return {
    name: 'Webhooks',
    isRemote: true,
    async mutate(attributes, object, old, warn) {
      let current = object;
      for (const webhook of relevant('mutatingwebhookconfigurations', attributes, object, old)) {
        const name = attributes.operation === 'CREATE' ? generatedName(current) : undefined;
        const asked = name && current ? nameless(current) : current;
        const response = await ask(webhook, name ? { ...attributes, name: '' } : attributes, asked, old, warn);
        if (!response?.patch || !asked) continue;
        current = jsonPatch(asked, JSON.parse(Buffer.from(response.patch, 'base64').toString())) as KubeObject;
        if (name) current.metadata.name ??= name;
      }
      return current;
    },
    async validate(attributes, object, old, warn) {
      await Promise.all(
        relevant('validatingwebhookconfigurations', attributes, object, old).map((webhook) =>
          ask(webhook, attributes, object, old, warn),
        ),
      );
    },
  };
}

/** The name that `generateName` led to. Names are made after objects are mutated: those webhooks do not see them. */
function generatedName(object: KubeObject | undefined): string | undefined {
  const { name, generateName } = object?.metadata ?? {};
  return generateName && name?.startsWith(generateName.slice(0, 58)) ? name : undefined;
}

function nameless(object: KubeObject): KubeObject {
  const { name: _, ...metadata } = object.metadata;
  return { ...object, metadata };
}

function denied(name: string, status: { message?: string; reason?: string; code?: number } | undefined): StatusError {
  // A refusal is 400 at least, and has a reason only when the webhook gives one.
  const code = Math.max(status?.code ?? 0, 400);
  const message = `admission webhook ${JSON.stringify(name)} denied the request${status?.message ? `: ${status.message}` : ' without explanation'}`;
  return new StatusError({
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Failure',
    message,
    ...(status?.reason ? { reason: status.reason as never } : {}),
    code,
  });
}

function applies(
  store: Store,
  webhook: Webhook,
  attributes: AdmissionAttributes,
  object: KubeObject | undefined,
  old: KubeObject | undefined,
): boolean {
  const { operation, group, version, resource, subresource, namespace } = attributes;
  const full = subresource ? `${resource}/${subresource}` : resource;
  const fits = (webhook.rules ?? []).some(
    (rule) =>
      any(rule.operations, operation) &&
      any(rule.apiGroups, group) &&
      (any(rule.apiVersions, version) || any(rule.apiGroups, group)) &&
      rule.resources.some((known) => known === '*/*' || known === full || (known === '*' && !subresource)) &&
      (rule.scope === undefined || rule.scope === '*' || (rule.scope === 'Namespaced') === (namespace !== '')),
  );
  if (!fits) return false;
  if (attributes.dryRun && !['None', 'NoneOnDryRun'].includes(webhook.sideEffects ?? 'None')) return false;
  const labels = namespace
    ? store.get('/namespaces', '', namespace)?.metadata.labels
    : object?.kind === 'Namespace'
      ? object.metadata.labels
      : undefined;
  if ((namespace || object?.kind === 'Namespace') && !matchesSelector(webhook.namespaceSelector ?? {}, labels))
    return false;
  return (
    [object, old].some(
      (candidate) => candidate && matchesSelector(webhook.objectSelector ?? {}, candidate.metadata.labels),
    ) ||
    (!object && !old)
  );
}

const any = (list: string[], value: string): boolean => list.includes('*') || list.includes(value);

function reviewOf(
  attributes: AdmissionAttributes,
  object: KubeObject | undefined,
  old: KubeObject | undefined,
): unknown {
  const { group, version, resource, subresource, kind, namespace, name, operation, user, dryRun } = attributes;
  const gvk = { group, version, kind };
  const gvr = { group, version, resource };
  return {
    kind: 'AdmissionReview',
    apiVersion: 'admission.k8s.io/v1',
    request: {
      uid: uuid(),
      kind: gvk,
      resource: gvr,
      ...(subresource ? { subResource: subresource } : {}),
      requestKind: gvk,
      requestResource: gvr,
      ...(name ? { name } : {}),
      ...(namespace ? { namespace } : {}),
      operation,
      userInfo: user,
      object: object ? { ...object, apiVersion: apiVersionOf(group, version), kind } : null,
      oldObject: old ? { ...old, apiVersion: apiVersionOf(group, version), kind } : null,
      dryRun,
      options: { kind: `${operation[0]}${operation.slice(1).toLowerCase()}Options`, apiVersion: 'meta.k8s.io/v1' },
    },
  };
}
