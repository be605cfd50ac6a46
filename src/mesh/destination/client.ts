import type { Clock } from '#base/clock.ts';
import { GET, GET_PROFILE } from '#mesh/api/destination-api.ts';
import type { Message } from '#mesh/api/protobuf.ts';
import { createOutboundSource } from '#mesh/policy/outbound-source.ts';
import { ReconnectingChannel } from '#mesh/policy/reconnect.ts';
import type { ControlLink } from '#mesh/proxy/control-client.ts';
import type { DiscoveredEndpoint, Discovery, OutboundPolicy, OutboundTarget } from '#mesh/proxy/discovery.ts';
import { serviceProfileFrom } from './profile-view.ts';
import { endpointFrom, keyOfAddr } from './wire.ts';

export interface DiscoveryOptions {
  /** To the destination controller, through the mesh. */
  destination: ControlLink;
  /** To the policy controller, shared with the inbound side; absent: routes are not asked for. */
  policy?: ReconnectingChannel;
  clock: Clock;
  /** `LINKERD2_PROXY_DESTINATION_CONTEXT` */
  context: string;
  /** `LINKERD2_PROXY_POLICY_WORKLOAD` */
  workload: string;
}

const isAddress = (authority: string): boolean => /^(\d+\.){3}\d+:\d+$|^\[.*\]:\d+$/.test(authority);

/** An address that nobody is known at is an endpoint too, without labels. */
const isWorkload = (endpoint: Message | undefined): boolean =>
  Object.keys(endpoint?.['metric_labels'] ?? {}).length > 0;

/** A proxy's view of destination (and of outbound policy), over one connection to each. */
export function createDiscovery(options: DiscoveryOptions): Discovery {
  const channel = new ReconnectingChannel(options.destination, options.clock);
  const outbound = options.policy && createOutboundSource({ channel: options.policy, workload: options.workload });

  const watchProfile = (path: string, onMessage: (profile: Message) => void) =>
    channel.follow(
      (connected, signal) => connected.stream(GET_PROFILE, { path, context_token: options.context }, { signal }),
      { onMessage, where: `outbound:proxy{addr=${path}}: linkerd_app::dst` },
    );

  return {
    watchTarget(ip, port, listener) {
      let profile: Message | undefined;
      // `none`: the policy controller has spoken and knows nothing.
      let policy: OutboundPolicy | 'none' | undefined;
      let stopPolicy: (() => void) | undefined;
      const tell = () => {
        if (profile) listener(targetFrom(profile, ip, port, policy === 'none' ? undefined : policy));
      };
      const stopProfile = watchProfile(`${ip}:${port}`, (message) => {
        profile = message;
        // A pod is itself, and a ServiceProfile takes the place of every policy.
        const asks = !isWorkload(message['endpoint']) && !message['profile_ref']?.resource?.name;
        if (asks && outbound && !stopPolicy) {
          // The first answer of policy is waited for, so that no request slips past a route.
          stopPolicy = outbound.watch(ip, port, (view) => {
            policy = view ?? 'none';
            tell();
          });
          return;
        }
        if (!stopPolicy || policy) tell();
      });
      return () => {
        stopProfile();
        stopPolicy?.();
      };
    },

    watchName(authority, listener) {
      return watchProfile(authority, (profile) => {
        const [, ip = '', port = '0'] = /^(.*):(\d+)$/.exec(authority) ?? [];
        const target = targetFrom(profile, ip, Number(port), undefined);
        listener({ protocol: 'detect', ...target, authority });
      });
    },

    watchEndpoints(authority, listener) {
      if (isAddress(authority)) {
        return watchProfile(authority, (profile) => {
          if (profile['endpoint']) return listener([endpointFrom(profile['endpoint'])]);
          const [, ip = '', port = '0'] = /^\[?(.+?)\]?:(\d+)$/.exec(authority) ?? [];
          listener([{ ip, port: Number(port), opaque: false, h2: false, weight: 1, labels: {} }]);
        });
      }
      let endpoints = new Map<string, DiscoveredEndpoint>();
      let fresh = true;
      const take = (update: Message) => {
        if (fresh) {
          endpoints = new Map();
          fresh = false;
        }
        if (update['no_endpoints']) {
          endpoints = new Map();
          listener(update['no_endpoints'].exists ? [] : undefined);
          return;
        }
        for (const addr of update['add']?.addrs ?? []) {
          endpoints.set(keyOfAddr(addr['addr']), endpointFrom(addr, update['add'].metric_labels));
        }
        for (const addr of update['remove']?.addrs ?? []) endpoints.delete(keyOfAddr(addr));
        listener([...endpoints.values()]);
      };
      return channel.follow(
        (connected, signal) => {
          // A new stream tells everything again; what it does not name is gone.
          fresh = true;
          return connected.stream(GET, { scheme: 'k8s', path: authority, context_token: options.context }, { signal });
        },
        { onMessage: take },
      );
    },

    close() {
      channel.close();
    },
  };
}

function targetFrom(
  profile: Message,
  ip: string,
  port: number,
  policy: OutboundPolicy | undefined,
): OutboundTarget | undefined {
  const opaque = profile['opaque_protocol'] === true;
  const fqdn: string | undefined = profile['fully_qualified_name'];
  if (!fqdn) {
    if (!isWorkload(profile['endpoint']) && !opaque && !policy) return undefined;
    return {
      authority: `${ip}:${port}`,
      protocol: opaque ? 'opaque' : (policy?.protocol ?? 'detect'),
      ...(policy ? { policy } : {}),
    };
  }
  const { name, namespace } = profile['parent_ref']?.resource ?? {};
  const service = { namespace, name, port };
  const authority = `${fqdn}:${port}`;
  if (profile['profile_ref']?.resource?.name) {
    return { service, authority, protocol: opaque ? 'opaque' : 'detect', profile: serviceProfileFrom(profile) };
  }
  return {
    service,
    authority,
    protocol: policy?.protocol ?? (opaque ? 'opaque' : 'detect'),
    ...(policy ? { policy } : {}),
  };
}
