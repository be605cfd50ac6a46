import type { X509Certificate } from 'node:crypto';
import { type Node as Element, read as elements, oidOf as oid } from '#pki/der.ts';

const SIGNATURES: Record<string, string> = {
  '1.2.840.10045.4.3.2': 'ECDSA-SHA256',
  '1.2.840.10045.4.3.3': 'ECDSA-SHA384',
  '1.2.840.113549.1.1.11': 'SHA256-RSA',
};
const KEY_USAGES = [
  'Digital Signature',
  'Content Commitment',
  'Key Encipherment',
  'Data Encipherment',
  'Key Agreement',
  'Certificate Sign',
  'CRL Sign',
];
const PURPOSES: Record<string, string> = {
  '1.3.6.1.5.5.7.3.1': 'TLS Web Server Authentication',
  '1.3.6.1.5.5.7.3.2': 'TLS Web Client Authentication',
};

const hex = (bytes: Uint8Array, upper = false): string[] =>
  [...bytes].map((byte) => {
    const text = byte.toString(16).padStart(2, '0');
    return upper ? text.toUpperCase() : text;
  });

/** Hex pairs in lines of `width`, each line but the last ending in a colon. */
function wrapped(bytes: Uint8Array, width: number, indent: string): string {
  const pairs = hex(bytes);
  const lines: string[] = [];
  for (let at = 0; at < pairs.length; at += width) lines.push(pairs.slice(at, at + width).join(':'));
  return lines.map((line, i) => `${indent}${line}${i < lines.length - 1 ? ':' : ''}\n`).join('');
}

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];
function date(text: string): string {
  const at = new Date(text);
  const two = (value: number) => String(value).padStart(2, '0');
  return `${MONTHS[at.getUTCMonth()]} ${at.getUTCDate()} ${two(at.getUTCHours())}:${two(at.getUTCMinutes())}:${two(at.getUTCSeconds())} ${at.getUTCFullYear()} UTC`;
}

const distinguished = (name: string): string => name.split('\n').reverse().join(',');

/** The certificate as `linkerd identity` prints it (the layout of `openssl x509 -text`, by smallstep's certinfo). */
export function certificateText(certificate: X509Certificate): string {
  const [tbs, algorithm, signature] = elements(elements(certificate.raw)[0]!.content) as [Element, Element, Element];
  const fields = elements(tbs.content);
  const signatureName = SIGNATURES[oid(elements(algorithm.content)[0]!.content)] ?? 'unknown';
  const serial = BigInt(`0x${certificate.serialNumber}`);
  let text = 'Certificate:\n    Data:\n        Version: 3 (0x2)\n';
  text +=
    serial < 0x8000000000000000n
      ? `        Serial Number: ${serial} (0x${serial.toString(16)})\n`
      : `        Serial Number:\n            ${hex(Buffer.from(certificate.serialNumber, 'hex')).join(':')}\n`;
  text += `    Signature Algorithm: ${signatureName}\n`;
  text += `        Issuer: ${distinguished(certificate.issuer)}\n`;
  text += `        Validity\n            Not Before: ${date(certificate.validFrom)}\n            Not After : ${date(certificate.validTo)}\n`;
  text += `        Subject: ${distinguished(certificate.subject)}\n`;
  text += publicKey(certificate);
  const extensions = fields.find((field) => field.tag === 0xa3);
  if (extensions) {
    text += '        X509v3 extensions:\n';
    for (const each of elements(elements(extensions.content)[0]!.content)) text += extension(elements(each.content));
  }
  text += `\n    Signature Algorithm: ${signatureName}\n`;
  return text + wrapped(signature.content.subarray(1), 18, '         ');
}

function publicKey(certificate: X509Certificate): string {
  const key = certificate.publicKey;
  let text = '        Subject Public Key Info:\n';
  if (key.asymmetricKeyType !== 'ec') {
    const bits = key.asymmetricKeyDetails?.modulusLength;
    return `${text}            Public Key Algorithm: RSA\n                Public-Key: (${bits} bit)\n`;
  }
  const jwk = key.export({ format: 'jwk' });
  const coordinate = (value: string | undefined) => wrapped(Buffer.from(value ?? '', 'base64url'), 15, ' '.repeat(20));
  text += '            Public Key Algorithm: ECDSA\n                Public-Key: (256 bit)\n';
  text += `                X:\n${coordinate(jwk.x)}                Y:\n${coordinate(jwk.y)}`;
  return `${text}                Curve: ${jwk.crv}\n`;
}

function extension(parts: Element[]): string {
  const critical = parts.length === 3 && parts[1]!.content[0] === 0xff;
  const value = elements(parts.at(-1)!.content)[0]!;
  const title = (name: string) => `            X509v3 ${name}:${critical ? ' critical' : ''}\n`;
  const line = (content: string) => `                ${content}\n`;
  switch (oid(parts[0]!.content)) {
    case '2.5.29.15': {
      const names = KEY_USAGES.filter((_, bit) => (value.content[1 + (bit >> 3)] ?? 0) & (0x80 >> (bit & 7)));
      return title('Key Usage') + line(names.join(', '));
    }
    case '2.5.29.37':
      return (
        title('Extended Key Usage') +
        line(
          elements(value.content)
            .map((each) => PURPOSES[oid(each.content)] ?? oid(each.content))
            .join(', '),
        )
      );
    case '2.5.29.19': {
      const ca = elements(value.content)[0]?.content[0] === 0xff;
      return title('Basic Constraints') + line(`CA:${ca ? 'TRUE' : 'FALSE'}`);
    }
    case '2.5.29.14':
      return title('Subject Key Identifier') + line(hex(value.content, true).join(':'));
    case '2.5.29.35': {
      const id = elements(value.content).find((each) => each.tag === 0x80);
      return id ? title('Authority Key Identifier') + line(`keyid:${hex(id.content, true).join(':')}`) : '';
    }
    case '2.5.29.17': {
      const names = elements(value.content).map((each) => {
        const text = Buffer.from(each.content).toString();
        return each.tag === 0x86 ? `URI:${text}` : `DNS:${text}`;
      });
      return title('Subject Alternative Name') + line(names.join(', '));
    }
    default:
      return '';
  }
}
