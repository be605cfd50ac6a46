import { isAbort } from '#base/errors.ts';
import type { KubeObject } from '#kube/api/types.ts';
import type { KubeClient, Target } from '#kube/client/client.ts';
import { Informer } from '#kube/client/informer.ts';
import type { ServiceTable } from './service-table.ts';

const SERVICES: Target = { group: '', version: 'v1', resource: 'services' };
const SLICES: Target = { group: 'discovery.k8s.io', version: 'v1', resource: 'endpointslices' };

/** kube-proxy and DNS: keeps a table of Services and endpoints as the API has them. Resolves when both are known. */
export async function startServiceProxy(client: KubeClient, table: ServiceTable, signal: AbortSignal): Promise<void> {
  const follow = (target: Target, put: (object: KubeObject) => void, remove: (object: KubeObject) => void) => {
    const informer = new Informer(client, target);
    informer.onChange((event) => (event.type === 'delete' ? remove(event.object) : put(event.object)));
    signal.addEventListener('abort', () => informer.stop(), { once: true });
    return informer.start();
  };
  await Promise.all([
    follow(
      SERVICES,
      (service) => table.putService(service),
      ({ metadata }) => table.removeService(metadata.namespace ?? '', metadata.name ?? ''),
    ),
    follow(
      SLICES,
      (slice) => table.putSlice(slice),
      ({ metadata }) => table.removeSlice(metadata.namespace ?? '', metadata.name ?? ''),
    ),
  ]).catch((error: unknown) => {
    if (!isAbort(error)) throw error;
  });
}
