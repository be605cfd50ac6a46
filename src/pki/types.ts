/** A key pair as PEM. Private keys are PKCS#8; SEC 1 (`EC PRIVATE KEY`) is read as well. */
export interface KeyPair {
  privateKey: string;
  publicKey: string;
}

export type KeyAlgorithm = 'ec-p256' | 'ec-p384' | 'rsa-2048' | 'rsa-4096';

export interface CertificateRequestOptions {
  /** RFC 4514 name, e.g. `CN=root.linkerd.cluster.local`. */
  subject: string;
  /** The key to certify, PEM (public or private). */
  publicKey: string;
  /** Who signs; absent: self-signed with `privateKey`. */
  signer?: { certificate: string; privateKey: string };
  privateKey?: string;
  /** ms since the epoch. */
  notBefore: number;
  notAfter: number;
  isCa?: boolean;
  pathLength?: number;
  dnsNames?: string[];
  uris?: string[];
  ipAddresses?: string[];
  keyUsage?: ('digitalSignature' | 'keyEncipherment' | 'certSign' | 'crlSign')[];
  extendedKeyUsage?: ('serverAuth' | 'clientAuth')[];
  /** Decimal; absent: random 128 bits. */
  serial?: string;
}

/** Why a chain does not verify; `message` says it in the words of the tool whose behaviour is asked for. */
export type ChainFailure =
  | 'empty'
  | 'unknown-authority'
  | 'bad-signature'
  | 'not-yet-valid'
  | 'expired'
  | 'not-a-ca'
  | 'name-mismatch'
  | 'wrong-usage'
  | 'path-too-long';

export interface VerifyOptions {
  /** PEM or DER certificates, leaf first. */
  chain: (string | Uint8Array)[];
  anchors: (string | Uint8Array)[];
  /** Instant at which everything must be valid, ms since the epoch. */
  at: number;
  /** The leaf must carry this DNS name. */
  dnsName?: string;
  /** `ignore`: dates of the anchor itself are not looked at (rustls/webpki, the proxy); `check`: they are (Go, identity). */
  anchorDates: 'check' | 'ignore';
  usage?: 'serverAuth' | 'clientAuth' | 'any';
}

export type VerifyResult =
  | { ok: true /** DER, leaf first, anchor last. */; path: Uint8Array[] }
  | { ok: false; failure: ChainFailure; message: string /** Subject of the certificate at fault. */; subject?: string };
