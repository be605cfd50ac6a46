import type { Clock } from '#base/clock.ts';
import type { KubeClient, Target } from '#kube/client/client.ts';
import type { Store } from '#kube/store/store.ts';
import { startBudgets } from './budget.ts';
import { ControllerContext } from './context.ts';
import { startCordons } from './cordon.ts';
import { startCronJobs } from './cronjob.ts';
import { startDaemonSets } from './daemonset.ts';
import { startDeployments } from './deployment.ts';
import { startEndpoints } from './endpoints.ts';
import { startEndpointMirror } from './endpoints-mirror.ts';
import { startEventExpiry } from './event-expiry.ts';
import { startGarbageCollector } from './garbage.ts';
import { startJobs } from './job.ts';
import { startLoadBalancer } from './load-balancer.ts';
import { startNamespaces } from './namespace.ts';
import { startQuotas } from './quota.ts';
import { startReplicaSets } from './replicaset.ts';
import { startRoleAggregation } from './role-aggregation.ts';
import { startServiceAccounts } from './service-account.ts';
import { startStatefulSets } from './statefulset.ts';
import { startTokenSecrets } from './token-secret.ts';
import { startVolumes } from './volume.ts';

export interface ControllerOptions {
  client: KubeClient;
  clock: Clock;
  /** PEM of the CA that signed the API server's certificate, for pods. */
  clusterCa: string;
  /** The garbage collector sees every kind through the store. */
  store: Store;
  /** A /24 for Services of type LoadBalancer; without one nobody gives them addresses. */
  balancerCidr?: string;
  /** The preferred version of a stored kind, `group/resource`. */
  targetOf(kind: string): Target | undefined;
}

/** Starts every controller. Resolves when their caches are filled. */
export async function startControllers(
  options: ControllerOptions,
): Promise<{ context: ControllerContext; close(): void }> {
  const context = new ControllerContext(options.client, options.clock);
  const garbage = startGarbageCollector(context, options.store, options.targetOf);
  const quotas = startQuotas(context, options.store);
  const queues = [
    quotas,
    startReplicaSets(context),
    startDeployments(context),
    startStatefulSets(context),
    startDaemonSets(context),
    startJobs(context),
    startCronJobs(context),
    startBudgets(context),
    startEndpoints(context),
    startEndpointMirror(context),
    startCordons(context),
    startVolumes(context),
    startRoleAggregation(context),
    startNamespaces(context),
    startServiceAccounts(context, options.clusterCa),
    startTokenSecrets(context, options.clusterCa),
    ...(options.balancerCidr ? [startLoadBalancer(context, options.balancerCidr)] : []),
    garbage,
  ];
  const expiry = startEventExpiry(options.store, options.clock);
  await context.start();
  return {
    context,
    close() {
      expiry.close();
      garbage.stop();
      quotas.stop();
      for (const queue of queues) queue.close();
      context.stop();
    },
  };
}
