import { ipText } from '#mesh/api/addresses.ts';
import { type Call, GrpcError, GrpcServer, INVALID_ARGUMENT, NOT_FOUND } from '#mesh/api/grpc.ts';
import { GET_PORT, WATCH_PORT } from '#mesh/api/inbound-api.ts';
import { GET_OUTBOUND, WATCH_OUTBOUND } from '#mesh/api/outbound-api.ts';
import type { Running } from './container.ts';
import type { Dialled, Named } from './core/outbound.ts';
import type { PolicyIndex, Workload } from './policy-index.ts';
import { serverMessage } from './wire/inbound.ts';
import { outboundMessage } from './wire/outbound.ts';

/** Reads `{"ns":"shop","pod":"web-1"}` as proxies send it, or `shop:web-1`, as diagnostics does. */
export function parseWorkload(text: string): Workload | undefined {
  try {
    const { ns, pod, external_workload: external } = JSON.parse(text);
    if (ns && pod) return { kind: 'Pod', namespace: ns, name: pod };
    return ns && external ? { kind: 'ExternalWorkload', namespace: ns, name: external } : undefined;
  } catch {
    const [namespace, name] = text.split(':');
    return namespace && name ? { kind: 'Pod', namespace, name } : undefined;
  }
}

function asked({ request }: Call): { workload: Workload; port: number } {
  const workload = parseWorkload(request['workload'] ?? '');
  if (!workload) throw new GrpcError(INVALID_ARGUMENT, `Invalid workload: ${request['workload'] ?? ''}`);
  const port = request['port'] ?? 0;
  if (port < 1 || port > 65_535) throw new GrpcError(INVALID_ARGUMENT, 'port must be in range 1-65535');
  return { workload, port };
}

/** The address or Service that an outbound question is about, and the namespace of who asks. */
function traffic({ request }: Call, clusterDomain: string): { target: Dialled | Named; namespace: string } {
  const { addr, authority } = request;
  if (!addr && authority === undefined) throw new GrpcError(INVALID_ARGUMENT, 'target is required');
  const workload = parseWorkload(request['source_workload'] ?? '');
  const target = addr ? { ip: ipText(addr.ip), port: addr.port ?? 0 } : namedIn(authority, clusterDomain);
  return { target, namespace: workload?.namespace ?? '' };
}

/** Reads `name.namespace.svc[.domain][:port]`, port 80 where none is said. */
function namedIn(authority: string, clusterDomain: string): Named {
  const [, host = '', port = '80'] = /^([^:@/]+)(?::(\d+))?$/.exec(authority) ?? [];
  if (host === '') throw new GrpcError(INVALID_ARGUMENT, 'invalid authority');
  const labels = host.replace(/\.+$/, '');
  const short = labels.endsWith(clusterDomain) ? labels.slice(0, -clusterDomain.length) : labels;
  const [name = '', namespace = '', svc] = short.split('.');
  if (svc !== 'svc')
    throw new GrpcError(NOT_FOUND, `authority must be of the form <name>.<namespace>.svc.${clusterDomain}`);
  return { service: { namespace, name }, port: Number(port) || 80 };
}

/** Serves InboundServerPolicies and OutboundPolicies on the gRPC port. */
export function servePolicies(running: Running, port: number, index: PolicyIndex, clusterDomain: string): GrpcServer {
  const server = new GrpcServer();
  server.add(GET_PORT, (call) => {
    const { workload, port } = asked(call);
    const config = index.get(workload, port);
    if (!config) throw new GrpcError(NOT_FOUND, 'unknown server');
    call.send(serverMessage(config));
  });
  server.add(WATCH_PORT, async (call) => {
    const { workload, port } = asked(call);
    // A pod that the index does not know yet is waited for: its proxy may be faster than the watch.
    const stop = index.watch(workload, port, (config) => call.send(serverMessage(config)));
    await ended(call.signal, running.life.signal);
    stop();
  });
  server.add(GET_OUTBOUND, (call) => {
    const { target, namespace } = traffic(call, clusterDomain);
    const config = index.outbound(target, namespace);
    if (!config) throw new GrpcError(NOT_FOUND, 'No such service');
    call.send(outboundMessage(config, clusterDomain));
  });
  server.add(WATCH_OUTBOUND, async (call) => {
    const { target, namespace } = traffic(call, clusterDomain);
    if (!index.outbound(target, namespace)) throw new GrpcError(NOT_FOUND, 'No such service');
    const stop = index.watchOutbound(target, namespace, (config) => call.send(outboundMessage(config, clusterDomain)));
    await ended(call.signal, running.life.signal);
    stop();
  });
  serveGrpc(running, port, server);
  return server;
}

/** Resolves when one of the signals aborts. */
export function ended(...signals: AbortSignal[]): Promise<void> {
  return new Promise((resolve) => {
    const any = AbortSignal.any(signals);
    if (any.aborted) resolve();
    else any.addEventListener('abort', () => resolve(), { once: true });
  });
}

/** Listens on a port of the pod; when the program ends, its connections do. */
export function serveGrpc(running: Running, port: number, server: GrpcServer): void {
  const connections = new Set<{ reset(): void }>();
  const listener = running.context.net.listen(
    port,
    (connection) => {
      connections.add(connection);
      connection.once('close', () => connections.delete(connection));
      connection.on('error', () => {});
      server.accept(connection);
    },
    { uid: running.context.uid },
  );
  running.life.add(() => {
    listener.close();
    for (const connection of connections) connection.reset();
  });
}
