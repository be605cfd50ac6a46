import { oidOf, read } from '#pki/der.ts';
import {
  constraintsOf,
  EXTENSION_OIDS,
  type Extension,
  extendedKeyUsageOf,
  keyUsageOf,
  readGeneralNames,
  readName,
  subjectKeyIdOf,
} from '#pki/structure.ts';
import { hexPairs } from './hex.ts';
import { compatText, nameText } from './names.ts';

const USAGES = [
  'Digital Signature',
  'Non Repudiation',
  'Key Encipherment',
  'Data Encipherment',
  'Key Agreement',
  'Certificate Sign',
  'CRL Sign',
  'Encipher Only',
  'Decipher Only',
];
const PURPOSES: Record<string, string> = {
  '2.5.29.37.0': 'Any Extended Key Usage',
  '1.3.6.1.5.5.7.3.1': 'TLS Web Server Authentication',
  '1.3.6.1.5.5.7.3.2': 'TLS Web Client Authentication',
  '1.3.6.1.5.5.7.3.3': 'Code Signing',
  '1.3.6.1.5.5.7.3.4': 'E-mail Protection',
  '1.3.6.1.5.5.7.3.8': 'Time Stamping',
  '1.3.6.1.5.5.7.3.9': 'OCSP Signing',
};
const TITLES: Record<string, string> = {
  [EXTENSION_OIDS.subjectKeyIdentifier]: 'X509v3 Subject Key Identifier',
  [EXTENSION_OIDS.keyUsage]: 'X509v3 Key Usage',
  [EXTENSION_OIDS.subjectAltName]: 'X509v3 Subject Alternative Name',
  [EXTENSION_OIDS.issuerAltName]: 'X509v3 Issuer Alternative Name',
  [EXTENSION_OIDS.basicConstraints]: 'X509v3 Basic Constraints',
  [EXTENSION_OIDS.nameConstraints]: 'X509v3 Name Constraints',
  [EXTENSION_OIDS.crlDistributionPoints]: 'X509v3 CRL Distribution Points',
  [EXTENSION_OIDS.certificatePolicies]: 'X509v3 Certificate Policies',
  [EXTENSION_OIDS.authorityKeyIdentifier]: 'X509v3 Authority Key Identifier',
  [EXTENSION_OIDS.extendedKeyUsage]: 'X509v3 Extended Key Usage',
  [EXTENSION_OIDS.authorityInfoAccess]: 'Authority Information Access',
};
/** The names that `-ext` takes. */
export const EXTENSION_NAMES: Record<string, string> = EXTENSION_OIDS;

/** An extension as it stands in a certificate's text, its title behind `indent` blanks. */
export function extensionText(each: Extension, indent: number): string {
  const pad = ' '.repeat(indent);
  const title = `${pad}${TITLES[each.oid] ?? each.oid}: ${each.critical ? 'critical' : ''}\n`;
  let lines: string[];
  try {
    lines = valueLines(each);
  } catch {
    lines = [dump(each.value)];
  }
  return title + lines.map((line) => `${pad}    ${line}\n`).join('');
}

const dump = (bytes: Uint8Array): string =>
  [...bytes].map((byte) => (byte < 0x20 || byte > 0x7e ? '.' : String.fromCharCode(byte))).join('');

function valueLines(each: Extension): string[] {
  const alone = [each];
  const content = () => read(each.value)[0]!.content;
  switch (each.oid) {
    case EXTENSION_OIDS.keyUsage:
      return [(keyUsageOf(alone) ?? []).map((bit) => USAGES[bit]).join(', ')];
    case EXTENSION_OIDS.extendedKeyUsage:
      return [(extendedKeyUsageOf(alone) ?? []).map((oid) => PURPOSES[oid] ?? oid).join(', ')];
    case EXTENSION_OIDS.basicConstraints: {
      const { isCa, pathLength } = constraintsOf(alone);
      return [`CA:${isCa ? 'TRUE' : 'FALSE'}${pathLength === undefined ? '' : `, pathlen:${pathLength}`}`];
    }
    case EXTENSION_OIDS.subjectKeyIdentifier:
      return [hexPairs(subjectKeyIdOf(alone) ?? new Uint8Array())];
    case EXTENSION_OIDS.authorityKeyIdentifier:
      return authorityLines(content());
    case EXTENSION_OIDS.subjectAltName:
    case EXTENSION_OIDS.issuerAltName:
      return [generalNames(content()).join(', ')];
    case EXTENSION_OIDS.crlDistributionPoints:
      return read(content()).flatMap((point) => {
        const name = read(read(read(point.content)[0]!.content)[0]!.content);
        return ['Full Name:', ...name.map((node) => `  ${generalName(node.tag & 0x1f, node.content)}`)];
      });
    case EXTENSION_OIDS.authorityInfoAccess:
      return read(content()).map((access) => {
        const [method, location] = read(access.content);
        const oid = oidOf(method!.content);
        const label = { '1.3.6.1.5.5.7.48.1': 'OCSP', '1.3.6.1.5.5.7.48.2': 'CA Issuers' }[oid] ?? oid;
        return `${label} - ${generalName(location!.tag & 0x1f, location!.content)}`;
      });
    case EXTENSION_OIDS.certificatePolicies:
      return read(content()).map((policy) => `Policy: ${policyName(oidOf(read(policy.content)[0]!.content))}`);
    case EXTENSION_OIDS.nameConstraints:
      return read(content()).flatMap((list) => [
        list.tag === 0xa0 ? 'Permitted:' : 'Excluded:',
        ...read(list.content).map((subtree) => {
          const [base] = read(subtree.content);
          return `  ${constraint(base!.tag & 0x1f, base!.content)}`;
        }),
      ]);
    default:
      return [dump(each.value)];
  }
}

/** With an issuer and serial number beside it the key's identifier gets a label. */
function authorityLines(content: Uint8Array): string[] {
  const nodes = read(content);
  const id = nodes.find((node) => node.tag === 0x80);
  const issuer = nodes.find((node) => node.tag === 0xa1);
  const serial = nodes.find((node) => node.tag === 0x82);
  const lines = id ? [`${nodes.length > 1 ? 'keyid:' : ''}${hexPairs(id.content)}`] : [];
  if (issuer) lines.push(...generalNames(issuer.content));
  if (serial) lines.push(`serial:${hexPairs(serial.content[0] === 0 ? serial.content.subarray(1) : serial.content)}`);
  return lines;
}

const policyName = (oid: string): string => (oid === '2.5.29.32.0' ? 'X509v3 Any Policy' : oid);

const generalNames = (sequence: Uint8Array): string[] =>
  readGeneralNames(sequence).map(({ type, content }) => generalName(type, content));

export function generalName(type: number, content: Uint8Array): string {
  const text = Buffer.from(content).toString('latin1');
  switch (type) {
    case 0:
      return 'othername:<unsupported>';
    case 1:
      return `email:${text}`;
    case 2:
      return `DNS:${text}`;
    case 4:
      return `DirName:${escapedSlashes(content)}`;
    case 6:
      return `URI:${text}`;
    case 7:
      return `IP Address:${address(content)}`;
    case 8:
      return `Registered ID:${oidOf(content)}`;
    default:
      return '<unsupported>';
  }
}

function escapedSlashes(content: Uint8Array): string {
  return compatText(readName(content));
}

function address(bytes: Uint8Array): string {
  if (bytes.length === 4) return bytes.join('.');
  if (bytes.length !== 16) return '<invalid>';
  return Array.from({ length: 8 }, (_, i) =>
    ((bytes[i * 2]! << 8) | bytes[i * 2 + 1]!).toString(16).toUpperCase(),
  ).join(':');
}

function constraint(type: number, content: Uint8Array): string {
  if (type !== 7) return type === 4 ? `DirName:${nameText(readName(content))}` : generalName(type, content);
  const half = content.length / 2;
  return `IP:${address(content.subarray(0, half))}/${address(content.subarray(half))}`;
}
