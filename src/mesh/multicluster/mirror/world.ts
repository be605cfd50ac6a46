import type { Clock } from '#base/clock.ts';
import type { KubeClient } from '#kube/client/client.ts';
import type { Informer } from '#kube/client/informer.ts';

/** What this cluster holds, shared by everything that one controller runs. */
export interface LocalCaches {
  services: Informer;
  endpoints: Informer;
  namespaces: Informer;
  /** Links of the controller's namespace. */
  links: Informer;
}

export interface MirrorOptions {
  /** `-enable-headless-services` */
  headless: boolean;
  /** `-enable-namespace-creation` */
  createNamespaces: boolean;
  /** `-event-requeue-limit` */
  retries: number;
  /** `-endpoint-refresh-period` */
  repairMs: number;
  /** `-probe-service` */
  probeService: string;
}

/** Where a link's watcher works. */
export interface WatcherWorld {
  /** Of the Link and its credentials. */
  namespace: string;
  client: KubeClient;
  local: LocalCaches;
  /** What the other cluster holds. */
  remote: { client: KubeClient; services: Informer; endpoints: Informer };
  options: MirrorOptions;
  clock: Clock;
  /** Addresses of a name; an address is itself. */
  resolve(host: string): Promise<string[]>;
  log(level: 'info' | 'warning' | 'error', message: string): void;
}
