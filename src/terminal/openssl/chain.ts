import { read } from '#pki/der.ts';
import { isSignedBy } from '#pki/issue.ts';
import {
  altNamesOf,
  attributeOf,
  type CertificateParts,
  constraintsOf,
  EXTENSION_OIDS,
  extendedKeyUsageOf,
  keyUsageOf,
  subjectKeyIdOf,
} from '#pki/structure.ts';

/** Something wrong with one certificate of a chain, as OpenSSL numbers and words it. */
export interface ChainError {
  code: number;
  depth: number;
  text: string;
  certificate: CertificateParts;
}

export interface ChainRequest {
  leaf: CertificateParts;
  untrusted: readonly CertificateParts[];
  trusted: readonly CertificateParts[];
  /** Instant, ms since the epoch; undefined: dates are not looked at. */
  at: number | undefined;
  /** A trusted certificate that is not a root ends the chain as well. */
  partial?: boolean;
  /** An extended key usage that every certificate of the chain must allow. */
  purpose?: string;
  hostname?: string;
  ip?: string;
  /** Goes on after every error, as s_client does. */
  goesOn?: boolean;
}

export interface ChainResult {
  /** Leaf first. */
  chain: CertificateParts[];
  /** In the order in which OpenSSL meets them; it stops after the first that cannot be passed over. */
  errors: ChainError[];
  /** What OpenSSL tells a program on its way: an error, or that it is done with the certificate at a depth. */
  events: (ChainError | { code: 0; depth: number; certificate: CertificateParts })[];
}

const TEXTS: Record<number, string> = {
  2: 'unable to get issuer certificate',
  7: 'certificate signature failure',
  9: 'certificate is not yet valid',
  10: 'certificate has expired',
  18: 'self-signed certificate',
  19: 'self-signed certificate in certificate chain',
  20: 'unable to get local issuer certificate',
  21: 'unable to verify the first certificate',
  25: 'path length constraint exceeded',
  26: 'unsuitable certificate purpose',
  62: 'hostname mismatch',
  64: 'IP address mismatch',
  79: 'invalid CA certificate',
};
/** After these OpenSSL goes on to look for more. */
const PASSED_OVER = new Set([10, 18, 25, 79]);
const CERT_SIGN = 5;
const LONGEST = 100;

/** Builds a chain and judges it as OpenSSL 3.0 does: extensions from the leaf up, then signatures and dates from the top down. */
export function buildChain(request: ChainRequest): ChainResult {
  const { leaf, trusted, untrusted, partial = false } = request;
  const chain = [leaf];
  const events: ChainResult['events'] = [];
  const result = (): ChainResult => ({
    chain,
    events,
    errors: events.filter((each) => each.code !== 0) as ChainError[],
  });
  const fail: Fail = (code, depth) => {
    events.push({ code, depth, text: TEXTS[code]!, certificate: chain[depth]! });
    return request.goesOn === true || PASSED_OVER.has(code);
  };
  const isTrusted = (each: CertificateParts) => trusted.some((other) => same(other, each));
  let anchored = isTrusted(leaf) && (partial || isSelfIssued(leaf));
  while (!anchored && !isSelfIssued(chain.at(-1)!) && chain.length < LONGEST) {
    const child = chain.at(-1)!;
    const next = issuerOf(child, trusted, chain) ?? issuerOf(child, untrusted, chain);
    if (!next) break;
    chain.push(next);
    anchored = isTrusted(next) && (partial || isSelfIssued(next));
  }
  if (!anchored) {
    const top = chain.length - 1;
    const code = isSelfIssued(chain[top]!) ? (top === 0 ? 18 : 19) : isTrusted(chain[top]!) ? 2 : 20;
    if (!fail(code, top)) return result();
  }
  if (checkExtensions(chain, request.purpose, fail)) return result();
  if (request.hostname !== undefined && !matchesHost(leaf, request.hostname) && !fail(62, 0)) return result();
  if (request.ip !== undefined && !matchesAddress(leaf, request.ip) && !fail(64, 0)) return result();
  checkSignatures(chain, request, fail, (depth) => events.push({ code: 0, depth, certificate: chain[depth]! }));
  return result();
}

type Fail = (code: number, depth: number) => boolean;

const same = (a: CertificateParts, b: CertificateParts): boolean => Buffer.compare(a.raw, b.raw) === 0;

function issuerOf(
  child: CertificateParts,
  pool: readonly CertificateParts[],
  chain: readonly CertificateParts[],
): CertificateParts | undefined {
  const fitting = pool.filter((each) => mayHaveIssued(each, child) && !chain.some((known) => same(known, each)));
  // Of several with the name, the one whose key fits; without one, the first, so that its signature is found wanting.
  return (
    fitting.find((each) => each.publicKey.key && isSignedBy(child.tbs, child.signature, each.publicKey.key)) ??
    fitting[0]
  );
}

/** Names, key identifiers and key usage fit. Signatures are looked at later. */
function mayHaveIssued(issuer: CertificateParts, child: CertificateParts): boolean {
  if (Buffer.compare(issuer.subjectRaw, child.issuerRaw) !== 0) return false;
  const wanted = authorityKeyIdOf(child);
  const id = subjectKeyIdOf(issuer.extensions);
  if (wanted && id && Buffer.compare(wanted, id) !== 0) return false;
  const usage = keyUsageOf(issuer.extensions);
  return !usage || usage.includes(CERT_SIGN) || same(issuer, child);
}

export const isSelfIssued = (each: CertificateParts): boolean => {
  const wanted = authorityKeyIdOf(each);
  const id = subjectKeyIdOf(each.extensions);
  return Buffer.compare(each.subjectRaw, each.issuerRaw) === 0 && (!wanted || !id || Buffer.compare(wanted, id) === 0);
};

function authorityKeyIdOf({ extensions }: CertificateParts): Uint8Array | undefined {
  const found = extensions.find((each) => each.oid === EXTENSION_OIDS.authorityKeyIdentifier);
  return found && read(read(found.value)[0]!.content).find((node) => node.tag === 0x80)?.content;
}

/** Returns true when the judging ends here. */
function checkExtensions(chain: CertificateParts[], purpose: string | undefined, fail: Fail): boolean {
  for (const [depth, each] of chain.entries()) {
    const { isCa, pathLength } = constraintsOf(each.extensions);
    const isOldRoot = each.version < 3 && isSelfIssued(each);
    if (depth > 0 && !isCa && !isOldRoot && !fail(79, depth)) return true;
    if (purpose && !(allows(each, purpose) && (depth > 0 || maySign(each, purpose))) && !fail(26, depth)) return true;
    if (depth > 1 && pathLength !== undefined) {
      const between = chain.slice(1, depth).filter((other) => !isSelfIssued(other)).length;
      if (between > pathLength && !fail(25, depth)) return true;
    }
  }
  return false;
}

function allows({ extensions }: CertificateParts, purpose: string): boolean {
  const usages = extendedKeyUsageOf(extensions);
  return !usages || usages.includes(purpose) || usages.includes('2.5.29.37.0');
}

const SERVER_AUTH = '1.3.6.1.5.5.7.3.1';
/** Key usage bits that a TLS server's key, or a client's, needs one of: signing, encrypting (servers only), agreeing. */
function maySign({ extensions }: CertificateParts, purpose: string): boolean {
  const usage = keyUsageOf(extensions);
  return !usage || usage.some((bit) => bit === 0 || bit === 4 || (bit === 2 && purpose === SERVER_AUTH));
}

function checkSignatures(
  chain: CertificateParts[],
  { at, partial }: ChainRequest,
  fail: Fail,
  done: (depth: number) => void,
): void {
  let depth = chain.length - 1;
  let signer = chain[depth]!;
  // The top of a chain without its root is not judged itself; a leaf alone cannot be.
  if (!isSelfIssued(signer) && !partial) {
    if (depth === 0) {
      if (!fail(21, 0)) return;
    } else depth--;
  }
  for (; depth >= 0; depth--) {
    const each = chain[depth]!;
    if (each !== signer) {
      const { key } = signer.publicKey;
      if (!key || !isSignedBy(each.tbs, each.signature, key)) {
        if (!fail(7, depth)) return;
      }
    }
    if (at !== undefined && at < each.notBefore && !fail(9, depth)) return;
    if (at !== undefined && at > each.notAfter && !fail(10, depth)) return;
    done(depth);
    signer = each;
  }
}

/** Alternative names first; the common name counts when there is no DNS name. */
export function matchesHost(leaf: CertificateParts, host: string): boolean {
  const dns = altNamesOf(leaf.extensions)
    .filter(({ type }) => type === 2)
    .map(({ content }) => Buffer.from(content).toString('latin1'));
  const names = dns.length > 0 ? dns : [attributeOf(leaf.subject, '2.5.4.3') ?? ''];
  const wanted = host.toLowerCase();
  return names.some((name) => {
    const pattern = name.toLowerCase();
    if (!pattern.startsWith('*.')) return pattern === wanted;
    const dot = wanted.indexOf('.');
    return dot > 0 && wanted.slice(dot) === pattern.slice(1) && pattern.split('.').length > 2;
  });
}

export function matchesAddress(leaf: CertificateParts, ip: string): boolean {
  const bytes = ip.includes(':') ? undefined : Buffer.from(ip.split('.').map(Number));
  return altNamesOf(leaf.extensions).some(
    ({ type, content }) => type === 7 && bytes !== undefined && Buffer.compare(Buffer.from(content), bytes) === 0,
  );
}
