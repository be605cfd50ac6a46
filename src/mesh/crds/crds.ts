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

/** HTTPRoute, GRPCRoute, TLSRoute and TCPRoute of the Gateway API. Shared: clone before changing. */
export const gatewayApiCrds = (): KubeObject[] => load('gateway-api');
