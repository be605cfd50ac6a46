import type { Capabilities, VolumeMount } from '#kube/api/pod-parts.ts';
import type { Values } from './values.ts';

export interface ProxyOptions {
  namespace: string;
  values: Values;
  /** Ports of the pod's own containers. */
  inboundPorts: string;
  /** identity runs beside this proxy, destination beside that one: they are reached over localhost. */
  local?: 'identity' | 'destination';
  requireTlsOnPorts?: string;
  /** Written into the container; absent: read from the ConfigMap, as the control plane's own proxies do. */
  anchors?: string;
  capabilities?: Capabilities;
  /** Where the account's token is found in the other containers. */
  accountMount?: VolumeMount;
}
