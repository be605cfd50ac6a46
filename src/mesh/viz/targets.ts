import type { KubeObject } from '#kube/api/types.ts';
import type { KubeClient } from '#kube/client/client.ts';
import { GrpcError, NOT_FOUND } from '#mesh/api/grpc.ts';
import { isTapDisabled, isTapEnabled, TAP_DISABLED } from './labels.ts';
import { objectsOf, podsOf, type Wanted } from './workloads.ts';

/** The pods to tap. Throws a GrpcError in the words that the command line shows. */
export async function tapTargets(client: KubeClient, wanted: Wanted, controlPlane: string): Promise<KubeObject[]> {
  const { type, name } = wanted;
  const pods = (await podsOf(client, wanted, await objectsOf(client, wanted))).filter(
    ({ metadata, status }) =>
      metadata.labels?.['linkerd.io/control-plane-ns'] === controlPlane &&
      ['Pending', 'Running'].includes(status?.phase),
  );
  const disabled = pods.filter(isTapDisabled);
  const enabled = pods.filter((pod) => !isTapDisabled(pod) && isTapEnabled(pod));
  const others = pods.filter((pod) => !isTapDisabled(pod) && !isTapEnabled(pod));
  if (enabled.length > 0) return enabled;
  const lines = (list: KubeObject[]) => list.map(({ metadata }) => `\t* ${metadata.name}\n`).join('');
  let text = `no pods to tap for type=${JSON.stringify(type)} name=${JSON.stringify(name)}\n`;
  if (disabled.length > 0) {
    text += `${disabled.length} pods found with tap disabled via the ${TAP_DISABLED} annotation:\n${lines(disabled)}`;
    text += 'remove this annotation to make these pods valid tap targets\n';
  }
  if (others.length > 0) {
    text += `${others.length} pods found with tap not enabled:\n${lines(others)}`;
    text += 'restart these pods to enable tap and make them valid tap targets\n';
  }
  throw new GrpcError(NOT_FOUND, text);
}
