import { type KeyObject, X509Certificate } from 'node:crypto';
import { keysMatch, parsePrivateKey } from '#pki/keys.ts';
import type { VerifyResult } from '#pki/types.ts';

/** A certificate with what follows it in its file, and its key, as Linkerd reads them (pkg/tls/codec.go, cred.go). */
export interface Credentials {
  chain: X509Certificate[];
  key: KeyObject;
}

interface Block {
  label: string;
  der: Uint8Array;
  rest: string;
}

const KEY_BLOCKS = ['EC PRIVATE KEY', 'RSA PRIVATE KEY', 'PRIVATE KEY'];

/**
 * Reads a PEM key and a PEM certificate with the CAs after it. Throws Error in the order and the words in which the
 * control plane finds fault: the key, the certificate, and whether they belong together.
 */
export function readCredentials(certificate: string, privateKey: string): Credentials {
  const key = readKey(privateKey);
  const chain = readCertificates(certificate);
  if (chain.length === 0) throw new Error('No certificates found');
  if (!keysMatch(chain[0]!.publicKey, key)) throw new Error('tls: Public and private key do not match');
  return { chain, key };
}

/** A bundle of trust anchors. Throws Error when it holds none. */
export function readPool(pem: string): X509Certificate[] {
  const certificates = readCertificates(pem);
  if (certificates.length === 0) throw new Error('no certificates found');
  return certificates;
}

/** What follows the last certificate must be nothing at all: even an empty line is taken for a broken one. */
export function readCertificates(pem: string): X509Certificate[] {
  const found: X509Certificate[] = [];
  for (let text = pem; text.length > 0; ) {
    const block = firstBlock(text);
    if (!block) throw new Error('not a PEM certificate');
    if (block.label !== 'CERTIFICATE') break;
    found.push(parsed(block.der));
    text = block.rest;
  }
  return found;
}

function parsed(der: Uint8Array): X509Certificate {
  try {
    return new X509Certificate(der);
  } catch {
    throw new Error('x509: malformed certificate');
  }
}

function readKey(pem: string): KeyObject {
  const block = firstBlock(pem);
  if (!block) throw new Error('not PEM-encoded');
  if (!KEY_BLOCKS.includes(block.label)) throw new Error(`unsupported block type: '${block.label}'`);
  let key: KeyObject;
  try {
    key = parsePrivateKey(pem);
  } catch {
    throw new Error('x509: failed to parse private key');
  }
  if (key.asymmetricKeyType !== 'ec' && key.asymmetricKeyType !== 'rsa') {
    const type = key.asymmetricKeyType === 'ed25519' ? 'ed25519.PrivateKey' : '*ecdh.PrivateKey';
    throw new Error(
      `unsupported PKCS#8 encoded private key type: '${type}', linkerd2 only supports ECDSA and RSA private keys`,
    );
  }
  return key;
}

/** The first block whose base64 is sound, and the text behind its last line. */
function firstBlock(text: string): Block | undefined {
  for (const match of text.matchAll(/-----BEGIN ([^\n-]+)-----[ \t]*\r?\n([\s\S]*?)-----END \1-----[ \t\r]*\n?/g)) {
    const body = match[2]!.replace(/\s+/g, '');
    if (!/^[A-Za-z0-9+/]*={0,2}$/.test(body) || body.length % 4 !== 0) continue;
    return {
      label: match[1]!,
      der: Buffer.from(body, 'base64'),
      rest: text.slice(match.index + match[0].length),
    };
  }
  return undefined;
}

/**
 * Why a chain does not stand under the anchors, as Go's x509 says it. Where time is what is wrong Linkerd adds the dates of
 * the first certificate (pkg/tls/cred.go). `upMs`: how long the program has run.
 */
export function chainFault(
  result: VerifyResult & { ok: false },
  chain: X509Certificate[],
  anchors: X509Certificate[],
  at: number,
  upMs: number,
): string {
  if (result.failure === 'unknown-authority' || result.failure === 'bad-signature')
    return unknownAuthority(chain, anchors);
  if (result.failure !== 'expired' && result.failure !== 'not-yet-valid') return result.message;
  const [first] = chain;
  return (
    `${result.message} - Current Time : ${goTime(at, true)} m=+${(upMs / 1000).toFixed(9)} - ` +
    `Invalid before ${goTime(Date.parse(first!.validFrom))} - Invalid After ${goTime(Date.parse(first!.validTo))}`
  );
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

/** `2026-11-24 21:12:12 +0000 UTC`, with nanoseconds where Go would print them. */
export function goTime(ms: number, precise = false): string {
  // From the end: years before 0 and after 9999 are longer.
  const text = new Date(ms).toISOString();
  const [date, time, fraction] = [text.slice(0, -14), text.slice(-13, -5), text.slice(-4, -1)];
  return `${date} ${time}${precise ? `.${fraction.padEnd(9, '0')}` : ''} +0000 UTC`;
}
