import type { CertificateParts, RequestParts } from '#pki/structure.ts';
import { extensionText } from './extensions.ts';
import { dateText, hexRows } from './hex.ts';
import { keyAlgorithmName, publicKeyText } from './key-text.ts';
import { type NameStyle, nameText } from './names.ts';

const SIGNATURES: Record<string, string> = {
  '1.2.840.10045.4.1': 'ecdsa-with-SHA1',
  '1.2.840.10045.4.3.2': 'ecdsa-with-SHA256',
  '1.2.840.10045.4.3.3': 'ecdsa-with-SHA384',
  '1.2.840.10045.4.3.4': 'ecdsa-with-SHA512',
  '1.2.840.113549.1.1.5': 'sha1WithRSAEncryption',
  '1.2.840.113549.1.1.11': 'sha256WithRSAEncryption',
  '1.2.840.113549.1.1.12': 'sha384WithRSAEncryption',
  '1.2.840.113549.1.1.13': 'sha512WithRSAEncryption',
  '1.3.101.112': 'ED25519',
};
export const signatureName = (oid: string): string => SIGNATURES[oid] ?? oid;

/** `openssl x509 -text` as OpenSSL 3.0 prints it. */
export function certificateText(c: CertificateParts, style: NameStyle = 'oneline'): string {
  let text = 'Certificate:\n    Data:\n';
  text += `        Version: ${c.version} (0x${(c.version - 1).toString(16)})\n`;
  text += `        Serial Number:${serialText(c.serial)}`;
  text += `        Signature Algorithm: ${signatureName(c.algorithm.oid)}\n`;
  text += `        Issuer: ${nameText(c.issuer, style)}\n`;
  text += `        Validity\n            Not Before: ${dateText(c.notBefore)}\n            Not After : ${dateText(c.notAfter)}\n`;
  text += `        Subject: ${nameText(c.subject, style)}\n`;
  text += subjectKeyText(c);
  if (c.extensions.length > 0)
    text += `        X509v3 extensions:\n${c.extensions.map((each) => extensionText(each, 12)).join('')}`;
  return text + signatureText(c);
}

/** `openssl req -text`. */
export function requestText(c: RequestParts, style: NameStyle = 'oneline'): string {
  let text = 'Certificate Request:\n    Data:\n';
  text += `        Version: ${c.version} (0x${(c.version - 1).toString(16)})\n`;
  text += `        Subject: ${nameText(c.subject, style)}\n`;
  text += subjectKeyText(c);
  // OpenSSL 3.0 prints the heading even where nothing is requested.
  text += `        Attributes:\n${c.extensions.length > 0 ? '' : '            (none)\n'}            Requested Extensions:\n`;
  text += c.extensions.map((each) => extensionText(each, 16)).join('');
  return text + signatureText(c);
}

function subjectKeyText({ publicKey }: Pick<CertificateParts, 'publicKey'>): string {
  return `        Subject Public Key Info:\n            Public Key Algorithm: ${keyAlgorithmName(publicKey.algorithm.oid)}\n${publicKeyText(publicKey, 16)}`;
}

function signatureText(c: Pick<CertificateParts, 'signatureAlgorithm' | 'signature'>): string {
  return `    Signature Algorithm: ${signatureName(c.signatureAlgorithm.oid)}\n    Signature Value:\n${hexRows(c.signature, 18, 8)}`;
}

/** Short numbers in decimal beside their hex, long ones as pairs on a row of their own. */
function serialText(serial: Uint8Array): string {
  const bytes = serial[0] === 0 && serial.length > 1 ? serial.subarray(1) : serial;
  const value = BigInt(`0x${Buffer.from(bytes).toString('hex') || '0'}`);
  if (bytes.length < 8 || (bytes.length === 8 && bytes[0]! < 0x80)) return ` ${value} (0x${value.toString(16)})\n`;
  return `\n${hexRows(bytes, bytes.length, 12)}`;
}
