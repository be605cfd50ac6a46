import type { Clock } from '#base/clock.ts';
import type { KubeClient } from '#kube/client/client.ts';
import type { CertificateInfo } from '#schema/evidence.ts';
import type { CheckContext } from './check.ts';
import { inContext } from './in-context.ts';
import { CertificateNames } from './names.ts';
import { Handshakes } from './probes/handshakes.ts';
import { meshCertificates } from './probes/mesh.ts';
import { ProxyMetrics } from './probes/proxy-metrics.ts';
import { Triggers } from './triggers.ts';
import { CertificatesWatcher } from './views/certificates.ts';

/** What is remembered of one cluster between two lives of a session. */
export interface ScopeState {
  names: { anchor: CertificateInfo[]; issuer: CertificateInfo[] };
  /** What checks remember. */
  memory?: [string, unknown][];
}

/** What checks are told whichever cluster they look at. */
export type SharedContext = Omit<CheckContext, 'client' | 'clock' | 'names' | 'handshakes' | 'metrics' | 'memory'>;

/** One cluster as the grader looks at it: its client and clock, the names of its certificates, and what tells of changes in it. */
export class ClusterScope {
  readonly context: CheckContext;
  readonly triggers: Triggers;
  /** What its pods presented over time. */
  readonly certificates: CertificatesWatcher;
  readonly #meshed: boolean;

  constructor(options: {
    client: KubeClient;
    /** Its context in the learner's kubeconfig, where there are several. */
    name: string | undefined;
    clock: Clock;
    wall: Clock;
    meshed: boolean;
    shared: SharedContext;
    saved: ScopeState | undefined;
  }) {
    const { client, name, clock, wall, shared, saved } = options;
    const { runScript } = shared;
    const names = new CertificateNames(saved?.names);
    this.#meshed = options.meshed;
    this.triggers = new Triggers(client, wall);
    this.context = {
      ...shared,
      ...(name && runScript ? { runScript: (script: string) => runScript(inContext(name) + script) } : {}),
      client,
      clock,
      names,
      handshakes: new Handshakes(client, clock, names),
      metrics: new ProxyMetrics(client, wall),
      memory: new Map(saved?.memory),
    };
    this.certificates = new CertificatesWatcher(this.context);
  }

  /** Names the certificates that the cluster was born with, so that they are number 1. */
  async start(): Promise<void> {
    const { client, names, clock } = this.context;
    if (this.#meshed) await meshCertificates(client, names, clock.now());
  }

  save(): Required<ScopeState> {
    return { names: this.context.names.save(), memory: [...this.context.memory] };
  }
}
