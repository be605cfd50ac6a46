import { hash, type X509Certificate } from 'node:crypto';
import type { Clock } from '#base/clock.ts';
import { FAILED_PRECONDITION, GrpcError, INTERNAL, INVALID_ARGUMENT, UNAVAILABLE } from '#mesh/api/grpc.ts';
import type { Message } from '#mesh/api/protobuf.ts';
import { type IdentityDomain, serviceAccountIdentity } from '#mesh/policy/core/identities.ts';
import { type ParsedCsr, parseCsr } from '#pki/csr.ts';
import { goTime } from './credentials.ts';
import type { Issuer, Validity } from './issuer.ts';

/** Whom a token belongs to; `error` when the API server says what is wrong with it, undefined when it says no more. */
export type TokenReviewer = (token: string) => Promise<{ username: string } | { error: string } | undefined>;

export interface CertifyEvents {
  issued(leaf: { identity: string; namespace: string; serviceAccount: string; message: string }): void;
  issuerInvalid(message: string): void;
  refused(level: 'info' | 'error', message: string): void;
}

type KnownCsr = ParsedCsr & { publicKeyPem: string };
/** Bounds the requests that are remembered. */
const MOST_REQUESTS = 512;

/** What Identity/Certify does with a request (pkg/identity/service.go). */
export class Certifier {
  issuer: Issuer | undefined;
  readonly #anchors: X509Certificate[];
  readonly #validity: Validity;
  readonly #domain: IdentityDomain;
  readonly #clock: Clock;
  readonly #review: TokenReviewer;
  readonly #events: CertifyEvents;
  readonly #startedAt: number;
  readonly #requests = new Map<string, KnownCsr>();

  constructor(options: {
    anchors: X509Certificate[];
    validity: Validity;
    domain: IdentityDomain;
    clock: Clock;
    review: TokenReviewer;
    events: CertifyEvents;
  }) {
    this.#anchors = options.anchors;
    this.#validity = options.validity;
    this.#domain = options.domain;
    this.#clock = options.clock;
    this.#review = options.review;
    this.#events = options.events;
    this.#startedAt = options.clock.now();
  }

  /** Answers a CertifyRequest. Throws GrpcError as linkerd.md 2.2 lists them. */
  async certify(request: Message): Promise<Message> {
    const { issuer } = this;
    if (!issuer) throw new GrpcError(UNAVAILABLE, 'cert issuer not ready yet');
    const identity: string = request['identity'] ?? '';
    if (identity === '') throw new GrpcError(INVALID_ARGUMENT, 'missing identity');
    if (!request['token']?.length) throw new GrpcError(INVALID_ARGUMENT, 'missing token');
    if (!request['certificate_signing_request']?.length) {
      throw new GrpcError(INVALID_ARGUMENT, 'missing certificate signing request');
    }
    const csr = this.#read(request['certificate_signing_request']);
    const now = this.#clock.now();
    const fault = issuer.fault(this.#anchors, now, now - this.#startedAt);
    if (fault) {
      this.#events.issuerInvalid(`${fault} - CSR Identity : ${identity}`);
      throw new GrpcError(2, fault);
    }
    checkCsr(csr, identity);

    const account = await this.#account(identity, Buffer.from(request['token']).toString('utf8'));
    const found = serviceAccountIdentity(this.#domain, account.namespace, account.name);
    if (found !== identity) {
      const message = `requested identity did not match provided token: requested=${identity}; found=${found}`;
      this.#events.refused('info', message);
      throw new GrpcError(FAILED_PRECONDITION, message);
    }

    const leaf = issuer.issue(identity, csr.publicKeyPem, this.#validity, now);
    const until = goTime(leaf.notAfter);
    this.#events.issued({
      identity,
      namespace: account.namespace,
      serviceAccount: account.name,
      message: `issued certificate for ${identity} until ${until}: ${hash('sha256', leaf.der, 'hex')}`,
    });
    return {
      leaf_certificate: leaf.der,
      intermediate_certificates: issuer.intermediates,
      valid_until: { seconds: Math.floor(leaf.notAfter / 1000) },
    };
  }

  /** A proxy sends the same request at every renewal; it is read and its signature checked once. */
  #read(der: Uint8Array): KnownCsr {
    const key = Buffer.from(der).toString('latin1');
    let known = this.#requests.get(key);
    if (!known) {
      const csr = readCsr(der);
      known = { ...csr, publicKeyPem: csr.publicKey.export({ type: 'spki', format: 'pem' }) as string };
      if (this.#requests.size >= MOST_REQUESTS) this.#requests.delete(this.#requests.keys().next().value as string);
      this.#requests.set(key, known);
    }
    return known;
  }

  async #account(identity: string, token: string): Promise<{ namespace: string; name: string }> {
    let user: Awaited<ReturnType<TokenReviewer>>;
    try {
      user = await this.#review(token);
    } catch (error) {
      const message = `error validating token for ${identity}: ${(error as Error).message}`;
      this.#events.refused('error', message);
      throw new GrpcError(INTERNAL, message);
    }
    if (!user) {
      const message = 'authentication token could not be authenticated';
      this.#events.refused('info', `authentication failed for ${identity}: ${message}`);
      throw new GrpcError(FAILED_PRECONDITION, message);
    }
    const invalid = (message: string): never => {
      this.#events.refused('info', `invalid token provided for ${identity}: ${message}`);
      throw new GrpcError(INVALID_ARGUMENT, message);
    };
    if ('error' in user) return invalid(user.error);
    const [system, kind, namespace, name, ...rest] = user.username.split(':');
    if (system !== 'system' || kind !== 'serviceaccount' || !namespace || !name || rest.length > 0)
      return invalid(`Username must be in form system:TYPE:NS:SA: ${user.username}`);
    return { namespace, name };
  }
}

function readCsr(der: Uint8Array): ParsedCsr {
  try {
    return parseCsr(der);
  } catch (error) {
    throw new GrpcError(INVALID_ARGUMENT, (error as Error).message);
  }
}

function checkCsr(csr: ParsedCsr, identity: string): void {
  const refuse = (why: string): never => {
    throw new GrpcError(FAILED_PRECONDITION, why);
  };
  if (csr.dnsNames.length !== 1) refuse('CSR must have exactly one DNSName');
  if (csr.dnsNames[0] !== identity) {
    refuse(`CSR name does not match requested identity: csr=${csr.dnsNames[0]}; req=${identity}`);
  }
  if (csr.commonName !== '' && csr.commonName !== identity) refuse(`invalid CommonName: ${csr.commonName}`);
  if (csr.emails.length > 0) refuse('cannot validate email addresses');
  if (csr.ipAddresses > 0) refuse('cannot validate IP addresses');
  if (csr.uris.length > 0) refuse('cannot validate URIs');
}
