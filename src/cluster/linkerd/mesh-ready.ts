import type { KubeObject } from '#kube/api/types.ts';
import type { KubeClient, Target } from '#kube/client/client.ts';
import { Informer } from '#kube/client/informer.ts';

const NAMESPACE = 'linkerd';
const PODS: Target = { group: '', version: 'v1', resource: 'pods', namespace: NAMESPACE };
const DEPLOYMENTS: Target = { group: 'apps', version: 'v1', resource: 'deployments', namespace: NAMESPACE };

/** Resolves when every pod of the control plane is ready and its Deployments know it. Rejects when the signal aborts. */
export async function meshReady(client: KubeClient, signal: AbortSignal): Promise<void> {
  const isReady = (pods: KubeObject[], deployments: KubeObject[]): boolean => {
    const living = pods.filter((pod) => !pod.metadata.deletionTimestamp);
    return (
      deployments.length > 0 &&
      deployments.every(
        ({ metadata, spec, status }) =>
          status?.observedGeneration === metadata.generation &&
          (status?.availableReplicas ?? 0) >= (spec.replicas ?? 1),
      ) &&
      living.length >= deployments.length &&
      living.every((pod) =>
        (pod.status?.conditions ?? []).some(
          (condition: { type: string; status: string }) => condition.type === 'Ready' && condition.status === 'True',
        ),
      )
    );
  };
  await new Promise<void>((resolve, reject) => {
    const informers = [new Informer(client, PODS), new Informer(client, DEPLOYMENTS)];
    const stop = () => {
      for (const informer of informers) informer.stop();
      signal.removeEventListener('abort', onAbort);
    };
    const onAbort = () => {
      stop();
      reject(signal.reason);
    };
    signal.addEventListener('abort', onAbort, { once: true });
    if (signal.aborted) return onAbort();
    let looking = false;
    const look = () => {
      if (looking) return;
      looking = true;
      // What changes in one turn is looked at once.
      setImmediate(() => {
        looking = false;
        if (!isReady(informers[0]!.list(), informers[1]!.list())) return;
        stop();
        resolve();
      });
    };
    for (const informer of informers) {
      informer.onChange(look);
      void informer.start();
    }
  });
}
