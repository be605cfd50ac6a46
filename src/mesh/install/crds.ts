import type { KubeObject } from '#kube/api/types.ts';
import { linkerdCrds } from '#mesh/crds/crds.ts';

/** What `linkerd install --crds` prints. */
export function renderCrds(options: { namespace?: string; cliVersion?: string } = {}): KubeObject[] {
  const { namespace = 'linkerd', cliVersion = 'linkerd/cli edge-26.8.3' } = options;
  return linkerdCrds().map((crd) => ({
    ...crd,
    metadata: {
      ...crd.metadata,
      annotations: { ...crd.metadata.annotations, 'linkerd.io/created-by': cliVersion },
      labels: { ...crd.metadata.labels, 'linkerd.io/control-plane-ns': namespace },
    },
  }));
}
