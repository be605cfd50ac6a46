import { tcpMessage } from '#mesh/api/addresses.ts';
import { NOT_FOUND } from '#mesh/api/grpc.ts';
import { WATCH_OUTBOUND } from '#mesh/api/outbound-api.ts';
import type { OutboundPolicy } from '#mesh/proxy/discovery.ts';
import type { ReconnectingChannel } from './reconnect.ts';
import { outboundPolicyFrom } from './wire/outbound-view.ts';

/** A proxy's view of `OutboundPolicies/Watch`. */
export function createOutboundSource({ channel, workload }: { channel: ReconnectingChannel; workload: string }) {
  return {
    /** `undefined`: the controller knows no policy for the address. */
    watch: (ip: string, port: number, listener: (policy: OutboundPolicy | undefined) => void): (() => void) =>
      channel.follow(
        (connected, signal) =>
          connected.stream(WATCH_OUTBOUND, { source_workload: workload, addr: tcpMessage(ip, port) }, { signal }),
        {
          onMessage: (message) => listener(outboundPolicyFrom(message)),
          onRefused: ({ code }) => {
            if (code !== NOT_FOUND) return undefined;
            listener(undefined);
            return 'stop';
          },
          where: `outbound:proxy{addr=${ip}:${port}}: linkerd_app_outbound::policy::api`,
        },
      ),
  };
}
