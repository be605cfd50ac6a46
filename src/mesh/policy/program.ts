import type { KubeClient } from '#kube/client/client.ts';
import type { ContainerContext, Process } from '#kube/images/program.ts';
import { reviewPolicy } from './admission-review.ts';
import { portOf, Running, readArguments, serveAdmin, serveWebhook } from './container.ts';
import { ALL_NETWORKS, isDefaultPolicy, networksOf } from './core/defaults.ts';
import type { PolicySettings } from './core/inbound.ts';
import { WATCHED, type WatchedKind } from './core/objects.ts';
import { follow } from './informer.ts';
import { WriteLease } from './lease.ts';
import { PolicyIndex } from './policy-index.ts';
import { servePolicies } from './serve.ts';
import { StatusWriter } from './status-writer.ts';

export interface PolicyWorld {
  /** Speaks to the API server as the pod's service account. */
  client: KubeClient;
}

/** The settings that the controller's command line gives (`linkerd-policy-controller`). */
export function settingsFrom(
  args: Map<string, string>,
): PolicySettings & { controlPlaneNamespace: string; clusterCidrs: string[] } {
  const list = (name: string) => (args.get(name) ?? '').split(',').filter(Boolean);
  const clusterCidrs = list('cluster-networks');
  const probes = list('probe-networks');
  const policy = args.get('default-policy');
  const controlPlaneNamespace = args.get('control-plane-namespace') ?? 'linkerd';
  return {
    domain: { controlPlaneNamespace, trustDomain: args.get('identity-domain') ?? 'cluster.local' },
    clusterNetworks: networksOf(clusterCidrs),
    clusterCidrs,
    probeNetworks: probes.length > 0 ? networksOf(probes) : ALL_NETWORKS,
    defaultPolicy: isDefaultPolicy(policy) ? policy : 'all-unauthenticated',
    defaultOpaquePorts: args.get('default-opaque-ports') ?? '',
    globalEgressNamespace: args.get('global-egress-network-namespace') ?? 'linkerd-egress',
    controlPlaneNamespace,
  };
}

/** Of pods, only those are known that the injector has marked: any other has no policy to ask for. */
const MESHED = 'linkerd.io/control-plane-ns';
const TLS_DIRECTORY = '/var/run/linkerd/tls';

/** The policy controller: follows policy objects, tells proxies what holds for their ports, judges and labels objects. */
export function startPolicy(context: ContainerContext, { client }: PolicyWorld): Process {
  const running = new Running(context);
  const args = readArguments(context.argv.slice(1));
  const settings = settingsFrom(args);
  const index = new PolicyIndex(settings, context.clock);
  running.life.add(() => index.stop());
  const { signal } = running.life;

  let ready = false;
  serveAdmin(running, portOf(args.get('admin-addr'), 9990), { ready: () => ready });
  serveWebhook(running, portOf(args.get('server-addr'), 9443), TLS_DIRECTORY, (review) => {
    const answer = reviewPolicy(review);
    if (!answer.response.allowed) {
      const { namespace, name, kind } = review.request;
      running.trace(
        'INFO',
        `server{port=9443}: linkerd_policy_controller::admission: Denied error=${answer.response.status?.message} ns=${namespace} name=${name} kind=${kind.kind}`,
      );
    }
    return answer;
  });
  const grpcPort = portOf(args.get('grpc-addr'), 8090);
  servePolicies(running, grpcPort, index, args.get('cluster-domain') ?? 'cluster.local');
  running.trace(
    'INFO',
    `grpc{port=${grpcPort}}: linkerd_policy_controller_runtime::args: policy gRPC server listening addr=0.0.0.0:${grpcPort}`,
  );

  const lease = new WriteLease({
    client,
    clock: context.clock,
    namespace: settings.controlPlaneNamespace,
    identity: context.pod.name,
  });
  void lease
    .claimed(signal)
    .then(() =>
      running.trace(
        'INFO',
        'status_controller: linkerd_policy_controller_k8s_status::index: Status controller leadership change leader=true',
      ),
    )
    .catch(() => {});
  const writer = new StatusWriter({
    index,
    client,
    clock: context.clock,
    clusterNetworks: settings.clusterCidrs,
    lease,
    log: (message) => running.trace('INFO', message),
  });
  running.life.add(() => writer.stop());
  const write = () => {
    if (ready) void writer.write();
  };
  index.onChange(write);

  void Promise.all(
    (Object.keys(WATCHED) as WatchedKind[]).map((kind) =>
      follow(
        client,
        WATCHED[kind],
        {
          put: (object) => index.put(kind, object),
          remove: (object) => index.remove(kind, object),
          reset: (objects) => index.reset(kind, objects),
          missing: () => index.reset(kind, []),
        },
        { clock: context.clock, signal, ...(kind === 'Pod' ? { labelSelector: MESHED } : {}) },
      ),
    ),
  ).then(() => {
    ready = true;
    write();
  });
  return running;
}
