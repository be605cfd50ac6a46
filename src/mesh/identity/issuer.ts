import { X509Certificate } from 'node:crypto';
import { type CertificateMaker, certificateMaker } from '#pki/certificate.ts';
import { writePem } from '#pki/pem.ts';
import { verifyChain } from '#pki/verify.ts';
import { chainFault, readCredentials } from './credentials.ts';

/** Where the two files of the issuer's Secret are, by scheme (pkg/k8s/labels.go). */
export const ISSUER_FILES: Record<string, { certificate: string; key: string }> = {
  'linkerd.io/tls': { certificate: 'crt.pem', key: 'key.pem' },
  'kubernetes.io/tls': { certificate: 'tls.crt', key: 'tls.key' },
};

/** Bounds what is kept of those who were certified before. */
const MOST_MAKERS = 512;

export interface Validity {
  lifetimeMs: number;
  clockSkewMs: number;
}

export interface IssuedLeaf {
  der: Uint8Array;
  notBefore: number;
  notAfter: number;
}

/**
 * Credentials that sign workload certificates. Serials count up from 1 after each load; a leaf never outlives any
 * certificate of the issuer's file (pkg/tls/ca.go).
 */
export class Issuer {
  readonly chain: X509Certificate[];
  readonly #certificate: string;
  readonly #privateKey: string;
  readonly #notAfter: number;
  readonly intermediates: Uint8Array[];
  #serial = 1;
  /** By whom is certified and for which key: the same pods ask day after day. */
  readonly #makers = new Map<string, CertificateMaker>();

  private constructor(chain: X509Certificate[], certificate: string, privateKey: string) {
    this.chain = chain;
    this.#certificate = certificate;
    this.#privateKey = privateKey;
    // What follows the leaf in an answer: the issuer's file, signer first.
    this.intermediates = chain.map((each) => each.raw);
    this.#notAfter = Math.min(...chain.map((each) => Date.parse(each.validTo)));
  }

  /**
   * Reads the two files of a directory. Throws Error with the words of identity's own log; the key is looked for first.
   */
  static read(
    directory: string,
    names: { certificate: string; key: string },
    text: (path: string) => string | undefined,
  ): Issuer {
    const open = (name: string): string => {
      const found = text(`${directory}/${name}`);
      if (found === undefined) throw new Error(`open ${directory}/${name}: no such file or directory`);
      return found;
    };
    try {
      const privateKey = open(names.key);
      const certificate = open(names.certificate);
      return new Issuer(readCredentials(certificate, privateKey).chain, certificate, privateKey);
    } catch (error) {
      throw new Error(`failed to read CA from disk: ${(error as Error).message}`);
    }
  }

  get isCa(): boolean {
    return this.chain[0]!.ca;
  }
  get notBefore(): number {
    return Date.parse(this.chain[0]!.validFrom);
  }
  get notAfter(): number {
    return Date.parse(this.chain[0]!.validTo);
  }

  /** When the path found last holds, and under which anchors: signatures need not be checked for every leaf. */
  #good: { anchors: X509Certificate[]; from: number; until: number } | undefined;

  /**
   * Undefined when the issuer stands under one of the anchors now, their dates included; else Go's x509 error, to which
   * Linkerd adds the dates of the issuer when time is what is wrong (pkg/tls/cred.go). `upMs`: how long the program has run.
   */
  fault(anchors: X509Certificate[], at: number, upMs: number): string | undefined {
    if (this.#good?.anchors === anchors && at >= this.#good.from && at < this.#good.until) return undefined;
    const result = verifyChain({
      chain: this.chain.map((each) => each.raw),
      anchors: anchors.map((each) => each.raw),
      at,
      anchorDates: 'check',
    });
    if (result.ok) {
      const path = result.path.map((der) => new X509Certificate(der));
      const from = Math.max(...path.map((each) => Date.parse(each.validFrom)));
      this.#good = { anchors, from, until: Math.min(...path.map((each) => Date.parse(each.validTo))) };
      return undefined;
    }
    return chainFault(result, this.chain, anchors, at, upMs);
  }

  /** Signs a leaf for one DNS name. Under a millisecond. */
  issue(identity: string, publicKeyPem: string, validity: Validity, now: number): IssuedLeaf {
    const notBefore = now - validity.clockSkewMs;
    const notAfter = Math.min(now + validity.lifetimeMs + validity.clockSkewMs, this.#notAfter);
    return {
      der: this.#makerOf(identity, publicKeyPem)({ serial: this.#serial++, notBefore, notAfter }),
      notBefore: Math.floor(notBefore / 1000) * 1000,
      notAfter: Math.floor(notAfter / 1000) * 1000,
    };
  }

  #makerOf(identity: string, publicKeyPem: string): CertificateMaker {
    const key = `${identity} ${publicKeyPem}`;
    let maker = this.#makers.get(key);
    if (!maker) {
      maker = certificateMaker({
        subject: `CN=${identity}`,
        publicKey: publicKeyPem,
        signer: { certificate: this.#certificate, privateKey: this.#privateKey },
        dnsNames: [identity],
        keyUsage: ['digitalSignature', 'keyEncipherment'],
        extendedKeyUsage: ['serverAuth', 'clientAuth'],
      });
      if (this.#makers.size >= MOST_MAKERS) this.#makers.delete(this.#makers.keys().next().value as string);
      this.#makers.set(key, maker);
    }
    return maker;
  }
}

/** PEM of a DER certificate. */
export const pemOf = (der: Uint8Array): string => writePem('CERTIFICATE', der);

export const certificateOf = (der: Uint8Array): X509Certificate => new X509Certificate(der);
