import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { MovableClock } from '#base/clock.ts';
import { Fabric } from '#kube/network/fabric.ts';
import { GrpcServer } from '#mesh/api/grpc.ts';
import { WATCH_PORT } from '#mesh/api/inbound-api.ts';
import { ReconnectingChannel } from '#mesh/policy/reconnect.ts';
import { ControlDialer, type Controller } from '#mesh/proxy/control.ts';
import { ControlClient } from '#mesh/proxy/control-client.ts';
import { ControlMetrics } from '#mesh/proxy/control-metrics.ts';
import { ProxyLog } from '#mesh/proxy/log.ts';
import { Metrics } from '#mesh/proxy/metrics.ts';
import type { TlsCredentials } from '#mesh/proxy/tls.ts';
import { anchor, issuerUnder, type PodWorld, request, START, World } from './world.ts';

const ADDR = 'addr="10.244.9.9:8080"';
const ID = 'server_id="linkerd-identity.linkerd.serviceaccount.identity.linkerd.cluster.local"';

describe('requests to identity', () => {
  let world: World;
  beforeEach(() => {
    world = new World();
  });
  afterEach(() => world.stop());

  const counted = async (pod: PodWorld): Promise<string[]> =>
    (await request(world.fabric.node, pod.net.ip, 4191, '/metrics')).body.split('\n');

  it('are counted with the balancer that they go through', async () => {
    const root = await anchor();
    world.startIdentity(root, await issuerUnder(root));
    const pod = world.pod('api');
    await vi.waitFor(() => expect(pod.log.join('\n')).toContain('Certified identity'));
    const lines = await counted(pod);
    expect(lines).toContain(`control_request_total{${ADDR},tls="true",${ID}} 1`);
    expect(lines).toContain(
      `control_response_total{${ADDR},tls="true",${ID},status_code="200",classification="success",grpc_status="0",error=""} 1`,
    );
    expect(lines).toContain(`control_response_latency_ms_count{${ADDR},tls="true",${ID},status_code="200"} 1`);
    expect(lines).toContain('# TYPE control_identity_balancer_queue_gate_open counter');
    expect(lines).toContain(`control_identity_balancer_queue_requests_total{${ADDR}} 1`);
    expect(lines).toContain(`control_identity_balancer_queue_length{${ADDR}} 0`);
    expect(lines).toContain(`control_identity_balancer_queue_latency_seconds_count{${ADDR}} 1`);
    expect(lines).toContain(`control_identity_balancer_p2c_updates_total{op="Reset",${ADDR}} 1`);
    expect(lines).toContain(`control_identity_balancer_queue_gate_timeout_seconds{${ADDR}} 30.0`);
  });

  it('wait for thirty seconds, fail then, and are made anew ten seconds later', async () => {
    world.anchors = (await anchor()).certificate;
    const pod = world.pod('api');
    await world.clock.advance(31_000);
    await vi.waitFor(() => expect(pod.log.join('\n')).toContain('Failed to obtain identity'));
    const told = pod.log
      .filter((line) => /failfast|obtain/.test(line))
      .map((line) => line.replace(/^\[ *[\d.]+s\] /, ''));
    const name = '10.244.9.9';
    expect(told).toEqual([
      ` INFO ThreadId(02) identity:identity{server.addr=${name}:8080}:controller{addr=${name}:8080}: linkerd_proxy_balance_queue::worker: Unavailable; entering failfast timeout=30.0`,
      `ERROR ThreadId(02) daemon:identity: linkerd_proxy_identity_client::certify: Failed to obtain identity error=code: 'Unknown error', message: "controller ${name}:8080: service in fail-fast", source: ControlError { addr: Socket(${name}:8080), source: FailFastError(()) } error.sources=[controller ${name}:8080: service in fail-fast, service in fail-fast]`,
    ]);
    const lines = await counted(pod);
    expect(lines).toContain(`control_identity_balancer_queue_gate_shut_total{${ADDR}} 1`);
    expect(lines).toContain(`control_identity_balancer_queue_requests_total{${ADDR}} 1`);
    await world.clock.advance(11_000);
    await vi.waitFor(async () =>
      expect(await counted(pod)).toContain(`control_identity_balancer_queue_requests_total{${ADDR}} 2`),
    );
    expect(await counted(pod)).toContain(`control_identity_balancer_queue_gate_open_total{${ADDR}} 2`);
  });
});

describe('a stream from the policy controller', () => {
  it('that brings nothing in three seconds is asked for again; after thirty the gate is shut until there is a connection', async () => {
    const clock = new MovableClock({ startAtMs: START });
    const fabric = new Fabric({ clock, nodeIp: '172.18.0.2' });
    const net = fabric.createNamespace({ ip: '10.244.0.5', name: 'pod' });
    const lines: string[] = [];
    const stdout = { write: async (data: Uint8Array | string) => void lines.push(String(data)), end() {} };
    const log = new ProxyLog({ stdout, clock, directives: 'warn,linkerd=info' });
    const metrics = new Metrics();
    const to = { host: '10.244.0.6', port: 8090 };
    const controller: Controller = {
      span: 'policy',
      to,
      metrics: new ControlMetrics({ metrics, clock, name: 'policy', to }),
    };
    controller.metrics.built();
    const credentials = { clock } as unknown as TlsCredentials;
    const dialer = new ControlDialer({ net, uid: 2102, log, credentials: () => credentials });
    const channel = new ReconnectingChannel(new ControlClient({ dialer, controller, clock, log }), clock);
    const heard: unknown[] = [];
    channel.follow((connected, signal) => connected.stream(WATCH_PORT, { workload: 'w', port: 80 }, { signal }), {
      onMessage: (message) => heard.push(message),
      where: 'watch{port=80}: linkerd_app_inbound::policy::api',
    });
    const text = () => lines.join('');
    await clock.advance(3_500);
    await vi.waitFor(() => expect(text()).toContain('Failed to connect'));
    await vi.waitFor(() =>
      expect(text()).toMatch(
        /WARN ThreadId\(01\) watch\{port=80\}: linkerd_app_inbound::policy::api: Unexpected policy controller response; retrying with a backoff grpc\.status=Deadline expired before operation could complete grpc\.message="initial item not received within timeout"/,
      ),
    );
    await clock.advance(30_000);
    await vi.waitFor(() =>
      expect(text()).toContain(
        'INFO ThreadId(01) policy:controller{addr=10.244.0.6:8090}: linkerd_proxy_balance_queue::worker: Unavailable; entering failfast timeout=30.0',
      ),
    );
    expect(metrics.render()).toContain('control_policy_balancer_queue_gate_shut_total{addr="10.244.0.6:8090"} 1');
    const server = new GrpcServer().add(WATCH_PORT, ({ send, signal }) => {
      send({});
      return new Promise((resolve) => signal.addEventListener('abort', () => resolve()));
    });
    const there = fabric.createNamespace({ ip: '10.244.0.6', name: 'policy' });
    there.listen(8090, (connection) => server.accept(connection), { uid: 0 });
    await clock.advance(20_000);
    await vi.waitFor(() => expect(heard.length).toBe(1));
    expect(text()).toMatch(/linkerd_proxy_balance_queue::worker: Available; exited failfast elapsed=[\d.]+/);
    const shown = metrics.render();
    const labels = 'addr="10.244.0.6:8090",tls="no_identity",no_tls_reason="loopback"';
    expect(shown).toContain(`control_request_total{${labels}} 1`);
    expect(shown).toContain('control_policy_balancer_queue_gate_open_total{addr="10.244.0.6:8090"} 2');
    expect(shown).toContain('control_policy_balancer_endpoints{endpoint_state="ready",addr="10.244.0.6:8090"} 1');
    channel.close();
    await vi.waitFor(() =>
      expect(metrics.render()).toContain(
        `control_response_total{${labels},status_code="200",classification="success",grpc_status="2",error=""} 1`,
      ),
    );
    clock.stop();
  });
});
