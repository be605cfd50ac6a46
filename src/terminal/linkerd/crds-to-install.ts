import type { KubeObject } from '#kube/api/types.ts';
import { GATEWAY_API_MISSING, gatewayApiOrigin } from '#mesh/check/kubernetes.ts';
import { gatewayApiCrds } from '#mesh/crds/crds.ts';
import { renderCrds } from '#mesh/install/crds.ts';
import { setPaths } from '#mesh/install/overrides.ts';
import { Failure, type Invocation } from './verb.ts';

/**
 * The CRDs that `--crds` renders. Those of Gateway API are among them when they are the mesh's own already, or are asked for
 * where nobody has brought them.
 */
export async function chosenCrds({ client, controlPlane, flags }: Invocation): Promise<KubeObject[]> {
  const chosen: Record<string, unknown> = {};
  for (const each of flags.all.get('set') ?? []) setPaths(chosen, each);
  const asked = chosen['enableHttpRoutes'] ?? chosen['installGatewayAPI'];
  const offline = flags.values.get('ignore-cluster') === 'true';
  const origin = offline ? undefined : await gatewayApiOrigin(client);
  const installing = asked === undefined ? origin === 'linkerd' : asked === true;
  if (origin === 'absent' && !installing) throw new Failure(GATEWAY_API_MISSING);
  if (origin === 'linkerd' && !installing)
    throw new Failure('Linkerd is providing GW API, but your current install configuration will remove it');
  if (origin === 'external' && installing)
    throw new Failure(
      'Linkerd cannot install the Gateway API CRDs because they are already installed by an external source. Please set `installGatewayAPI` to `false`.',
    );
  const crds = renderCrds({ namespace: controlPlane });
  if (!installing) return crds;
  // The mesh's last CRD comes after those of Gateway API.
  return [...crds.slice(0, -1), ...labelled(gatewayApiCrds(), controlPlane), ...crds.slice(-1)];
}

const labelled = (crds: KubeObject[], namespace: string): KubeObject[] =>
  crds.map((crd) => ({
    ...crd,
    metadata: { ...crd.metadata, labels: { ...crd.metadata.labels, 'linkerd.io/control-plane-ns': namespace } },
  }));
