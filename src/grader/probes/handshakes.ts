import tls from 'node:tls';
import type { Clock } from '#base/clock.ts';
import { messageOf } from '#base/errors.ts';
import type { KubeClient } from '#kube/client/client.ts';
import { describeCertificate } from '#pki/certificate.ts';
import { verifyChain } from '#pki/verify.ts';
import type { Handshake } from '#schema/evidence.ts';
import type { CertificateNames } from '../names.ts';
import { certificatesIn, type MeshedPod, meshCertificates, meshedPods } from './mesh.ts';

const ADMIN_PORT = 4191;
/** A handshake with a pod that does not answer is given up after this long. */
const TIMEOUT_MS = 3_000;
/** Answers younger than this are shared between checks and views. */
const FRESH_MS = 700;

/**
 * TLS handshakes with the admin port of every meshed pod, under the pod's own identity: what it presents, whether that
 * verifies against the cluster's bundle at the cluster's time, and with which anchor. Source of the method: `linkerd
 * identity`. Concurrent callers share one round.
 */
export class Handshakes {
  readonly #client: KubeClient;
  readonly #clock: Clock;
  readonly #names: CertificateNames;
  #last: { at: number; round: Promise<Handshake[]> } | undefined;

  constructor(client: KubeClient, clock: Clock, names: CertificateNames) {
    this.#client = client;
    this.#clock = clock;
    this.#names = names;
  }

  /** One handshake with each running meshed pod; `fresh` asks again even if the last answers are young. */
  all(options: { fresh?: boolean } = {}): Promise<Handshake[]> {
    const now = performance.now();
    if (this.#last && !options.fresh && now - this.#last.at < FRESH_MS) return this.#last.round;
    const round = this.#round();
    this.#last = { at: now, round };
    round.catch(() => {
      this.#last = undefined;
    });
    return round;
  }

  async #round(): Promise<Handshake[]> {
    const { anchorsPem } = await meshCertificates(this.#client, this.#names, this.#clock.now());
    const pods = (await meshedPods(this.#client)).filter((pod) => !pod.deleting);
    return Promise.all(pods.map((pod) => this.#one(pod, anchorsPem)));
  }

  async #one(pod: MeshedPod, anchorsPem: string): Promise<Handshake> {
    const bundle = certificatesIn(pod.anchors ?? anchorsPem).map(
      (info) => this.#names.name('anchor', info).fingerprint,
    );
    const base = {
      type: 'handshake' as const,
      namespace: pod.namespace,
      pod: pod.name,
      workload: pod.workload,
      identity: pod.identity,
      bundle,
    };
    let chain: Uint8Array[];
    try {
      chain = await presentedChain(this.#client, pod);
    } catch (error) {
      return { ...base, at: this.#clock.now(), chain: [], failure: messageOf(error) };
    }
    const at = this.#clock.now();
    const described = chain.map((der, index) => {
      const info = describeCertificate(der);
      return index === 0 ? { ...info, label: 'leaf' } : this.#names.name('issuer', info);
    });
    const result = verifyChain({
      chain,
      anchors: pemBlocks(anchorsPem),
      at,
      dnsName: pod.identity,
      anchorDates: 'ignore',
    });
    if (!result.ok) return { ...base, at, chain: described, failure: result.message };
    const anchor = this.#names.name('anchor', describeCertificate(result.path.at(-1)!));
    return { ...base, at, chain: described, anchor: anchor.fingerprint };
  }
}

/** The certificates that a pod sends, leaf first, as DER. */
async function presentedChain(client: KubeClient, pod: MeshedPod): Promise<Uint8Array[]> {
  const timeout = AbortSignal.timeout(TIMEOUT_MS);
  const stream = await client.portForward(pod.namespace, pod.name, ADMIN_PORT, timeout);
  const socket = tls.connect({
    socket: stream as import('node:net').Socket,
    servername: pod.identity,
    // The chain is judged by our own code at the cluster's time, not by this process's clock and roots.
    rejectUnauthorized: false,
    minVersion: 'TLSv1.3',
  });
  try {
    await new Promise<void>((resolve, reject) => {
      timeout.addEventListener('abort', () => reject(new Error('no TLS handshake within three seconds')), {
        once: true,
      });
      socket.once('secureConnect', resolve);
      socket.once('error', reject);
      socket.once('close', () => reject(new Error('the connection was closed before the handshake was done')));
    });
    const chain: Uint8Array[] = [];
    let certificate = socket.getPeerCertificate(true);
    while (certificate?.raw && !chain.some((known) => certificate.raw.equals(known))) {
      chain.push(certificate.raw);
      certificate = certificate.issuerCertificate;
    }
    if (chain.length === 0) throw new Error('the pod presented no certificate');
    return chain;
  } finally {
    socket.on('error', () => {});
    socket.destroy();
    stream.destroy();
  }
}

/** The certificate blocks of a bundle. */
export function pemBlocks(pem: string): string[] {
  return pem.match(/-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----/g) ?? [];
}
