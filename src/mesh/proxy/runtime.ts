import type { Clock } from '#base/clock.ts';
import type { NetNs } from '#kube/network/network.ts';
import type { AccessLog } from './access-log.ts';
import type { WorkloadCertificate } from './certificate.ts';
import type { Discovery } from './discovery.ts';
import type { ProxyLog } from './log.ts';
import type { Metrics } from './metrics.ts';
import type { PortPolicies } from './port-policies.ts';
import type { ProxySettings } from './settings.ts';
import type { Taps } from './tap/taps.ts';
import type { TransportMetrics } from './transport-metrics.ts';

/** What the parts of one proxy share. */
export interface ProxyRuntime {
  settings: ProxySettings;
  clock: Clock;
  net: NetNs;
  uid: number;
  log: ProxyLog;
  /** Absent: nothing is written of single requests, as is the default. */
  accessLog?: AccessLog;
  metrics: Metrics;
  transport: TransportMetrics;
  certificate: WorkloadCertificate;
  policies: PortPolicies;
  taps: Taps;
  /** Absent: every address is forwarded to as it is (no control plane near, as in unit tests). */
  discovery: Discovery | undefined;
  signal: AbortSignal;
  /** Unique in this worker, for pools that proxies share. */
  id: string;
  /** Connections to end when the proxy does. */
  connections: Set<{ destroy(): void }>;
}

export const DETECT_MS = 10_000;
