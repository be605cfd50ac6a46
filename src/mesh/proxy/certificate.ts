import { createPrivateKey, generateKeyPairSync, type X509Certificate } from 'node:crypto';
import * as tls from 'node:tls';
import { type Clock, type Timer, WallClock } from '#base/clock.ts';
import type { ContainerFiles } from '#kube/images/program.ts';
import { GrpcChannel, GrpcError, UNAVAILABLE } from '#mesh/api/grpc.ts';
import { CERTIFY } from '#mesh/api/identity-api.ts';
import { fingerprintOf, parseCertificates } from '#pki/certificate.ts';
import { createCsr } from '#pki/csr.ts';
import { writePem } from '#pki/pem.ts';
import { FailFast, failureText } from './certify-failure.ts';
import type { ControlClient } from './control-client.ts';
import type { ProxyLog } from './log.ts';
import type { Metrics } from './metrics.ts';
import type { ProxySettings } from './settings.ts';
import type { TlsCredentials } from './tls.ts';

/** Share of what is left of a certificate's life after which the next is asked for. */
const REFRESH_SHARE = 0.7;
const FIRST_RETRY_MS = 100;
const LONGEST_RETRY_MS = 5_000;
/** Attempts after which a controller that cannot be reached is asked less often, and how often then. A refusal is as good. */
const MANY_ATTEMPTS = 30;
const SLOW_RETRY_MS = 60_000;
/** How long one attempt may take in all. */
const ATTEMPT_MS = 10_000;
const WAITING_MS = 15_000;
/**
 * How long an unused connection to identity is kept, by the wall's clock. Renewals come one soon after the other only
 * while time is moved; after the first certificate none comes soon.
 */
const KEPT_FIRST_MS = 500;
const KEPT_MS = 10_000;
const wall = new WallClock();

export interface CertificateOptions {
  settings: ProxySettings;
  clock: Clock;
  files: ContainerFiles;
  log: ProxyLog;
  metrics: Metrics;
  signal: AbortSignal;
  /** To the identity controller, through the mesh. */
  client: ControlClient;
}

/**
 * The proxy's own certificate: key and request made once at the start, certified by the identity controller, certified
 * anew at 70 % of what is left, between ten seconds and a day. A failure keeps the old one, even past its end: then no
 * peer takes it any more, identity's own proxy included, and only a restart helps.
 */
export class WorkloadCertificate implements TlsCredentials {
  readonly name: string;
  readonly anchors: X509Certificate[];
  readonly anchorsId: string;
  readonly clock: Clock;
  expiresAt: number | undefined;
  /** DER, leaf first. */
  #chain: Uint8Array[] | undefined;
  #context: tls.SecureContext | undefined;
  #channel: { channel: GrpcChannel; until: number } | undefined;
  /** Looks whether the kept connection is still of use; one look is on its way at most. */
  #looking: Timer | undefined;
  readonly #options: CertificateOptions;
  readonly #keyPem: string;
  readonly #csr: Uint8Array;
  readonly #waiting: (() => void)[] = [];
  #renewed = false;
  /** The gate to the controller shut on the present call. */
  #failed: FailFast | undefined;
  #attempt: AbortController | undefined;
  #wake: (() => void) | undefined;

  /** Throws SyntaxError when the anchors cannot be read. */
  constructor(options: CertificateOptions) {
    this.#options = options;
    this.clock = options.clock;
    this.name = options.settings.localName;
    this.anchors = parseCertificates(options.settings.anchors);
    this.anchorsId = this.anchors.map(fingerprintOf).sort().join();
    const { privateKey } = generateKeyPairSync('ec', {
      namedCurve: 'P-256',
      privateKeyEncoding: { type: 'pkcs8', format: 'der' },
      publicKeyEncoding: { type: 'spki', format: 'der' },
    });
    const key = createPrivateKey({ key: privateKey, format: 'der', type: 'pkcs8' });
    this.#keyPem = key.export({ type: 'pkcs8', format: 'pem' }) as string;
    this.#csr = createCsr({ subject: `CN=${this.name}`, privateKey: key, dnsNames: [this.name] });
    // One listener for good: adding and removing one at every renewal costs more than the renewal's own work.
    options.signal.addEventListener(
      'abort',
      () => {
        this.#channel?.channel.close();
        this.#looking?.cancel();
        this.#attempt?.abort(options.signal.reason);
        this.#wake?.();
      },
      { once: true },
    );
    const directory = options.settings.identityDirectory;
    options.files.writeFile(`${directory}/key.p8`, privateKey);
    options.files.writeFile(`${directory}/csr.der`, this.#csr);
  }

  get ready(): boolean {
    return this.#chain !== undefined;
  }

  /** Made when somebody first shakes hands with this certificate; many are never used. */
  get context(): tls.SecureContext | undefined {
    if (!this.#context && this.#chain) {
      this.#context = tls.createSecureContext({
        cert: this.#chain.map((each) => writePem('CERTIFICATE', each)).join(''),
        key: this.#keyPem,
        minVersion: 'TLSv1.3',
        // Verification is ours, at the cluster's time; an empty list spares loading the system's authorities.
        ca: [],
        secureOptions: 0x4000,
      });
    }
    return this.#context;
  }

  /** Resolves when there is a certificate for the first time. */
  whenReady(): Promise<void> {
    return this.ready ? Promise.resolve() : new Promise((resolve) => this.#waiting.push(resolve));
  }

  /** Says every fifteen seconds that there is no certificate yet. */
  #tellWaiting(): void {
    const { clock, signal, log } = this.#options;
    let timer: Timer | undefined;
    const wait = () => {
      timer = clock.setTimeout(
        () => {
          log.warn('linkerd_app', 'Waiting for identity to be initialized...');
          wait();
        },
        WAITING_MS,
        { lazy: true },
      );
    };
    wait();
    const stop = () => timer?.cancel();
    signal.addEventListener('abort', stop, { once: true });
    void this.whenReady().then(() => {
      stop();
      signal.removeEventListener('abort', stop);
    });
  }

  /** Certifies and goes on renewing until the signal aborts. */
  async run(): Promise<void> {
    const { clock, signal, settings, log, metrics } = this.#options;
    this.#tellWaiting();
    // In the order in which the real proxy registers them, which is the order in which they are printed.
    metrics.set('control_identity_cert_expiration_timestamp_seconds', 0);
    metrics.set('control_identity_cert_refresh_timestamp_seconds', 0);
    for (const result of ['ok', 'error']) metrics.add('control_identity_cert_refreshes_total', { result }, 0);
    for (let refusals = 0; !signal.aborted; ) {
      try {
        const isFirst = !this.ready;
        await this.#certify();
        refusals = 0;
        metrics.add('control_identity_cert_refreshes_total', { result: 'ok' });
        if (isFirst) log.info('daemon:identity: linkerd_app', `Certified identity id=${this.name}`, 2);
        for (const resolve of this.#waiting.splice(0)) resolve();
      } catch (error) {
        if (signal.aborted) return;
        refusals++;
        log.line(
          'error',
          'daemon:identity: linkerd_proxy_identity_client::certify',
          `Failed to obtain identity error=${failureText(error as Error)}`,
          2,
        );
      }
      const left = (this.expiresAt ?? 0) - clock.now();
      const wait = Math.min(settings.maxRefreshMs, Math.max(settings.minRefreshMs, left * REFRESH_SHARE));
      // Once it has ended, or never came, it is asked for in vain; a moved clock need not do so every ten seconds.
      await this.#pause(wait, left <= 0 && (this.ready || refusals > MANY_ATTEMPTS));
    }
  }

  /** Waits by the cluster's clock, or until the signal aborts. */
  #pause(ms: number, lazy: boolean): Promise<void> {
    const { clock, signal } = this.#options;
    return new Promise((resolve) => {
      if (signal.aborted) return resolve();
      const timer = clock.setTimeout(resolve, ms, { lazy });
      this.#wake = () => {
        timer.cancel();
        resolve();
      };
    });
  }

  /** One Certify call; connecting is tried until it works or the gate to the controller shuts. */
  async #certify(): Promise<void> {
    const { client, settings } = this.#options;
    const kept = this.#takeChannel();
    if (kept) {
      client.pass();
      if (await this.#ask(kept, () => {})) return;
    }
    client.renew();
    const leave = client.wait(() => {
      this.#failed = new FailFast(settings.identity);
      this.#attempt?.abort(this.#failed);
      this.#wake?.();
    });
    try {
      await this.#ask(undefined, leave);
    } finally {
      leave();
      client.close();
      this.#failed = undefined;
    }
  }

  /** `onConnected` is called once there is a connection. False when the kept one was of no use. */
  async #ask(kept: GrpcChannel | undefined, onConnected: () => void): Promise<boolean> {
    const { clock, signal, settings, files, client } = this.#options;
    let wait = FIRST_RETRY_MS;
    for (let attempts = 1; ; attempts++) {
      let release: (() => void) | undefined;
      const renewed = files.renew?.(settings.tokenFile);
      if (renewed) await held(clock, renewed);
      const token = files.readFile(settings.tokenFile);
      const attempt = new AbortController();
      this.#attempt = attempt;
      const timer = clock.setTimeout(() => attempt.abort(new Error('timed out')), ATTEMPT_MS);
      let channel: GrpcChannel | undefined;
      try {
        channel = kept ?? new GrpcChannel(await client.dial(attempt.signal), settings.identity.host, client.calls);
        onConnected();
        release = clock.hold?.();
        const answer = await channel.unary(
          CERTIFY,
          { identity: this.name, token: token ?? new Uint8Array(), certificate_signing_request: this.#csr },
          { signal: attempt.signal },
        );
        this.#take(answer['leaf_certificate'], answer['intermediate_certificates'] ?? [], answer['valid_until']);
        this.#keepChannel(channel);
        return true;
      } catch (error) {
        channel?.close();
        if (this.#failed) throw this.#failed;
        if (signal.aborted || (error instanceof GrpcError && error.code !== UNAVAILABLE)) throw error;
        if (kept) return false;
      } finally {
        timer.cancel();
        this.#attempt = undefined;
        release?.();
      }
      await this.#pause(wait, attempts > MANY_ATTEMPTS);
      signal.throwIfAborted();
      if (this.#failed) throw this.#failed;
      wait = Math.min(wait * 2, attempts > MANY_ATTEMPTS ? SLOW_RETRY_MS : LONGEST_RETRY_MS);
    }
  }

  /** The connection of the last renewal, as long as a new one could be made: with a certificate that still holds. */
  #takeChannel(): GrpcChannel | undefined {
    const kept = this.#channel;
    this.#channel = undefined;
    if (!kept || kept.channel.isClosed) return undefined;
    if (this.#options.clock.now() < (this.expiresAt ?? 0)) return kept.channel;
    kept.channel.close();
    return undefined;
  }

  #keepChannel(channel: GrpcChannel): void {
    const kept = this.#renewed ? KEPT_MS : KEPT_FIRST_MS;
    this.#renewed = true;
    this.#channel = { channel, until: performance.now() + kept };
    this.#looking ??= this.#lookIn(kept);
  }

  #lookIn(ms: number): Timer {
    return wall.setTimeout(() => {
      this.#looking = undefined;
      const kept = this.#channel;
      if (!kept) return;
      const left = kept.until - performance.now();
      if (left > 0) this.#looking = this.#lookIn(left);
      else {
        this.#channel = undefined;
        kept.channel.close();
      }
    }, ms);
  }

  #take(leaf: Uint8Array, intermediates: Uint8Array[], validUntil: { seconds?: number } | undefined): void {
    // Copies: these bytes stand in the message that they came in. The issuer's are most often those of the last answer.
    const before = this.#chain;
    this.#chain = [leaf, ...intermediates].map((each, index) => {
      const known = before?.[index];
      return known && Buffer.compare(known, each) === 0 ? known : new Uint8Array(each);
    });
    this.#context = undefined;
    this.expiresAt = (validUntil?.seconds ?? 0) * 1000;
    const { metrics, clock } = this.#options;
    metrics.set('control_identity_cert_expiration_timestamp_seconds', this.expiresAt / 1000);
    metrics.set('control_identity_cert_refresh_timestamp_seconds', clock.now() / 1000);
  }
}

/** Waits for what takes no time of the clock. */
async function held(clock: Clock, work: Promise<void>): Promise<void> {
  const release = clock.hold?.();
  try {
    await work;
  } finally {
    release?.();
  }
}
