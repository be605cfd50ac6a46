import { messageOf } from '#base/errors.ts';
import type { KubeObject } from '#kube/api/types.ts';
import type { KubeClient } from '#kube/client/client.ts';
import { Informer } from '#kube/client/informer.ts';
import { clientFromKubeconfig } from '#kube/client/kubeconfig.ts';
import { networkOf } from '#mesh/destination/remote-clusters.ts';
import type { Running } from '#mesh/policy/container.ts';
import { ENDPOINTS, SECRETS, SERVICES } from '../labels.ts';
import type { LinkSpec } from './link.ts';
import { MirrorMetrics } from './metrics.ts';
import { probeGateway } from './probe.ts';
import { probeCall } from './probe-call.ts';
import { ClusterWatcher } from './watcher.ts';
import type { LocalCaches, MirrorOptions, WatcherWorld } from './world.ts';

/** A link at work. */
export interface LinkSession {
  metrics: MirrorMetrics;
  stop(): void;
}

export interface SessionOptions {
  running: Running;
  client: KubeClient;
  namespace: string;
  options: MirrorOptions;
  local: LocalCaches;
  link: KubeObject;
}

/** The cluster's own Services as members of its federated ones. */
export function openLocal(options: SessionOptions): LinkSession {
  const { client, local, link } = options;
  const metrics = new MirrorMetrics('');
  const watcher = new ClusterWatcher(
    worldOf(options, { client, services: local.services, endpoints: local.endpoints }),
    link,
    metrics,
  );
  watcher.start();
  return { metrics, stop: () => watcher.stop() };
}

/** Reads the link's credentials and starts probe and watcher. Rejects when the other cluster can't be reached. */
export async function openRemote(options: SessionOptions): Promise<LinkSession> {
  const { running, client, namespace, link } = options;
  const { context } = running;
  const spec: LinkSpec = link.spec;
  const metrics = new MirrorMetrics(spec.targetClusterName);
  const ended = new AbortController();
  const signal = AbortSignal.any([running.life.signal, ended.signal]);
  const ends: (() => void)[] = [() => ended.abort()];
  const stop = () => {
    for (const end of ends.splice(0)) end();
  };
  try {
    const remote = await connect(client, namespace, spec, context);
    ends.push(() => remote.transport.close());
    const services = new Informer(remote, SERVICES);
    const endpoints = new Informer(remote, ENDPOINTS);
    ends.push(
      () => services.stop(),
      () => endpoints.stop(),
    );
    await within(Promise.all([services.start(), endpoints.start()]), signal);
    const watcher = new ClusterWatcher(worldOf(options, { client: remote, services, endpoints }), link, metrics);
    ends.push(() => watcher.stop());
    watcher.start();
    if (spec.probeSpec?.path) {
      void probeGateway({
        context,
        call: (url, timeoutMs) => probeCall(context, url, timeoutMs, signal),
        spec: spec.probeSpec,
        service: options.options.probeService,
        metrics,
        signal,
        log: (level, message) => running.logrus(level, message),
        onChange: (alive) => watcher.setAlive(alive),
      });
    }
    return { metrics, stop };
  } catch (error) {
    stop();
    throw error;
  }
}

async function connect(
  client: KubeClient,
  namespace: string,
  spec: LinkSpec,
  context: Running['context'],
): Promise<KubeClient> {
  const name = spec.clusterCredentialsSecret ?? '';
  const secret = await client.get({ ...SECRETS, namespace }, name).catch((error: unknown) => {
    throw new Error(
      `Failed to load remote cluster credentials: failed to load credentials secret ${name}: ${messageOf(error)}`,
    );
  });
  const kubeconfig = secret['data']?.kubeconfig;
  if (kubeconfig === undefined) throw new Error(`the Secret ${name} holds no kubeconfig`);
  const remote = clientFromKubeconfig(Buffer.from(kubeconfig, 'base64').toString(), undefined, networkOf(context));
  try {
    await remote.raw('GET', '/version');
  } catch (error) {
    remote.transport.close();
    throw new Error(`cannot connect to api for target cluster ${spec.targetClusterName}: ${messageOf(error)}`);
  }
  return remote;
}

function worldOf(
  { running, client, namespace, options, local, link }: SessionOptions,
  remote: WatcherWorld['remote'],
): WatcherWorld {
  const { clock, net } = running.context;
  const cluster: string = link.spec.targetClusterName || 'local';
  return {
    namespace,
    client,
    local,
    remote,
    options,
    clock,
    resolve: async (host) => (/^[\d.]+$|:/.test(host) ? [host] : await net.resolve(host)),
    log: (level, message) => running.logrus(level, `${message} cluster=${cluster}`),
  };
}

/** The same, but no longer than the signal lasts. */
function within<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
    promise.then(resolve, reject);
  });
}
