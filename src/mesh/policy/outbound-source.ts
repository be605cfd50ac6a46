import { tcpMessage } from '#mesh/api/addresses.ts';
import { WATCH_OUTBOUND } from '#mesh/api/outbound-api.ts';
import type { OutboundRoute, OutboundTarget } from '#mesh/proxy/discovery.ts';
import type { ReconnectingChannel } from './reconnect.ts';
import { outboundViewFrom } from './wire/outbound.ts';

/** What the policy controller says about traffic to an address. */
export interface OutboundView {
  protocol: OutboundTarget['protocol'];
  /** Routes that somebody wrote; the default route is not among them. */
  routes: OutboundRoute[];
}

/** A proxy's view of `OutboundPolicies/Watch`. */
export function createOutboundSource({ channel, workload }: { channel: ReconnectingChannel; workload: string }) {
  return {
    /** `undefined`: the controller knows no policy for the address. */
    watch: (ip: string, port: number, listener: (view: OutboundView | undefined) => void): (() => void) =>
      channel.follow(
        (connected, signal) =>
          connected.stream(WATCH_OUTBOUND, { source_workload: workload, addr: tcpMessage(ip, port) }, { signal }),
        (message) => listener(outboundViewFrom(message)),
        () => listener(undefined),
      ),
  };
}
