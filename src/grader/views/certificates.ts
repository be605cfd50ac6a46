import type { CertificatesView, Handshake } from '#schema/evidence.ts';
import type { CheckContext } from '../check.ts';
import { asClusterEvent } from '../checks/event-seen.ts';
import { EVENTS, meshCertificates } from '../probes/mesh.ts';
import { removable } from './removable.ts';

type Lane = CertificatesView['lanes'][number];

/** Reasons of events that belong on a timeline of certificates. */
const REASONS = new Set(['IssuerUpdated', 'IssuerUpdateSkipped', 'IssuerValidationFailed']);
const MAX_LANES = 60;
/** A proxy renews when this much of its certificate's remaining life has passed (linkerd.md 2.2). */
const RENEW_AT = 0.7;

/** Remembers what every pod presented over time, for the Certificates view. Looks only when asked. */
export class CertificatesWatcher {
  readonly #context: CheckContext;
  readonly #lanes = new Map<string, Lane>();

  constructor(context: CheckContext) {
    this.#context = context;
  }

  async look(): Promise<CertificatesView> {
    const { client, clock, names, handshakes, startedAt } = this.#context;
    const at = clock.now();
    const [pods, { bundle }, events] = await Promise.all([
      handshakes.all(),
      meshCertificates(client, names, at),
      client.list({ ...EVENTS, namespace: 'linkerd' }).catch(() => ({ items: [] })),
    ]);
    this.#remember(pods, at);
    return {
      at,
      bundle,
      issuers: names.all('issuer'),
      anchors: names.all('anchor'),
      pods,
      lanes: [...this.#lanes.values()],
      events: events.items
        .filter((event) => REASONS.has(event.reason))
        .map(asClusterEvent)
        .filter((event) => event.at >= startedAt - 1_000)
        .sort((a, b) => a.at - b.at),
      removable: bundle.anchors.map((anchor) =>
        removable(anchor.fingerprint, anchor.label ?? 'this anchor', pods, bundle.anchors.length),
      ),
    };
  }

  #remember(pods: Handshake[], at: number): void {
    const present = new Set<string>();
    for (const pod of pods) {
      const key = `${pod.namespace}/${pod.pod}`;
      present.add(key);
      const lane = this.#lanes.get(key) ?? {
        pod: pod.pod,
        workload: pod.workload,
        namespace: pod.namespace,
        segments: [],
      };
      this.#lanes.set(key, lane);
      const [leaf, issuer] = pod.chain;
      const last = lane.segments.at(-1);
      if (!leaf || !issuer) continue;
      if (last?.leaf === leaf.serial + leaf.fingerprint) {
        delete last.until;
        if (pod.failure) last.failure = pod.failure;
        else delete last.failure;
        continue;
      }
      if (last) last.until = at;
      const issuedAt = leaf.notBefore + 20_000;
      lane.segments.push({
        leaf: leaf.serial + leaf.fingerprint,
        issuer: issuer.fingerprint,
        from: Math.min(at, Math.max(issuedAt, last?.until ?? 0)),
        notBefore: leaf.notBefore,
        notAfter: leaf.notAfter,
        renewsAt: issuedAt + (leaf.notAfter - issuedAt) * RENEW_AT,
        ...(pod.failure ? { failure: pod.failure } : {}),
      });
    }
    for (const [key, lane] of this.#lanes) {
      const last = lane.segments.at(-1);
      if (!present.has(key) && last && last.until === undefined) last.until = at;
    }
    // Lanes of pods long gone make room, the oldest first.
    for (const key of this.#lanes.keys()) {
      if (this.#lanes.size <= MAX_LANES) break;
      if (!present.has(key)) this.#lanes.delete(key);
    }
  }
}
