import type { GrpcChannel } from '#mesh/api/grpc.ts';
import { WATCH_PORT } from '#mesh/api/inbound-api.ts';
import type { InboundPolicySource } from '#mesh/proxy/inbound-policy.ts';
import type { ReconnectingChannel } from './reconnect.ts';
import { configFrom } from './wire/inbound.ts';

/**
 * A proxy's view of the policy controller. All watches share one connection, which `createDiscovery` may share too; when
 * it breaks, each is taken up again on the next, and what was known stays in force meanwhile.
 */
export function createPolicySource(options: {
  /** To the policy controller, through the mesh. Closed with the source. */
  channel: ReconnectingChannel;
  /** `LINKERD2_PROXY_POLICY_WORKLOAD`. */
  workload: string;
}): InboundPolicySource {
  const { channel } = options;
  return {
    watchPort: (port, listener) =>
      channel.follow(
        (connected: GrpcChannel, signal) =>
          connected.stream(WATCH_PORT, { workload: options.workload, port }, { signal }),
        {
          onMessage: (message) => listener(configFrom(message, port)),
          where: `watch{port=${port}}: linkerd_app_inbound::policy::api`,
        },
      ),
    close: () => channel.close(),
  };
}
