import type { Duplex } from 'node:stream';
import type { Clock } from '#base/clock.ts';
import type { GrpcChannel } from '#mesh/api/grpc.ts';
import { WATCH_PORT } from '#mesh/api/inbound-api.ts';
import type { InboundPolicySource } from '#mesh/proxy/inbound-policy.ts';
import { ReconnectingChannel } from './reconnect.ts';
import { configFrom } from './wire/inbound.ts';

/**
 * A proxy's view of the policy controller. `dial` opens a connection to it, through the mesh. All watches share one
 * connection; when it breaks, each is taken up again on the next, and what was known stays in force meanwhile.
 */
export function createPolicySource(options: {
  dial(signal: AbortSignal): Promise<Duplex>;
  clock: Clock;
  /** `LINKERD2_PROXY_POLICY_WORKLOAD`. */
  workload: string;
}): InboundPolicySource {
  const channel = new ReconnectingChannel(options.dial, options.clock);
  return {
    watchPort: (port, listener) =>
      channel.follow(
        (connected: GrpcChannel, signal) =>
          connected.stream(WATCH_PORT, { workload: options.workload, port }, { signal }),
        (message) => listener(configFrom(message, port)),
      ),
    close: () => channel.close(),
  };
}
