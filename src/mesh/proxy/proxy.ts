import { Lifecycle } from '#base/lifecycle.ts';
import type { ContainerContext, Process } from '#kube/images/program.ts';
import { AccessLog, accessLogFormat } from './access-log.ts';
import { Admin } from './admin.ts';
import { WorkloadCertificate } from './certificate.ts';
import { ControlDialer, type Controller } from './control.ts';
import { ControlClient, type ControlLink } from './control-client.ts';
import { ControlMetrics } from './control-metrics.ts';
import type { Discovery } from './discovery.ts';
import { Inbound } from './inbound.ts';
import type { InboundPolicySource } from './inbound-policy.ts';
import { ProxyLog } from './log.ts';
import { Metrics } from './metrics.ts';
import { Outbound } from './outbound.ts';
import { PortPolicies } from './port-policies.ts';
import type { ProxyRuntime } from './runtime.ts';
import { type ControlAddress, type ProxySettings, readSettings } from './settings.ts';
import { TapServer } from './tap/server.ts';
import { Taps } from './tap/taps.ts';
import { TransportMetrics } from './transport-metrics.ts';

/** The release this proxy imitates. */
export const PROXY_VERSION = '2.366.0';

/** The control plane's clients, given from above: they belong to the rooms whose controllers they speak to. */
export type ControlPlane = (
  settings: ProxySettings,
  links: { destination: ControlLink; policy: ControlLink },
) => { policies: InboundPolicySource; discovery: Discovery };

let started = 0;

/** Runs one proxy in a container; its environment decides everything. Exits with 64 when that cannot be read. */
export function startProxy(context: ContainerContext, control: ControlPlane | undefined): Process {
  const { clock, net, uid, files, env } = context;
  const life = new Lifecycle();
  let exit!: (code: number) => void;
  const exited = new Promise<number>((resolve) => {
    exit = resolve;
  });
  const end = (code: number) =>
    void life
      .close()
      .catch(() => {})
      .then(() => exit(code));
  const log = new ProxyLog({
    stdout: context.stdio.stdout,
    clock,
    directives: env['LINKERD2_PROXY_LOG'] ?? 'warn,linkerd=info',
    ...(env['LINKERD2_PROXY_LOG_FORMAT'] ? { format: env['LINKERD2_PROXY_LOG_FORMAT'] } : {}),
  });
  const accessLog = accessLogOf(context);
  const startedAt = clock.now();
  const metrics = new Metrics();
  const { signal } = life;

  let settings: ProxySettings;
  let certificate: WorkloadCertificate;
  try {
    settings = readSettings(env);
    const dialer = new ControlDialer({ net, uid, log, credentials: () => certificate });
    const controller = (name: 'identity' | 'destination' | 'policy', span: string, to: ControlAddress): Controller => ({
      span,
      to,
      metrics: new ControlMetrics({ metrics, clock, name, to }),
    });
    const { host, port } = settings.identity;
    const identity = controller('identity', `identity:identity{server.addr=${host}:${port}}`, settings.identity);
    const destination = controller('destination', 'dst', settings.destination);
    const policy = controller('policy', 'policy', settings.policy);
    const client = (of: Controller) => {
      const made = new ControlClient({ dialer, controller: of, clock, log });
      life.add(() => made.close());
      return made;
    };
    certificate = new WorkloadCertificate({
      settings,
      clock,
      files,
      log,
      metrics,
      signal,
      client: client(identity),
    });
    // As the real proxy's, they are there before anybody asks them.
    for (const { metrics: counted } of [destination, policy]) counted.built();
    const clients = control?.(settings, { destination: client(destination), policy: client(policy) });
    const policies = new PortPolicies(settings, clock, clients?.policies);
    const runtime: ProxyRuntime = {
      settings,
      clock,
      net,
      uid,
      log,
      ...(accessLog ? { accessLog } : {}),
      metrics,
      transport: new TransportMetrics(metrics),
      certificate,
      policies,
      taps: new Taps(),
      discovery: clients?.discovery,
      signal,
      id: `${net.ip}#${++started}`,
      connections: new Set(),
    };
    announce(log, settings);
    for (const each of [policy, destination, identity]) void dialer.seek(each);
    listen(runtime, life, new Admin(runtime, { env, startedAt, version: PROXY_VERSION, shutdown: () => end(0) }));
    life.add(() => {
      policies.stop();
      clients?.policies.close();
      clients?.discovery.close();
    });
    void certificate.run().catch(() => {});
    // Before that nobody would let this proxy ask.
    void certificate.whenReady().then(() => signal.aborted || policies.start());
  } catch (error) {
    log.line('error', 'linkerd_app::env', `Could not configure proxy: ${(error as Error).message}`);
    end(64);
  }
  return { exited, kill: (name) => end(name === 'SIGKILL' ? 137 : 0) };
}

function accessLogOf({ env, stdio: { stderr }, clock }: ContainerContext): AccessLog | undefined {
  const wanted = env['LINKERD2_PROXY_ACCESS_LOG'];
  if (wanted === undefined) return undefined;
  const read = accessLogFormat(wanted);
  if ('format' in read) return new AccessLog({ format: read.format, stderr, clock });
  void stderr.write(`${read.complaint}\n`).catch(() => {});
  return undefined;
}

function listen(runtime: ProxyRuntime, life: Lifecycle, admin: Admin): void {
  const { net, uid, settings } = runtime;
  const outbound = new Outbound(runtime);
  const inbound = new Inbound(runtime, outbound);
  life.add(() => {
    inbound.close();
    outbound.close();
    for (const connection of runtime.connections) connection.destroy();
  });
  const { tapName } = settings;
  const tap = tapName === undefined ? undefined : new TapServer(runtime, tapName);
  for (const listener of [
    net.listen(settings.adminPort, (connection) => admin.accept(connection), { uid }),
    net.listen(settings.inboundPort, (connection) => inbound.accept(connection), { uid }),
    net.listen(settings.outboundPort, (connection) => outbound.accept(connection), { uid, host: '127.0.0.1' }),
    ...(tap ? [net.listen(settings.controlPort, (connection) => tap.accept(connection), { uid })] : []),
  ]) {
    life.add(() => listener.close());
  }
}

function announce(log: ProxyLog, settings: ProxySettings): void {
  const { destination } = settings;
  const via = `${destination.host}:${destination.port}`;
  const lines: [string, string][] = [
    ['linkerd2_proxy', `release ${PROXY_VERSION} (mesh-academy)`],
    ['linkerd2_proxy::rt', 'Using single-threaded proxy runtime'],
    ['linkerd2_proxy', `Admin interface on 0.0.0.0:${settings.adminPort}`],
    ['linkerd2_proxy', `Inbound interface on 0.0.0.0:${settings.inboundPort}`],
    ['linkerd2_proxy', `Outbound interface on 127.0.0.1:${settings.outboundPort}`],
    ['linkerd2_proxy', settings.tapName ? `Tap interface on 0.0.0.0:${settings.controlPort}` : 'Tap DISABLED'],
    ['linkerd2_proxy', `SNI is ${settings.localName}`],
    ['linkerd2_proxy', `Local identity is ${settings.localName}`],
    ['linkerd2_proxy', `Destinations resolved via ${via}${destination.identity ? ` (${destination.identity})` : ''}`],
  ];
  for (const [where, message] of lines) log.info(where, message);
}
