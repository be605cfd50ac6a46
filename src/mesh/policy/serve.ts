import type { Running } from './container.ts';
import type { InboundIndex } from './inbound-index.ts';

/** Serves InboundServerPolicies on the gRPC port. */
export function servePolicies(_running: Running, _port: number, _index: InboundIndex): void {}
