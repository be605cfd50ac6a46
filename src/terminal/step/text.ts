import type { KeyObject } from 'node:crypto';
import { read } from '#pki/der.ts';
import {
  altNamesOf,
  type CertificateParts,
  constraintsOf,
  EXTENSION_OIDS,
  type Extension,
  extendedKeyUsageOf,
  type GeneralName,
  keyUsageOf,
  type NameAttribute,
  type RequestParts,
  subjectKeyIdOf,
} from '#pki/structure.ts';

const SIGNATURES: Record<string, string> = {
  '1.2.840.10045.4.3.2': 'ECDSA-SHA256',
  '1.2.840.10045.4.3.3': 'ECDSA-SHA384',
  '1.2.840.10045.4.3.4': 'ECDSA-SHA512',
  '1.2.840.113549.1.1.5': 'SHA1-RSA',
  '1.2.840.113549.1.1.11': 'SHA256-RSA',
  '1.2.840.113549.1.1.12': 'SHA384-RSA',
  '1.2.840.113549.1.1.13': 'SHA512-RSA',
  '1.3.101.112': 'Ed25519',
};
export const signatureName = (oid: string): string => SIGNATURES[oid] ?? oid;

const ATTRIBUTES: Record<string, string> = {
  '2.5.4.3': 'CN',
  '2.5.4.5': 'SERIALNUMBER',
  '2.5.4.6': 'C',
  '2.5.4.7': 'L',
  '2.5.4.8': 'ST',
  '2.5.4.9': 'STREET',
  '2.5.4.10': 'O',
  '2.5.4.11': 'OU',
  '2.5.4.17': 'POSTALCODE',
  '1.2.840.113549.1.9.1': 'emailAddress',
  '0.9.2342.19200300.100.1.25': 'DC',
  '0.9.2342.19200300.100.1.1': 'UID',
};
export const nameText = (name: readonly NameAttribute[]): string =>
  name.map(({ oid, value }) => `${ATTRIBUTES[oid] ?? oid}=${value}`).join(',');

const USAGES = [
  'Digital Signature',
  'Content Commitment',
  'Key Encipherment',
  'Data Encipherment',
  'Key Agreement',
  'Certificate Sign',
  'CRL Sign',
  'Encipher Only',
  'Decipher Only',
];
const PURPOSES: Record<string, string> = {
  '2.5.29.37.0': 'Any Usage',
  '1.3.6.1.5.5.7.3.1': 'Server Authentication',
  '1.3.6.1.5.5.7.3.2': 'Client Authentication',
  '1.3.6.1.5.5.7.3.3': 'Code Signing',
  '1.3.6.1.5.5.7.3.4': 'E-mail Protection',
  '1.3.6.1.5.5.7.3.8': 'Time Stamping',
  '1.3.6.1.5.5.7.3.9': 'OCSP Signing',
};

const pairs = (bytes: Uint8Array): string[] => [...bytes].map((byte) => byte.toString(16).padStart(2, '0'));
const upper = (bytes: Uint8Array): string => pairs(bytes).join(':').toUpperCase();

/** Hex pairs in rows, each on a new line behind `indent`. */
function rows(bytes: Uint8Array, width: number, indent: number): string {
  return pairs(bytes)
    .map((pair, i) => `${i % width === 0 ? `\n${' '.repeat(indent)}` : ''}${pair}${i < bytes.length - 1 ? ':' : ''}`)
    .join('');
}

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];
function date(ms: number): string {
  const at = new Date(ms);
  return `${MONTHS[at.getUTCMonth()]} ${at.getUTCDate()} ${at.toISOString().slice(11, 19)} ${at.getUTCFullYear()} UTC`;
}

/** The certificate as `step certificate inspect` prints it. */
export function certificateText(c: CertificateParts): string {
  const serial = BigInt(`0x${Buffer.from(c.serial).toString('hex')}`);
  let text = 'Certificate:\n    Data:\n';
  text += `        Version: ${c.version} (0x${(c.version - 1).toString(16)})\n`;
  text += `        Serial Number: ${serial} (0x${hexOf(serial)})\n`;
  text += `        Signature Algorithm: ${signatureName(c.signatureAlgorithm.oid)}\n`;
  text += `        Issuer: ${nameText(c.issuer)}\n`;
  text += '        Validity\n';
  text += `            Not Before: ${date(c.notBefore)}\n            Not After : ${date(c.notAfter)}\n`;
  text += subjectText(c);
  if (c.extensions.length > 0) {
    text += '        X509v3 extensions:\n';
    for (const each of c.extensions) text += extensionText(each);
  }
  return text + signatureText(c);
}

/** Go prints the bytes of the number; the first one keeps its zero. */
function hexOf(value: bigint): string {
  const hex = value.toString(16);
  return hex.length % 2 ? `0${hex}` : hex;
}

export function requestText(c: RequestParts): string {
  let text = 'Certificate Request:\n    Data:\n';
  text += `        Version: ${c.version - 1} (0x${(c.version - 1).toString(16)})\n`;
  text += subjectText(c);
  if (c.extensions.length > 0) {
    text += '        Requested Extensions:\n';
    for (const each of c.extensions) text += extensionText(each);
  }
  return text + signatureText(c);
}

function signatureText(c: Pick<CertificateParts, 'signatureAlgorithm' | 'signature'>): string {
  return `    Signature Algorithm: ${signatureName(c.signatureAlgorithm.oid)}${rows(c.signature, 18, 9)}\n`;
}

function subjectText(c: Pick<CertificateParts, 'subject' | 'publicKey'>): string {
  const name = nameText(c.subject);
  return `        Subject:${name ? ` ${name}` : ''}\n        Subject Public Key Info:\n${publicKeyText(c.publicKey.key)}`;
}

export const curveOf = (key: KeyObject): string =>
  ({ prime256v1: 'P-256', secp384r1: 'P-384', secp521r1: 'P-521' })[key.asymmetricKeyDetails?.namedCurve ?? ''] ??
  'unknown';

function publicKeyText(key: KeyObject | undefined): string {
  const head = '            Public Key Algorithm: ';
  if (!key) return `${head}Unknown\n`;
  const number = (value: string | undefined) => stripped(Buffer.from(value ?? '', 'base64url'));
  if (!['rsa', 'ec', 'ed25519'].includes(key.asymmetricKeyType ?? '')) return `${head}Unknown\n`;
  const jwk = key.export({ format: 'jwk' });
  if (key.asymmetricKeyType === 'rsa') {
    const exponent = BigInt(`0x${number(jwk.e).toString('hex')}`);
    return (
      `${head}RSA\n                Public-Key: (${key.asymmetricKeyDetails?.modulusLength} bit)\n` +
      `                Modulus:${rows(number(jwk.n), 15, 20)}\n` +
      `                Exponent: ${exponent} (0x${exponent.toString(16)})\n`
    );
  }
  if (key.asymmetricKeyType === 'ec') {
    const curve = curveOf(key);
    return (
      `${head}ECDSA\n                Public-Key: (${curve.slice(2)} bit)\n` +
      `                X:${rows(number(jwk.x), 15, 20)}\n                Y:${rows(number(jwk.y), 15, 20)}\n` +
      `                Curve: ${curve}\n`
    );
  }
  const bytes = Buffer.from(jwk.x ?? '', 'base64url');
  return `${head}Ed25519\n                Public-Key: (${bytes.length} bit)${rows(bytes, 15, 20)}\n`;
}

/** Without leading zeros, as a big integer's bytes. */
function stripped(bytes: Buffer): Buffer {
  const from = bytes.findIndex((byte) => byte !== 0);
  return bytes.subarray(Math.max(0, from));
}

const NETSCAPE_COMMENT = '2.16.840.1.113730.1.13';

function extensionText(each: Extension): string {
  const title = (name: string) => `            ${name}:${each.critical ? ' critical' : ''}\n`;
  const line = (text: string) => `                ${text}\n`;
  const alone = [each];
  switch (each.oid) {
    case EXTENSION_OIDS.keyUsage: {
      const usages = (keyUsageOf(alone) ?? []).map((bit) => USAGES[bit]).join(', ');
      return title('X509v3 Key Usage') + line(usages || 'None');
    }
    case EXTENSION_OIDS.extendedKeyUsage: {
      const usages = (extendedKeyUsageOf(alone) ?? []).map((oid) => PURPOSES[oid] ?? oid);
      return title('X509v3 Extended Key Usage') + line(usages.join(', '));
    }
    case EXTENSION_OIDS.basicConstraints: {
      const { isCa, pathLength } = constraintsOf(alone);
      const length = pathLength === undefined ? '' : `, pathlen:${pathLength}`;
      return title('X509v3 Basic Constraints') + line(`CA:${isCa ? 'TRUE' : 'FALSE'}${length}`);
    }
    case EXTENSION_OIDS.subjectKeyIdentifier:
      return title('X509v3 Subject Key Identifier') + line(upper(subjectKeyIdOf(alone) ?? new Uint8Array()));
    case EXTENSION_OIDS.authorityKeyIdentifier: {
      const id = read(read(each.value)[0]!.content).find((node) => node.tag === 0x80);
      return title('X509v3 Authority Key Identifier') + line(upper(id?.content ?? new Uint8Array()));
    }
    case EXTENSION_OIDS.subjectAltName:
      return title('X509v3 Subject Alternative Name') + altNameLines(altNamesOf(alone)).map(line).join('');
    case EXTENSION_OIDS.crlDistributionPoints: {
      const uris = read(read(each.value)[0]!.content).flatMap((point) => urisIn(point.content));
      return title('X509v3 CRL Distribution Points') + line('Full Name:') + line(`  URI:${uris.join(', URI:')}`);
    }
    case NETSCAPE_COMMENT:
      return title('Netscape Comment') + line(Buffer.from(read(each.value)[0]!.content).toString('latin1'));
    default: {
      const shown = [...Buffer.from(each.value).toString('utf8')].map((char) =>
        /[\p{L}\p{M}\p{N}\p{P}\p{S} ]/u.test(char) && char !== '\ufffd' ? char : '.',
      );
      return title(each.oid) + line(shown.join(''));
    }
  }
}

function urisIn(der: Uint8Array): string[] {
  return read(der).flatMap((node) =>
    node.tag === 0x86 ? [Buffer.from(node.content).toString()] : node.tag & 0x20 ? urisIn(node.content) : [],
  );
}

/** Go groups them by kind, a line each. */
function altNameLines(names: GeneralName[]): string[] {
  const kinds: [type: number, label: string][] = [
    [2, 'DNS'],
    [1, 'email'],
    [7, 'IP Address'],
    [6, 'URI'],
  ];
  return kinds.flatMap(([type, label]) => {
    const found = names.filter((name) => name.type === type).map((name) => `${label}:${altNameText(name)}`);
    return found.length > 0 ? [found.join(', ')] : [];
  });
}

export function altNameText({ type, content }: GeneralName): string {
  return type === 7 ? addressText(content) : Buffer.from(content).toString('utf8');
}

/** An address as Go prints it: the longest run of zeros of an IPv6 address becomes `::`. */
export function addressText(bytes: Uint8Array): string {
  if (bytes.length === 4) return bytes.join('.');
  const words = Array.from({ length: bytes.length / 2 }, (_, i) => (bytes[i * 2]! << 8) | bytes[i * 2 + 1]!);
  let [start, length] = [0, 1];
  for (let from = 0; from < words.length; from++) {
    let to = from;
    while (words[to] === 0) to++;
    if (to - from > length) [start, length] = [from, to - from];
  }
  const text = (part: number[]) => part.map((word) => word.toString(16)).join(':');
  return length < 2 ? text(words) : `${text(words.slice(0, start))}::${text(words.slice(start + length))}`;
}
