import type { Clock } from '#base/clock.ts';
import type { KubeObject, UserInfo } from '#kube/api/types.ts';
import type { KubeClient } from '#kube/client/client.ts';
import type { Image } from '#kube/images/program.ts';
import type { NetNs, Network } from '#kube/network/network.ts';
import type { PodAddresses } from './addresses.ts';
import type { PodEvents } from './events.ts';
import type { MountedVolume } from './files.ts';
import type { ImageStore } from './image-store.ts';
import type { SyncPace } from './volumes.ts';

/** What all pods of a node share. */
export interface NodeWorld {
  client: KubeClient;
  clock: Clock;
  network: Network;
  images: ImageStore;
  addresses: PodAddresses;
  node: { name: string; ip: string };
  /** Address of the cluster's name server. */
  dnsIp: string;
  sync: SyncPace;
  /** The node's own folder at a path, shared by all who mount it. */
  kept(path: string): MountedVolume;
  knows(path: string): boolean;
  /** Something happened to a pod. */
  stirred(): void;
  /**
   * Whether an image is the mesh's own. Its containers are probed as soon as they start, whatever their initial delay
   * (that is there for programs that take their time), and live through every instant of a clock that is moved; other
   * programs sleep through it.
   */
  isMesh(image: Image): boolean;
  clientOf(user: UserInfo): KubeClient;
  services(): KubeObject[];
  configMap(namespace: string, name: string): Promise<KubeObject | undefined>;
  secret(namespace: string, name: string): Promise<KubeObject | undefined>;
}

/** What the containers of a pod share. */
export interface PodWorld {
  node: NodeWorld;
  /** The pod as it is now. */
  readonly pod: KubeObject;
  readonly ip: string;
  readonly net: NetNs;
  readonly volumes: ReadonlyMap<string, MountedVolume>;
  readonly events: PodEvents;
  /** True from the moment on at which the pod is to end. */
  readonly ending: boolean;
  /** Aborted when nothing of the pod is to be started any more. */
  readonly signal: AbortSignal;
  /** Something changed that the pod's status shows. */
  changed(): void;
}
