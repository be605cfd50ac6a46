import { X509Certificate } from 'node:crypto';
import { type CertificateMaker, certificateMaker, parseCertificates } from '#pki/certificate.ts';
import { algorithmOf, keysMatch, parsePrivateKey } from '#pki/keys.ts';
import { readPem, writePem } from '#pki/pem.ts';
import { verifyChain } from '#pki/verify.ts';

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

  /** Throws Error with the words of identity's own log. */
  static read(certificate: string | undefined, privateKey: string | undefined): Issuer {
    if (privateKey === undefined || certificate === undefined) {
      throw new Error(
        `failed to read CA from disk: open ${certificate === undefined ? 'certificate' : 'key'}: no such file or directory`,
      );
    }
    if (readBlocks(privateKey) === 0) throw new Error('failed to read CA from disk: failed to decode PEM private key');
    if (readBlocks(certificate) === 0) throw new Error('failed to read CA from disk: not a PEM certificate');
    let chain: X509Certificate[];
    try {
      chain = parseCertificates(certificate);
    } catch (error) {
      throw new Error(`failed to read CA from disk: ${(error as Error).message}`);
    }
    const key = (() => {
      try {
        return parsePrivateKey(privateKey);
      } catch (error) {
        throw new Error(`failed to read CA from disk: ${(error as Error).message}`);
      }
    })();
    if (algorithmOf(key) !== 'ec-p256')
      throw new Error('failed to read CA from disk: expected an ECDSA P-256 private key');
    if (!keysMatch(chain[0]!.publicKey, key)) {
      throw new Error('failed to read CA from disk: tls: private key does not match public key');
    }
    return new Issuer(chain, certificate, privateKey);
  }

  get notBefore(): number {
    return Date.parse(this.chain[0]!.validFrom);
  }
  get notAfter(): number {
    return Date.parse(this.chain[0]!.validTo);
  }

  /** When the path found last holds, and under which anchors: signatures need not be checked for every leaf. */
  #good: { anchors: X509Certificate[]; from: number; until: number } | undefined;

  /** Undefined when the issuer stands under one of the anchors now, their dates included; else Go's x509 error. */
  fault(anchors: X509Certificate[], at: number): string | undefined {
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
    return result.failure === 'unknown-authority' || result.failure === 'bad-signature'
      ? unknownAuthority(this.chain, anchors)
      : result.message;
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

/** Anchors as identity reads them at its start. Throws SyntaxError when the file holds something else. */
export const readAnchors = (pem: string): X509Certificate[] => parseCertificates(pem);

function readBlocks(pem: string): number {
  try {
    return readPem(pem).length;
  } catch {
    return 0;
  }
}

/** Go tells of the first anchor that bears the wanted name but did not sign. */
function unknownAuthority(chain: X509Certificate[], anchors: X509Certificate[]): string {
  const top = chain.at(-1)!;
  const candidate = anchors.find((anchor) => anchor.subject === top.issuer);
  const base = 'x509: certificate signed by unknown authority';
  if (!candidate) return base;
  const reason =
    candidate.publicKey.asymmetricKeyType === 'rsa'
      ? 'crypto/rsa: verification error'
      : 'x509: ECDSA verification failure';
  const name = /CN=([^\n,]*)/.exec(candidate.subject)?.[1] ?? '';
  return `${base} (possibly because of "${reason}" while trying to verify candidate authority certificate "${name}")`;
}

/** PEM of a DER certificate. */
export const pemOf = (der: Uint8Array): string => writePem('CERTIFICATE', der);

export const certificateOf = (der: Uint8Array): X509Certificate => new X509Certificate(der);
