import { createPublicKey, type KeyObject } from 'node:crypto';
import * as der from './der.ts';

/** One attribute of a name. */
export interface NameAttribute {
  /** Dotted object identifier. */
  oid: string;
  /** DER tag of the value's string type. */
  tag: number;
  value: string;
  bytes: Uint8Array;
}

export interface Extension {
  oid: string;
  critical: boolean;
  /** DER of the value, without the OCTET STRING around it. */
  value: Uint8Array;
}

export interface AlgorithmId {
  oid: string;
  parameters?: der.Node;
}

export interface PublicKeyInfo {
  /** DER of the whole SubjectPublicKeyInfo. */
  raw: Uint8Array;
  algorithm: AlgorithmId;
  /** The key's bits, without the count of unused ones. */
  bits: Uint8Array;
  readonly key: KeyObject | undefined;
}

export interface CertificateParts {
  raw: Uint8Array;
  /** The signed part. */
  tbs: Uint8Array;
  /** 1, 2 or 3. */
  version: number;
  /** Content of the INTEGER as it stands, big-endian two's complement. */
  serial: Uint8Array;
  algorithm: AlgorithmId;
  issuer: NameAttribute[];
  issuerRaw: Uint8Array;
  /** ms since the epoch. */
  notBefore: number;
  notAfter: number;
  subject: NameAttribute[];
  subjectRaw: Uint8Array;
  publicKey: PublicKeyInfo;
  extensions: Extension[];
  signatureAlgorithm: AlgorithmId;
  signature: Uint8Array;
}

export interface RequestParts {
  raw: Uint8Array;
  info: Uint8Array;
  version: number;
  subject: NameAttribute[];
  subjectRaw: Uint8Array;
  publicKey: PublicKeyInfo;
  extensions: Extension[];
  signatureAlgorithm: AlgorithmId;
  signature: Uint8Array;
}

const EXTENSION_REQUEST = '1.2.840.113549.1.9.14';
const BMP_STRING = 0x1e;

/** Takes a certificate apart. Throws SyntaxError when it is not one. */
export function readCertificate(encoded: Uint8Array): CertificateParts {
  return guarded('certificate', () => {
    const [outer] = der.read(encoded);
    const [tbs, signatureAlgorithm, signature] = der.read(outer!.content);
    const fields = der.read(tbs!.content);
    const hasVersion = fields[0]!.tag === 0xa0;
    const version = hasVersion ? Number(integerOf(der.read(fields[0]!.content)[0]!)) + 1 : 1;
    const [serial, algorithm, issuer, validity, subject, spki, ...rest] = hasVersion ? fields.slice(1) : fields;
    const [from, until] = der.read(validity!.content);
    const extensions = rest.find((field) => field.tag === 0xa3);
    return {
      raw: outer!.raw,
      tbs: tbs!.raw,
      version,
      serial: serial!.content,
      algorithm: algorithmOf(algorithm!),
      issuer: readName(issuer!.raw),
      issuerRaw: issuer!.raw,
      notBefore: timeOf(from!),
      notAfter: timeOf(until!),
      subject: readName(subject!.raw),
      subjectRaw: subject!.raw,
      publicKey: publicKeyOf(spki!),
      extensions: extensions ? readExtensions(der.read(extensions.content)[0]!) : [],
      signatureAlgorithm: algorithmOf(signatureAlgorithm!),
      signature: signature!.content.subarray(1),
    };
  });
}

/** Takes a certificate request apart; its signature is not looked at. Throws SyntaxError when it is not one. */
export function readRequest(encoded: Uint8Array): RequestParts {
  return guarded('certificate request', () => {
    const [outer] = der.read(encoded);
    const [info, signatureAlgorithm, signature] = der.read(outer!.content);
    const [version, subject, spki, attributes] = der.read(info!.content);
    const wanted = (attributes ? der.read(attributes.content) : []).find(
      (each) => der.oidOf(der.read(each.content)[0]!.content) === EXTENSION_REQUEST,
    );
    const extensions = wanted ? der.read(der.read(wanted.content)[1]!.content)[0] : undefined;
    return {
      raw: outer!.raw,
      info: info!.raw,
      version: Number(integerOf(version!)) + 1,
      subject: readName(subject!.raw),
      subjectRaw: subject!.raw,
      publicKey: publicKeyOf(spki!),
      extensions: extensions ? readExtensions(extensions) : [],
      signatureAlgorithm: algorithmOf(signatureAlgorithm!),
      signature: signature!.content.subarray(1),
    };
  });
}

function guarded<T>(what: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw new SyntaxError(`not a ${what}: ${(error as Error).message}`);
  }
}

/** The attributes of an encoded name, in order. */
export function readName(encoded: Uint8Array): NameAttribute[] {
  const [outer] = der.read(encoded);
  return der.read(outer!.content).flatMap((set) =>
    der.read(set.content).map((pair) => {
      const [id, value] = der.read(pair.content);
      return {
        oid: der.oidOf(id!.content),
        tag: value!.tag,
        value: value!.tag === BMP_STRING ? utf16(value!.content) : Buffer.from(value!.content).toString('utf8'),
        bytes: value!.content,
      };
    }),
  );
}

const utf16 = (bytes: Uint8Array): string => Buffer.from(bytes).swap16().toString('utf16le');

function readExtensions(list: der.Node): Extension[] {
  return der.read(list.content).map((each) => {
    const fields = der.read(each.content);
    return {
      oid: der.oidOf(fields[0]!.content),
      critical: fields.length === 3 && fields[1]!.content[0] !== 0,
      value: fields.at(-1)!.content,
    };
  });
}

function algorithmOf(node: der.Node): AlgorithmId {
  const [id, parameters] = der.read(node.content);
  return { oid: der.oidOf(id!.content), ...(parameters ? { parameters } : {}) };
}

function publicKeyOf(node: der.Node): PublicKeyInfo {
  const [algorithm, bits] = der.read(node.content);
  let made: { key: KeyObject | undefined } | undefined;
  return {
    raw: node.raw,
    algorithm: algorithmOf(algorithm!),
    bits: bits!.content.subarray(1),
    /** Made when first asked for: most readers of a certificate look at its dates and extensions. */
    get key() {
      made ??= { key: keyFrom(node.raw) };
      return made.key;
    },
  };
}

function keyFrom(spki: Uint8Array): KeyObject | undefined {
  try {
    return createPublicKey({ key: Buffer.from(spki), format: 'der', type: 'spki' });
  } catch {
    // An algorithm that Node does not know; its bits can still be shown.
    return undefined;
  }
}

export const integerOf = (node: der.Node): bigint => {
  const value = BigInt(`0x${Buffer.from(node.content).toString('hex') || '0'}`);
  return node.content[0]! & 0x80 ? value - (1n << BigInt(node.content.length * 8)) : value;
};

/** ms since the epoch of a UTCTime or GeneralizedTime. */
export function timeOf(node: der.Node): number {
  const text = Buffer.from(node.content).toString('latin1');
  const match = /^(\d{2}|\d{4})(\d{2})(\d{2})(\d{2})(\d{2})(\d{2})Z$/.exec(text);
  if (!match) throw new SyntaxError(`not a time: ${text}`);
  const [, years = '', month, day, hour, minute, second] = match;
  const year = years.length === 4 ? Number(years) : Number(years) + (Number(years) < 50 ? 2000 : 1900);
  return Date.UTC(year, Number(month) - 1, Number(day), Number(hour), Number(minute), Number(second));
}

/** Every dotted identifier that the academy prints a name for. */
export const EXTENSION_OIDS = {
  subjectKeyIdentifier: '2.5.29.14',
  keyUsage: '2.5.29.15',
  subjectAltName: '2.5.29.17',
  issuerAltName: '2.5.29.18',
  basicConstraints: '2.5.29.19',
  nameConstraints: '2.5.29.30',
  crlDistributionPoints: '2.5.29.31',
  certificatePolicies: '2.5.29.32',
  authorityKeyIdentifier: '2.5.29.35',
  extendedKeyUsage: '2.5.29.37',
  authorityInfoAccess: '1.3.6.1.5.5.7.1.1',
} as const;

/** `[CA, path length]` of a certificate; CA false where it says nothing. */
export function constraintsOf(extensions: readonly Extension[]): { isCa: boolean; pathLength?: number } {
  const found = extensions.find((each) => each.oid === EXTENSION_OIDS.basicConstraints);
  if (!found) return { isCa: false };
  const fields = der.read(der.read(found.value)[0]!.content);
  const isCa = fields.some((field) => field.tag === 0x01 && field.content[0] !== 0);
  const length = fields.find((field) => field.tag === 0x02);
  return { isCa, ...(length ? { pathLength: Number(integerOf(length)) } : {}) };
}

/** Names of the key usage bits that are set, in the order of their bits; undefined when the extension is absent. */
export function keyUsageOf(extensions: readonly Extension[]): number[] | undefined {
  const found = extensions.find((each) => each.oid === EXTENSION_OIDS.keyUsage);
  if (!found) return undefined;
  const [bits] = der.read(found.value);
  const set: number[] = [];
  for (let bit = 0; bit < (bits!.content.length - 1) * 8; bit++)
    if ((bits!.content[1 + (bit >> 3)] ?? 0) & (0x80 >> (bit & 7))) set.push(bit);
  return set;
}

/** Dotted identifiers of the extended key usages; undefined when the extension is absent. */
export function extendedKeyUsageOf(extensions: readonly Extension[]): string[] | undefined {
  const found = extensions.find((each) => each.oid === EXTENSION_OIDS.extendedKeyUsage);
  return found && der.read(der.read(found.value)[0]!.content).map((each) => der.oidOf(each.content));
}

export function subjectKeyIdOf(extensions: readonly Extension[]): Uint8Array | undefined {
  const found = extensions.find((each) => each.oid === EXTENSION_OIDS.subjectKeyIdentifier);
  return found && der.read(found.value)[0]!.content;
}

/** A GeneralName: its tag number (1 mail, 2 DNS, 4 directory, 6 URI, 7 address) and content. */
export interface GeneralName {
  type: number;
  content: Uint8Array;
}

export const readGeneralNames = (sequence: Uint8Array): GeneralName[] =>
  der.read(sequence).map((node) => ({ type: node.tag & 0x1f, content: node.content }));

export function altNamesOf(extensions: readonly Extension[]): GeneralName[] {
  const found = extensions.find((each) => each.oid === EXTENSION_OIDS.subjectAltName);
  return found ? readGeneralNames(der.read(found.value)[0]!.content) : [];
}

/** Attribute value by short name of the last such attribute, e.g. the common name `2.5.4.3`. */
export const attributeOf = (name: readonly NameAttribute[], oid: string): string | undefined =>
  name.findLast((each) => each.oid === oid)?.value;
