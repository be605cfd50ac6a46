import type { KubeObject } from '#kube/api/types.ts';
import { planInstall } from '#mesh/install/plan.ts';

/** The images that an installed mesh runs, as the rendered manifests name them; the proxy's is the webhook's to choose. */
export async function meshImages(): Promise<string[]> {
  const objects = await planInstall({ now: Date.now(), values: { disableHeartBeat: true } });
  return [...new Set(objects.flatMap(imagesOf))].sort();
}

/** Images of every container that an object's pod template names. */
function imagesOf({ spec }: KubeObject): string[] {
  const pod = spec?.template?.spec ?? spec?.jobTemplate?.spec?.template?.spec;
  const containers = [...(pod?.initContainers ?? []), ...(pod?.containers ?? [])] as { image?: string }[];
  return containers.flatMap(({ image }) => (image ? [image] : []));
}
