import type { ContainerContext, Process } from '#kube/images/program.ts';
import { GrpcServer } from '#mesh/api/grpc.ts';
import { portOf, Running, readArguments, serveAdmin } from '#mesh/policy/container.ts';
import { serveGrpc } from '#mesh/policy/serve.ts';

const REFUSAL = 'metrics-api answers from Prometheus, which the node of this cluster does not run';

/**
 * The viz extension's metrics API as far as there is one: it runs, because the official command line looks for it before
 * it taps, and refuses every question.
 */
export function startMetricsApi(context: ContainerContext): Process {
  const running = new Running(context);
  const args = readArguments(context.argv.slice(1));
  serveAdmin(running, portOf(args.get('metrics-addr'), 9995), { ready: () => true });
  serveGrpc(running, portOf(args.get('addr'), 8085), new GrpcServer({ unknown: REFUSAL }));
  running.logrus('warning', REFUSAL);
  return running;
}
