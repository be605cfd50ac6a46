import type { ControllerContext } from './context.ts';
import { MANAGER, splitKey } from './context.ts';
import { WorkQueue } from './queue.ts';

/** What servers that the API server passes requests on to would trust; `linkerd check --pre` asks whether it can be read. */
const AUTHENTICATION = 'extension-apiserver-authentication';

/** Gives every namespace its `default` ServiceAccount and the ConfigMap with the cluster's CA. */
export function startServiceAccounts(context: ControllerContext, clusterCa: string): WorkQueue {
  const namespaces = context.informer('namespaces');
  const accounts = context.informer('serviceaccounts');
  const maps = context.informer('configmaps');
  const queue = new WorkQueue(context.clock, async (key) => {
    const [, name] = splitKey(key);
    const namespace = namespaces.get('', name);
    if (!namespace || namespace.metadata.deletionTimestamp) return;
    if (!accounts.get(name, 'default')) {
      await create('serviceaccounts', name, {
        apiVersion: 'v1',
        kind: 'ServiceAccount',
        metadata: { name: 'default', namespace: name },
      });
    }
    if (!maps.get(name, 'kube-root-ca.crt')) {
      const annotations = {
        'kubernetes.io/description':
          'Contains a CA bundle that can be used to verify the kube-apiserver when using internal endpoints such as the internal service IP or kubernetes.default.svc. No other usage is guaranteed across distributions of Kubernetes clusters.',
      };
      await create('configmaps', name, {
        apiVersion: 'v1',
        kind: 'ConfigMap',
        metadata: { name: 'kube-root-ca.crt', namespace: name, annotations },
        data: { 'ca.crt': clusterCa },
      });
    }
    if (name === 'kube-system' && !maps.get(name, AUTHENTICATION)) {
      // There is no front proxy of its own here: whoever might pass requests on would have a certificate of the cluster's CA.
      await create('configmaps', name, {
        apiVersion: 'v1',
        kind: 'ConfigMap',
        metadata: { name: AUTHENTICATION, namespace: name },
        data: {
          'client-ca-file': clusterCa,
          'requestheader-allowed-names': '["front-proxy-client"]',
          'requestheader-client-ca-file': clusterCa,
          'requestheader-extra-headers-prefix': '["X-Remote-Extra-"]',
          'requestheader-group-headers': '["X-Remote-Group"]',
          'requestheader-username-headers': '["X-Remote-User"]',
        },
      });
    }
  });
  const create = async (
    target: 'serviceaccounts' | 'configmaps',
    namespace: string,
    object: Parameters<ControllerContext['client']['create']>[1],
  ) => {
    await context.client
      .create(context.target(target, namespace), object, { fieldManager: MANAGER })
      .catch((error: { code?: number }) => {
        if (error.code !== 409) throw error;
      });
  };
  namespaces.onChange(({ object }) => queue.add(`/${object.metadata.name}`));
  accounts.onChange(
    ({ type, object }) =>
      type === 'delete' && object.metadata.name === 'default' && queue.add(`/${object.metadata.namespace}`),
  );
  maps.onChange(
    ({ type, object }) =>
      type === 'delete' &&
      ['kube-root-ca.crt', AUTHENTICATION].includes(object.metadata.name ?? '') &&
      queue.add(`/${object.metadata.namespace}`),
  );
  return queue;
}
