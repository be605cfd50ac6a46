import { readFileSync } from 'node:fs';
import type { KubeObject } from '#kube/api/types.ts';

const cache = new Map<string, KubeObject[]>();

function load(name: string): KubeObject[] {
  let objects = cache.get(name);
  if (!objects) {
    objects = JSON.parse(readFileSync(new URL(`./data/${name}.json`, import.meta.url), 'utf8')) as KubeObject[];
    cache.set(name, objects);
  }
  return objects;
}

/** The ten CRDs of `linkerd install --crds`, sorted by name. Shared: clone before changing. */
export const linkerdCrds = (): KubeObject[] => load('linkerd');

/**
 * What the Gateway API puts on its CRDs; an API server refuses a `*.k8s.io` group without the approval. The CLI tells by its
 * own mark that they came with the mesh: what it did not bring, `linkerd prune` would offer for deletion.
 */
const GATEWAY_API_ANNOTATIONS = {
  'api-approved.kubernetes.io': 'https://github.com/kubernetes-sigs/gateway-api/pull/2997',
  'gateway.networking.k8s.io/bundle-version': 'v1.1.1',
  'gateway.networking.k8s.io/channel': 'experimental',
  'linkerd.io/created-by': 'linkerd/cli edge-26.8.3',
};
let gatewayApi: KubeObject[] | undefined;

/** HTTPRoute, GRPCRoute, TLSRoute and TCPRoute of the Gateway API. Shared: clone before changing. */
export function gatewayApiCrds(): KubeObject[] {
  gatewayApi ??= load('gateway-api').map((crd) => ({
    ...crd,
    metadata: { ...crd.metadata, annotations: { ...GATEWAY_API_ANNOTATIONS, ...crd.metadata.annotations } },
  }));
  return gatewayApi;
}
