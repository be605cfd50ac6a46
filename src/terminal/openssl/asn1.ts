import { oidOf } from '#pki/der.ts';
import { EXTENSION_OIDS } from '#pki/structure.ts';
import { keyAlgorithmName } from './key-text.ts';
import { SHORT_TO_OID } from './names.ts';
import { signatureName } from './text.ts';

const TAGS: Record<number, string> = {
  1: 'BOOLEAN',
  2: 'INTEGER',
  3: 'BIT STRING',
  4: 'OCTET STRING',
  5: 'NULL',
  6: 'OBJECT',
  12: 'UTF8STRING',
  16: 'SEQUENCE',
  17: 'SET',
  19: 'PRINTABLESTRING',
  20: 'T61STRING',
  22: 'IA5STRING',
  23: 'UTCTIME',
  24: 'GENERALIZEDTIME',
  30: 'BMPSTRING',
};
const LONG_NAMES: Record<string, string> = {
  CN: 'commonName',
  C: 'countryName',
  L: 'localityName',
  ST: 'stateOrProvinceName',
  O: 'organizationName',
  OU: 'organizationalUnitName',
};
const EXTENSIONS: Record<string, string> = {
  [EXTENSION_OIDS.subjectKeyIdentifier]: 'X509v3 Subject Key Identifier',
  [EXTENSION_OIDS.keyUsage]: 'X509v3 Key Usage',
  [EXTENSION_OIDS.subjectAltName]: 'X509v3 Subject Alternative Name',
  [EXTENSION_OIDS.basicConstraints]: 'X509v3 Basic Constraints',
  [EXTENSION_OIDS.authorityKeyIdentifier]: 'X509v3 Authority Key Identifier',
  [EXTENSION_OIDS.extendedKeyUsage]: 'X509v3 Extended Key Usage',
  '1.2.840.113549.1.9.14': 'Extension Request',
  '1.2.840.10045.3.1.7': 'prime256v1',
  '1.3.132.0.34': 'secp384r1',
};

/** A structure a line an element: offset, depth, length of head and content, kind and value. */
export function dump(der: Uint8Array, indented: boolean): string {
  const lines: string[] = [];
  const walk = (from: number, to: number, depth: number) => {
    for (let at = from; at < to; ) {
      const tag = der[at]!;
      let head = 2;
      let size = der[at + 1]!;
      if (size > 0x80) {
        const count = size & 0x7f;
        if (count > 4) throw new RangeError('element too large');
        head += count;
        size = 0;
        for (let i = 0; i < count; i++) size = size * 256 + der[at + 2 + i]!;
      }
      const end = at + head + size;
      if (!(end <= to)) throw new RangeError('cut off');
      const content = der.subarray(at + head, end);
      const kind = tag & 0xc0 ? `cont [ ${tag & 0x1f} ]` : (TAGS[tag & 0x1f] ?? `<ASN1 ${tag & 0x1f}>`);
      const name = kind.padEnd(18);
      const value = tag & 0x20 ? '' : printed(tag, content);
      const start = `${String(at).padStart(5)}:d=${depth}  hl=${head} l=${String(size).padStart(4)} `;
      const indent = indented ? ' '.repeat(depth) : '';
      lines.push(`${start}${tag & 0x20 ? 'cons' : 'prim'}: ${indent}${name}${value}`);
      if (tag & 0x20) walk(at + head, end, depth + 1);
      at = end;
    }
  };
  walk(0, der.length, 0);
  return lines.map((line) => `${line}\n`).join('');
}

function printed(tag: number, content: Uint8Array): string {
  const hex = Buffer.from(content).toString('hex').toUpperCase();
  switch (tag) {
    case 1:
      return `:${content[0]}`;
    case 2:
      return `:${hex.replace(/^00(?=..)/, '')}`;
    case 4:
      return `[HEX DUMP]:${hex}`;
    case 6:
      return `:${objectName(oidOf(content))}`;
    case 12:
    case 19:
    case 20:
    case 22:
    case 23:
    case 24:
      return `:${Buffer.from(content).toString('utf8')}`;
    default:
      return '';
  }
}

function objectName(oid: string): string {
  const short = Object.keys(SHORT_TO_OID).find((name) => SHORT_TO_OID[name] === oid);
  if (short) return LONG_NAMES[short] ?? short;
  const known = EXTENSIONS[oid] ?? signatureName(oid);
  return known !== oid ? known : keyAlgorithmName(oid);
}
