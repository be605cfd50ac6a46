import type { KubeObject } from '#kube/api/types.ts';
import { type ControllerContext, MANAGER, splitKey, TARGETS } from './context.ts';
import { WorkQueue } from './queue.ts';

const TYPE = 'kubernetes.io/service-account-token';
const ACCOUNT = 'kubernetes.io/service-account.name';
const ACCOUNT_UID = 'kubernetes.io/service-account.uid';
/** Such tokens live as long as their Secret; this is the longest that a request may ask for. */
const SECONDS = 2 ** 32;

/**
 * Fills Secrets of type `kubernetes.io/service-account-token` with a token of the account that they name, and takes them
 * away with it. Source: pkg/controller/serviceaccount/tokens_controller.go.
 */
export function startTokenSecrets(context: ControllerContext, clusterCa: string): WorkQueue {
  const secrets = context.informer('secrets');
  const accounts = context.informer('serviceaccounts');
  const queue = new WorkQueue(context.clock, async (key) => {
    const [namespace, name] = splitKey(key);
    const secret = secrets.get(namespace, name);
    if (!secret || !isOfAccount(secret)) return;
    const account = accounts.get(namespace, secret.metadata.annotations?.[ACCOUNT] ?? '');
    const boundTo = secret.metadata.annotations?.[ACCOUNT_UID];
    if (!account || (boundTo && boundTo !== account.metadata.uid)) {
      // A Secret may come a moment before its account; one that was filled before goes with it.
      if (boundTo) await context.remove('secrets', secret);
      return;
    }
    const data: Record<string, string> = secret['data'] ?? {};
    if (data['token'] && data['ca.crt'] && data['namespace'] && boundTo) return;
    const base64 = (text: string) => Buffer.from(text).toString('base64');
    await context.client.update(
      context.target('secrets', namespace),
      {
        ...secret,
        metadata: {
          ...secret.metadata,
          annotations: { ...secret.metadata.annotations, [ACCOUNT_UID]: account.metadata.uid! },
        },
        data: {
          ...data,
          'ca.crt': base64(clusterCa),
          namespace: base64(namespace),
          token: data['token'] ?? base64(await tokenFor(context, account, secret)),
        },
      },
      { fieldManager: MANAGER },
    );
  });
  secrets.onChange(
    ({ object }) => isOfAccount(object) && queue.add(`${object.metadata.namespace}/${object.metadata.name}`),
  );
  accounts.onChange(({ object }) => {
    const { name, namespace = '' } = object.metadata;
    for (const secret of secrets.byIndex('namespace', namespace)) {
      if (isOfAccount(secret) && secret.metadata.annotations?.[ACCOUNT] === name) {
        queue.add(`${namespace}/${secret.metadata.name}`);
      }
    }
  });
  return queue;
}

const isOfAccount = (secret: KubeObject): boolean => secret['type'] === TYPE;

async function tokenFor(context: ControllerContext, account: KubeObject, secret: KubeObject): Promise<string> {
  const { name, namespace = '' } = account.metadata;
  const answer = await context.client.create(
    { ...TARGETS.serviceaccounts, namespace },
    {
      apiVersion: 'authentication.k8s.io/v1',
      kind: 'TokenRequest',
      metadata: { name: name! },
      spec: {
        expirationSeconds: SECONDS,
        boundObjectRef: { apiVersion: 'v1', kind: 'Secret', name: secret.metadata.name, uid: secret.metadata.uid },
      },
    },
    { subresource: 'token' },
  );
  return answer.status.token;
}
