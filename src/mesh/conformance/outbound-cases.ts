import type { KubeObject } from '#kube/api/types.ts';
import type { Message } from '#mesh/api/protobuf.ts';
import { outboundPolicyFrom } from '#mesh/policy/wire/outbound-view.ts';
import type { OutboundPolicy } from '#mesh/proxy/discovery.ts';
import { type ConformanceCase, sourceOf } from './case-file.ts';
import { manifest, refTo, webService } from './manifests.ts';
import type { Room } from './room.ts';
import { NotRunnable, type Observation, settled } from './verdict.ts';

type Policy = OutboundPolicy & { message: Message };

/** What a case makes, and what must hold of the policy that clients get. */
type Play = (stage: Stage) => Promise<void>;

const ACCRUAL = 'balancer.linkerd.io/failure-accrual';
const ALPHA = 'balancer.alpha.linkerd.io';
const OUTSIDE = '192.0.2.77';

const routeTo = (name: string, rule: object, parent: object = {}): KubeObject =>
  manifest('HTTPRoute', name, { parentRefs: [{ ...refTo('Service', 'web'), port: 80, ...parent }], rules: [rule] });

/** A room, and the questions that cases ask in it. */
class Stage {
  readonly room: Room;
  seen = 'nothing';

  constructor(room: Room) {
    this.room = room;
  }

  async service(
    ports: Record<string, unknown>[] = [{ port: 80 }],
    annotations: Record<string, string> = {},
  ): Promise<string> {
    const made = await this.room.apply(webService(ports, { annotations }));
    return made.spec.clusterIP;
  }

  /** Asks until the policy is as wanted; throws with what was seen last otherwise. */
  async expect(ip: string, port: number, holds: (policy: Policy | undefined) => boolean, from?: string): Promise<void> {
    const observation = await settled(
      async (): Promise<Observation> => {
        const message = await this.room.outbound(ip, port, from);
        const policy = message && { ...outboundPolicyFrom(message), message };
        this.seen = policy ? summary(policy) : 'not found';
        return { agrees: holds(policy), observed: this.seen };
      },
      { signal: this.room.lab.signal, withinMs: 15_000 },
    );
    if (!observation.agrees) throw new Unexpected(observation.observed);
  }
}

class Unexpected extends Error {}

const named = (policy: Policy | undefined): string[] => (policy?.routes ?? []).map(({ ref }) => ref.name);
const backends = (policy: Policy | undefined) => policy?.routes[0]?.rules[0]?.backends ?? [];
const accrualOf = (policy: Policy | undefined) => policy?.accrual;
const rawLoad = (policy: Policy | undefined): string => JSON.stringify(policy?.message ?? {});

function summary(policy: Policy): string {
  const routes = policy.routes.map(({ ref, rules }) => `${ref.kind} ${ref.name} (${rules.length} rules)`);
  const to = backends(policy).map(
    ({ ref, authority, filters }) =>
      `${ref.name}${authority || ref.kind === 'default' ? '' : ' invalid'}${filters.length > 0 ? ' filtered' : ''}`,
  );
  return [
    `parent ${policy.parent.kind} ${policy.parent.name}`,
    policy.protocol,
    `routes ${routes.join(', ') || 'none'}`,
    `backends ${to.join(', ') || 'none'}`,
    policy.accrual ? `accrual ${JSON.stringify(policy.accrual)}` : 'no accrual',
  ].join('; ');
}

const isAccrual = (
  policy: Policy | undefined,
  want: { maxFailures: number; minPenaltyMs: number; maxPenaltyMs: number; jitterRatio: number },
): boolean => {
  const accrual = accrualOf(policy);
  return (
    accrual?.maxFailures === want.maxFailures &&
    accrual.minPenaltyMs === want.minPenaltyMs &&
    accrual.maxPenaltyMs === want.maxPenaltyMs &&
    Math.abs(accrual.jitterRatio - want.jitterRatio) < 1e-6
  );
};
const DEFAULTS = { maxFailures: 7, minPenaltyMs: 1_000, maxPenaltyMs: 60_000, jitterRatio: 0.5 };

const accrualCase =
  (annotations: Record<string, string>, want: (policy: Policy | undefined) => boolean): Play =>
  async (stage) =>
    stage.expect(await stage.service([{ port: 80 }], annotations), 80, want);

const appProtocol =
  (name: string, protocol: string): Play =>
  async (stage) =>
    stage.expect(await stage.service([{ port: 80, appProtocol: name }]), 80, (policy) => policy?.protocol === protocol);

const withRoute =
  (name: string, kind: string, protocol: string): Play =>
  async (stage) => {
    const ip = await stage.service([{ port: 80, appProtocol: name }]);
    await stage.room.apply({ ...routeTo('route', {}), kind });
    await stage.expect(ip, 80, (policy) => policy?.protocol === protocol && named(policy).join() === 'route');
  };
const tcpRoute = (name: string): KubeObject =>
  manifest('TCPRoute', name, {
    parentRefs: [{ ...refTo('Service', 'web'), port: 80 }],
    rules: [{ backendRefs: [{ name: 'web', port: 80 }] }],
  });
const streams = (policy: Policy | undefined): string => (policy?.streams ?? []).map(({ ref }) => ref.name).join();

/** By file and function of the upstream test. */
const PLAYS: Record<string, Play> = {
  'outbound_api::parent_does_not_exist': async (stage) => {
    // An address of the cluster that nobody has any more.
    const ip = await stage.service();
    await stage.room.remove('v1', 'Service', 'web');
    await stage.expect(ip, 80, (policy) => policy === undefined);
  },
  'outbound_api::parent_with_no_routes': async (stage) =>
    stage.expect(
      await stage.service(),
      80,
      (policy) => policy?.protocol === 'detect' && named(policy).join() === 'http',
    ),
  'outbound_api::route_with_no_rules': async (stage) => {
    const ip = await stage.service();
    // The Gateway API's own schema fills in a rule; the policy group's does not.
    await stage.room.apply(
      manifest('PolicyHTTPRoute', 'route', { parentRefs: [{ ...refTo('Service', 'web'), port: 80 }], rules: [] }),
    );
    await stage.expect(ip, 80, (policy) => named(policy).join() === 'route' && policy?.routes[0]?.rules.length === 0);
  },
  'outbound_api::routes_without_backends': async (stage) => {
    const ip = await stage.service();
    await stage.room.apply(routeTo('route', {}));
    await stage.expect(ip, 80, (policy) => named(policy).join() === 'route' && backends(policy)[0]?.ref.name === 'web');
  },
  'outbound_api::routes_with_backend': async (stage) => {
    const ip = await stage.service();
    await stage.room.apply({ ...webService(), metadata: { name: 'other' } });
    await stage.room.apply(routeTo('route', { backendRefs: [{ name: 'other', port: 80 }] }));
    await stage.expect(ip, 80, (policy) => backends(policy)[0]?.authority?.startsWith('other.') === true);
  },
  'outbound_api::routes_with_invalid_backend': async (stage) => {
    const ip = await stage.service();
    await stage.room.apply(routeTo('route', { backendRefs: [{ name: 'nowhere', port: 80 }] }));
    await stage.expect(ip, 80, (policy) => {
      const [backend] = backends(policy);
      return (
        named(policy).join() === 'route' &&
        backend?.authority === undefined &&
        backend?.filters[0]?.type === 'FailureInjector'
      );
    });
  },
  'outbound_api::service_with_routes_with_cross_namespace_backend': async (stage) => {
    const ip = await stage.service();
    const other = await stage.room.lab.room();
    try {
      await other.apply(webService());
      await stage.room.apply(
        routeTo('route', { backendRefs: [{ name: 'web', namespace: other.namespace, port: 80 }] }),
      );
      await stage.expect(
        ip,
        80,
        (policy) => backends(policy)[0]?.authority?.startsWith(`web.${other.namespace}.`) === true,
      );
    } finally {
      await other.close();
    }
  },
  'outbound_api::multiple_routes': async (stage) => {
    const ip = await stage.service();
    await stage.room.apply(routeTo('a-route', {}));
    await stage.room.apply(routeTo('b-route', {}));
    await stage.expect(ip, 80, (policy) => named(policy).join() === 'a-route,b-route');
  },
  'outbound_api::opaque_service': async (stage) =>
    stage.expect(
      await stage.service([{ port: 80 }], { 'config.linkerd.io/opaque-ports': '80' }),
      80,
      (policy) => policy?.protocol === 'opaque',
    ),
  'outbound_api::route_with_no_port': async (stage) => {
    const ip = await stage.service([{ port: 80 }, { port: 9999 }]);
    await stage.room.apply(manifest('HTTPRoute', 'route', { parentRefs: [refTo('Service', 'web')], rules: [{}] }));
    for (const port of [80, 9999]) await stage.expect(ip, port, (policy) => named(policy).join() === 'route');
  },
  'outbound_api::producer_route': async (stage) => {
    const ip = await stage.service();
    await stage.room.apply(routeTo('route', {}));
    for (const from of [stage.room.namespace, 'default', 'another']) {
      await stage.expect(ip, 80, (policy) => named(policy).join() === 'route', from);
    }
  },
  'outbound_api::consumer_route': async (stage) => {
    const ip = await stage.service();
    const consumer = await stage.room.lab.room();
    try {
      await consumer.apply(routeTo('route', {}, { namespace: stage.room.namespace }));
      await stage.expect(ip, 80, (policy) => named(policy).join() === 'route', consumer.namespace);
      for (const from of [stage.room.namespace, 'default'])
        await stage.expect(ip, 80, (policy) => named(policy).join() === 'http', from);
    } finally {
      await consumer.close();
    }
  },
  'outbound_api::route_reattachment': async (stage) => {
    const ip = await stage.service();
    await stage.room.apply(routeTo('route', {}));
    await stage.expect(ip, 80, (policy) => named(policy).join() === 'route');
    await stage.room.apply(routeTo('route', {}, { name: 'elsewhere' }));
    await stage.expect(ip, 80, (policy) => named(policy).join() === 'http');
    await stage.room.apply(routeTo('route', {}));
    await stage.expect(ip, 80, (policy) => named(policy).join() === 'route');
  },
  'outbound_api_app_protocol::opaque_parent': appProtocol('linkerd.io/opaque', 'opaque'),
  'outbound_api_app_protocol::unknown_app_protocol_parent': appProtocol('XMPP', 'opaque'),
  'outbound_api_app_protocol::http1_parent': appProtocol('http', 'http1'),
  'outbound_api_app_protocol::http2_parent': appProtocol('kubernetes.io/h2c', 'http2'),
  'outbound_api_failure_accrual::default_failure_accrual': accrualCase(
    {},
    (policy) => policy !== undefined && accrualOf(policy) === undefined,
  ),
  'outbound_api_failure_accrual::unannotated_service_has_no_new_config': accrualCase(
    {},
    (policy) => policy !== undefined && accrualOf(policy) === undefined,
  ),
  'outbound_api_failure_accrual::consecutive_failure_accrual': accrualCase(
    {
      [ACCRUAL]: 'consecutive',
      [`${ACCRUAL}-consecutive-max-failures`]: '8',
      [`${ACCRUAL}-consecutive-min-penalty`]: '10s',
      [`${ACCRUAL}-consecutive-max-penalty`]: '10m',
      [`${ACCRUAL}-consecutive-jitter-ratio`]: '1.0',
    },
    (policy) => isAccrual(policy, { maxFailures: 8, minPenaltyMs: 10_000, maxPenaltyMs: 600_000, jitterRatio: 1 }),
  ),
  'outbound_api_failure_accrual::consecutive_failure_accrual_defaults_no_config': accrualCase(
    { [ACCRUAL]: 'consecutive' },
    (policy) => isAccrual(policy, DEFAULTS),
  ),
  'outbound_api_failure_accrual::consecutive_failure_accrual_defaults_max_fails': accrualCase(
    {
      [ACCRUAL]: 'consecutive',
      [`${ACCRUAL}-consecutive-min-penalty`]: '10s',
      [`${ACCRUAL}-consecutive-max-penalty`]: '10m',
    },
    (policy) => isAccrual(policy, { ...DEFAULTS, minPenaltyMs: 10_000, maxPenaltyMs: 600_000 }),
  ),
  'outbound_api_failure_accrual::consecutive_failure_accrual_defaults_jitter': accrualCase(
    {
      [ACCRUAL]: 'consecutive',
      [`${ACCRUAL}-consecutive-max-failures`]: '8',
      [`${ACCRUAL}-consecutive-jitter-ratio`]: '1.0',
    },
    (policy) => isAccrual(policy, { ...DEFAULTS, maxFailures: 8, jitterRatio: 1 }),
  ),
  'outbound_api_failure_accrual::unified_failure_accrual_defaults_no_config': accrualCase(
    { [ACCRUAL]: 'unified' },
    (policy) => {
      const rate = accrualOf(policy)?.successRate;
      return (
        isAccrual(policy, DEFAULTS) && rate?.threshold === 0.8 && rate.windowMs === 10_000 && rate.minRequests === 5
      );
    },
  ),
  'outbound_api_failure_accrual::penalize_failures_emits_penalty_estimator': accrualCase(
    { [`${ALPHA}/penalize-failures`]: 'true' },
    (policy) => rawLoad(policy).includes('penalty_peak_ewma'),
  ),
  'outbound_api_failure_accrual::invalid_penalize_failures_value_produces_default': accrualCase(
    { [`${ALPHA}/penalize-failures`]: 'not-a-bool' },
    (policy) => rawLoad(policy).includes('"peak_ewma"') && !rawLoad(policy).includes('penalty_peak_ewma'),
  ),
  'outbound_api_egress_network::egress_switches_to_fallback': async (stage) => {
    await stage.room.apply(manifest('EgressNetwork', 'egress', { trafficPolicy: 'Allow' }));
    await stage.expect(OUTSIDE, 80, (policy) => policy?.parent.kind === 'EgressNetwork');
    await stage.room.remove('policy.linkerd.io/v1alpha1', 'EgressNetwork', 'egress');
    await stage.expect(OUTSIDE, 80, (policy) => policy?.parent.name === 'egress-fallback');
  },
  'outbound_api_egress_network::fallback_switches_to_egress': async (stage) => {
    await stage.expect(OUTSIDE, 80, (policy) => policy?.parent.name === 'egress-fallback');
    await stage.room.apply(manifest('EgressNetwork', 'egress', { trafficPolicy: 'Allow' }));
    await stage.expect(OUTSIDE, 80, (policy) => policy?.parent.kind === 'EgressNetwork');
  },
  'outbound_api_app_protocol::http1_parent_with_http_route': withRoute('http', 'HTTPRoute', 'http1'),
  'outbound_api_app_protocol::http2_parent_with_http_route': withRoute('kubernetes.io/h2c', 'HTTPRoute', 'http2'),
  'outbound_api_app_protocol::http2_parent_with_grpc_route': withRoute('kubernetes.io/h2c', 'GRPCRoute', 'grpc'),
  'outbound_api_app_protocol::opaque_parent_with_tcp_route': async (stage) => {
    const ip = await stage.service([{ port: 80, appProtocol: 'linkerd.io/opaque' }]);
    await stage.room.apply(tcpRoute('route'));
    await stage.expect(ip, 80, (policy) => policy?.protocol === 'opaque' && streams(policy) === 'route');
  },
  'outbound_api_tcp::multiple_tcp_routes': async (stage) => {
    const ip = await stage.service();
    for (const name of ['a-route', 'b-route']) await stage.room.apply(tcpRoute(name));
    await stage.expect(ip, 80, (policy) => policy?.protocol === 'opaque' && streams(policy) === 'a-route');
  },
  'outbound_api_http::http_route_retries_and_timeouts': async (stage) => {
    const ip = await stage.service();
    const made = routeTo('route', {});
    made.metadata.annotations = { 'retry.linkerd.io/http': '5xx', 'timeout.linkerd.io/response': '10s' };
    await stage.room.apply(made);
    await stage.expect(ip, 80, (policy) => {
      const rule = policy?.routes[0]?.rules[0];
      return rule?.retry?.statuses[0]?.to === 599 && rule.timeouts.responseMs === 10_000;
    });
  },
  'outbound_api_http::parent_retries_and_timeouts': async (stage) => {
    const annotations = { 'retry.linkerd.io/http': '5xx', 'timeout.linkerd.io/response': '10s' };
    const ip = await stage.service([{ port: 80 }], annotations);
    await stage.room.apply(routeTo('route', {}));
    await stage.expect(ip, 80, (policy) => {
      const rule = policy?.routes[0]?.rules[0];
      return (
        named(policy).join() === 'route' &&
        rule?.retry?.statuses[0]?.from === 500 &&
        rule.timeouts.responseMs === 10_000
      );
    });
  },
  'outbound_api_http::http_route_gateway_timeouts': async (stage) => {
    const ip = await stage.service();
    await stage.room.apply(routeTo('route', { timeouts: { request: '5s' } }));
    await stage.expect(ip, 80, (policy) => policy?.routes[0]?.rules[0]?.timeouts.requestMs === 5_000);
  },
  'outbound_api_http::http_route_linkerd_timeouts': async (stage) => {
    const ip = await stage.service();
    const parentRefs = [{ ...refTo('Service', 'web'), port: 80 }];
    await stage.room.apply(
      manifest('PolicyHTTPRoute', 'route', { parentRefs, rules: [{ timeouts: { request: '5s' } }] }),
    );
    await stage.expect(ip, 80, (policy) => policy?.routes[0]?.rules[0]?.timeouts.requestMs === 5_000);
  },
};

/** Makes a case's Services and routes, and asks the controller for the policy that clients get. */
export async function playOutbound(room: Room, of: ConformanceCase): Promise<Observation> {
  const source = sourceOf(of);
  const play = PLAYS[source];
  if (!play) throw new NotRunnable(`no objects are known for ${source}`);
  const stage = new Stage(room);
  try {
    await play(stage);
    return { agrees: true, observed: stage.seen };
  } catch (error) {
    if (error instanceof Unexpected) return { agrees: false, observed: error.message };
    throw error;
  }
}
