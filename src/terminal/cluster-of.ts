import { AcademyError } from '#base/errors.ts';
import type { KubeClient, Transport } from '#kube/client/client.ts';
import { createKubeClient } from '#kube/client/create.ts';
import type { Kubeconfig } from '#kube/client/kubeconfig.ts';

/** A client of the API server at an address that a kubeconfig has. Where nobody is, its calls are refused as a socket refuses. */
export type ClientAt = (server: string) => KubeClient;

export const clientsAt =
  (clusters: ReadonlyMap<string, KubeClient>): ClientAt =>
  (server) =>
    clusters.get(server.replace(/\/$/, '')) ?? createKubeClient(nobodyAt(server));

function nobodyAt(server: string): Transport {
  const { host } = URL.canParse(server) ? new URL(server) : { host: server };
  const refuse = () =>
    Promise.reject(
      new AcademyError('driver/unavailable', `The cluster at ${host} cannot be reached: connect ECONNREFUSED`, {
        cause: Object.assign(new Error(`connect ECONNREFUSED ${host}`), { code: 'ECONNREFUSED' }),
      }),
    );
  return { request: refuse, connect: refuse, close() {} };
}

/** What the words of a command line say of the cluster that they mean. */
export interface Wish {
  context?: string | undefined;
  cluster?: string | undefined;
  server?: string | undefined;
}

/** The cluster that a command line means. */
export interface Meant {
  /** Name of the context, as asked for or current; empty when there is none. */
  context: string;
  /** The context is in the kubeconfig, or none was asked for. */
  known: boolean;
  /** Name of the cluster in the kubeconfig. */
  cluster?: string | undefined;
  server: string | undefined;
  /** PEM of what may have signed the server's certificate. */
  ca: string | undefined;
  namespace: string | undefined;
}

/** As client-go's loading rules put a kubeconfig and the words of a command line together. */
export function clusterMeant(config: Kubeconfig, wish: Wish = {}): Meant {
  const context = wish.context || config['current-context'];
  const found = config.contexts.find((each) => each.name === context)?.context;
  const name = wish.cluster || found?.cluster;
  const cluster = config.clusters.find((each) => each.name === name)?.cluster;
  const ca = cluster?.['certificate-authority-data'];
  return {
    context,
    known: context === '' || found !== undefined,
    cluster: name,
    server: wish.server || cluster?.server,
    ca: ca === undefined ? undefined : Buffer.from(ca, 'base64').toString('utf8'),
    namespace: found?.namespace,
  };
}
