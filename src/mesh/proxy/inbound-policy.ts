import type { InboundConfig } from '#mesh/policy/core/config.ts';

/**
 * Where a proxy learns what holds for a port of its pod: `InboundServerPolicies/WatchPort` of the policy controller,
 * reached over the mesh. The proxy decides by itself with `mesh/policy/core/decide.ts`.
 */
export interface InboundPolicySource {
  /**
   * Calls `listener` with the present configuration, and with every later one, until the returned function is called.
   * Nothing is called while the controller cannot be reached for the first time; a configuration once known stays in
   * force when the controller goes away.
   */
  watchPort(port: number, listener: (config: InboundConfig) => void): () => void;
  close(): void;
}
