import { messageOf } from '#base/errors.ts';
import type { KubeObject } from '#kube/api/types.ts';
import type { KubeClient } from '#kube/client/client.ts';
import { clientFromKubeconfig } from '#kube/client/kubeconfig.ts';
import type { OwnNetwork } from '#kube/client/own-network.ts';
import type { ContainerContext } from '#kube/images/program.ts';
import { follow } from '#mesh/policy/informer.ts';
import type { AddressSettings } from './addresses.ts';
import { ClusterView, VIEWED, type ViewedKind } from './cluster-view.ts';

const TYPE = 'mirror.linkerd.io/remote-kubeconfig';
const CLUSTER_NAME = 'multicluster.linkerd.io/cluster-name';
const TRUST_DOMAIN = 'multicluster.linkerd.io/trust-domain';
const CLUSTER_DOMAIN = 'multicluster.linkerd.io/cluster-domain';
/** What another cluster lets a link read. */
const FOLLOWED: ViewedKind[] = ['Service', 'Pod', 'EndpointSlice', 'Server'];

export interface RemoteClustersOptions {
  context: ContainerContext;
  /** Of the own cluster: the credentials are read there. */
  client: KubeClient;
  /** The control plane's namespace. */
  namespace: string;
  settings: AddressSettings;
  signal: AbortSignal;
  /** Runs a change of a view and tells those who watch. */
  after(change: () => void): void;
  log(level: 'info' | 'error', message: string): void;
}

interface Remote {
  /** Of the Secret that it was made of. */
  uid: string;
  clusterDomain: string;
  view: ClusterView;
  stop(): void;
}

/**
 * The clusters that this one is linked with: one view for each Secret of type `mirror.linkerd.io/remote-kubeconfig` in the
 * control plane's namespace (controller/api/destination/watcher/cluster_store.go). A view of a cluster that can't be
 * reached keeps what was last seen.
 */
export class RemoteClusters {
  readonly #options: RemoteClustersOptions;
  readonly #remotes = new Map<string, Remote>();

  constructor(options: RemoteClustersOptions) {
    this.#options = options;
  }

  /** Resolves when the credentials were read; the clusters behind them may still be asked. */
  start(): Promise<void> {
    const { client, namespace, context, signal } = this.#options;
    return follow(
      client,
      { group: '', version: 'v1', resource: 'secrets', namespace },
      {
        put: (secret) => this.#put(secret),
        remove: (secret) => this.#remove(nameOf(secret) ?? ''),
        reset: (secrets) => {
          const present = new Set(secrets.map(nameOf));
          for (const name of [...this.#remotes.keys()]) if (!present.has(name)) this.#remove(name);
          for (const secret of secrets) this.#put(secret);
        },
      },
      { clock: context.clock, signal },
    );
  }

  get(cluster: string): { view: ClusterView; clusterDomain: string } | undefined {
    return this.#remotes.get(cluster);
  }

  /** How many clusters are linked. */
  get size(): number {
    return this.#remotes.size;
  }

  #put(secret: KubeObject): void {
    const cluster = nameOf(secret);
    const uid = secret.metadata.uid ?? '';
    // A Secret that changes is not read again; a new one is.
    if (cluster === undefined || this.#remotes.get(cluster)?.uid === uid) return;
    this.#remove(cluster);
    const { log, settings, signal, context } = this.#options;
    try {
      const annotations = secret.metadata.annotations ?? {};
      const kubeconfig = secret['data']?.kubeconfig;
      if (kubeconfig === undefined) throw new Error('missing kubeconfig file');
      for (const name of [CLUSTER_DOMAIN, TRUST_DOMAIN]) {
        if (annotations[name] === undefined) throw new Error(`missing "${name}" annotation`);
      }
      const clusterDomain = annotations[CLUSTER_DOMAIN]!;
      const domain = { ...settings.domain, trustDomain: annotations[TRUST_DOMAIN]! };
      const client = clientFromKubeconfig(Buffer.from(kubeconfig, 'base64').toString(), undefined, networkOf(context));
      const view = new ClusterView({ ...settings, domain }, clusterDomain);
      const ended = new AbortController();
      const stop = () => {
        ended.abort();
        client.transport.close();
      };
      this.#remotes.set(cluster, { uid, clusterDomain, view, stop });
      this.#follow(client, view, AbortSignal.any([signal, ended.signal]));
      log('info', `Added cluster ${cluster} to ClusterStore`);
    } catch (error) {
      log('error', `Error adding cluster ${cluster} to store: ${messageOf(error)}`);
    }
  }

  #follow(client: KubeClient, view: ClusterView, signal: AbortSignal): void {
    const { after, context } = this.#options;
    for (const kind of FOLLOWED) {
      void follow(
        client,
        VIEWED[kind],
        {
          put: (object) => after(() => view.put(kind, object)),
          remove: (object) => after(() => view.remove(kind, object)),
          reset: (objects) => after(() => view.reset(kind, objects)),
          missing: () => after(() => view.reset(kind, [])),
        },
        { clock: context.clock, signal },
      );
    }
  }

  #remove(cluster: string): void {
    const remote = this.#remotes.get(cluster);
    if (!remote) return;
    remote.stop();
    this.#options.after(() => this.#remotes.delete(cluster));
    this.#options.log('info', `Removed cluster ${cluster} from ClusterStore`);
  }

  close(): void {
    for (const { stop } of this.#remotes.values()) stop();
    this.#remotes.clear();
  }
}

const nameOf = (secret: KubeObject): string | undefined =>
  secret['type'] === TYPE ? secret.metadata.labels?.[CLUSTER_NAME] : undefined;

/** Connections to another cluster's API start in the pod, as any other of its program. */
export const networkOf = ({ net, uid, clock }: Pick<ContainerContext, 'net' | 'uid' | 'clock'>): OwnNetwork => ({
  dial: (host, port) => net.dial(host, port, { uid, timeoutMs: 10_000 }),
  now: () => clock.now(),
});
