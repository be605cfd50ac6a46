import type { NameAttribute } from '#pki/structure.ts';

const SHORT: Record<string, string> = {
  '2.5.4.3': 'CN',
  '2.5.4.4': 'SN',
  '2.5.4.5': 'serialNumber',
  '2.5.4.6': 'C',
  '2.5.4.7': 'L',
  '2.5.4.8': 'ST',
  '2.5.4.9': 'street',
  '2.5.4.10': 'O',
  '2.5.4.11': 'OU',
  '2.5.4.12': 'title',
  '2.5.4.17': 'postalCode',
  '2.5.4.42': 'GN',
  '1.2.840.113549.1.9.1': 'emailAddress',
  '0.9.2342.19200300.100.1.1': 'UID',
  '0.9.2342.19200300.100.1.25': 'DC',
};
const LONG: Record<string, string> = {
  CN: 'commonName',
  C: 'countryName',
  L: 'localityName',
  ST: 'stateOrProvinceName',
  O: 'organizationName',
  OU: 'organizationalUnitName',
};
export const SHORT_TO_OID: Record<string, string> = Object.fromEntries(
  Object.entries(SHORT).flatMap(([oid, name]) => [
    [name, oid],
    [LONG[name] ?? name, oid],
  ]),
);

export type NameStyle = 'oneline' | 'rfc2253' | 'compat' | 'multiline';

const isOddByte = (byte: number): boolean => byte < 0x20 || byte > 0x7e;
const hex = (byte: number): string => byte.toString(16).toUpperCase().padStart(2, '0');

/** A name as `X509_NAME_print_ex` prints it in the usual styles. */
export function nameText(name: readonly NameAttribute[], style: NameStyle = 'oneline'): string {
  const list = style === 'rfc2253' ? [...name].reverse() : name;
  if (style === 'compat') return compatText(name);
  if (style === 'multiline')
    return list
      .map(({ oid, value }) => `\n    ${(LONG[SHORT[oid] ?? ''] ?? SHORT[oid] ?? oid).padEnd(25)} = ${value}`)
      .join('');
  return list
    .map((each) => `${SHORT[each.oid] ?? each.oid}${style === 'rfc2253' ? '=' : ' = '}${valueText(each, style)}`)
    .join(style === 'rfc2253' ? ',' : ', ');
}

function valueText({ bytes }: NameAttribute, style: NameStyle): string {
  const needsQuotes = style === 'oneline' && /[,+"<>;]|^[ #]| $/.test(Buffer.from(bytes).toString('latin1'));
  let text = '';
  for (const [i, byte] of bytes.entries()) {
    const char = String.fromCharCode(byte);
    const isEdge = (char === ' ' && (i === 0 || i === bytes.length - 1)) || (char === '#' && i === 0);
    if (isOddByte(byte)) text += `\\${hex(byte)}`;
    else if (char === '\\') text += '\\\\';
    else if (style === 'rfc2253' && (/[,+"<>;]/.test(char) || isEdge)) text += `\\${char}`;
    else if (char === '"') text += needsQuotes ? '\\"' : char;
    else text += char;
  }
  return needsQuotes ? `"${text}"` : text;
}

/** The old one-line form, `/C=DE/CN=web`, as `X509_NAME_oneline` makes it. */
export function compatText(name: readonly NameAttribute[]): string {
  return name
    .map(({ oid, bytes }) => {
      const value = [...bytes].map((byte) =>
        isOddByte(byte) ? `\\x${hex(byte)}` : String.fromCharCode(byte).replace(/[/+]/, '\\$&'),
      );
      return `/${SHORT[oid] ?? oid}=${value.join('')}`;
    })
    .join('');
}

/** Attributes of `-subj /C=DE/CN=web`. Throws Error when it is malformed. */
export function parseSubject(text: string): [oid: string, value: string][] {
  if (!text.startsWith('/'))
    throw new Error(
      `subject name is expected to be in the format /type0=value0/type1=value1/type2=... where characters may be escaped by \\. This name is not in that format: '${text}'`,
    );
  const parts = text.slice(1).match(/(?:\\.|[^/\\])+/g) ?? [];
  return parts.map((part) => {
    const at = part.indexOf('=');
    const type = at < 0 ? part : part.slice(0, at);
    const oid = SHORT_TO_OID[type] ?? (/^\d+(\.\d+)+$/.test(type) ? type : undefined);
    if (at < 0 || !oid) throw new Error(`Skipping unknown subject name attribute "${type}"`);
    return [oid, part.slice(at + 1).replace(/\\(.)/g, '$1')];
  });
}
