import { createHash, createPublicKey } from 'node:crypto';
import { extension } from '#pki/certificate.ts';
import * as der from '#pki/der.ts';
import { isSignedBy, issueCertificate } from '#pki/issue.ts';
import { keysMatch } from '#pki/keys.ts';
import { writePem } from '#pki/pem.ts';
import { altNamesOf, type CertificateParts, readCertificate } from '#pki/structure.ts';
import { configuredExtensions, parseConfig } from './config.ts';
import { EXTENSION_NAMES, extensionText } from './extensions.ts';
import { dateText, hexPairs } from './hex.ts';
import { type NameStyle, nameText } from './names.ts';
import { DIGEST_OPTIONS, DIGESTS, OpensslError, type Options, type OptionTable, readOptions } from './options.ts';
import { certificateText } from './text.ts';
import { loadCertificate, loadKey, loadRequest, type OpensslRun, readInput, writeOutput } from './world.ts';

const TABLE: OptionTable = {
  ...DIGEST_OPTIONS,
  in: 'value',
  out: 'value',
  inform: 'value',
  outform: 'value',
  noout: 'flag',
  text: 'flag',
  subject: 'flag',
  issuer: 'flag',
  dates: 'flag',
  startdate: 'flag',
  enddate: 'flag',
  serial: 'flag',
  fingerprint: 'flag',
  ext: 'value',
  checkend: 'value',
  checkhost: 'value',
  email: 'flag',
  pubkey: 'flag',
  modulus: 'flag',
  hash: 'flag',
  subject_hash: 'flag',
  issuer_hash: 'flag',
  nameopt: 'value',
  dateopt: 'value',
  req: 'flag',
  CA: 'value',
  CAkey: 'value',
  CAcreateserial: 'flag',
  CAserial: 'value',
  set_serial: 'value',
  days: 'value',
  extfile: 'value',
  extensions: 'value',
  copy_extensions: 'value',
  signkey: 'value',
  key: 'value',
  passin: 'value',
  help: 'flag',
  v3: 'flag',
  clrext: 'flag',
  purpose: 'flag',
};
const REFUSED: Record<string, string> = {
  purpose: 'use -ext keyUsage,extendedKeyUsage',
  certopt: 'the text is printed whole',
  trustout: 'trusted certificates are not made here',
  x509toreq: 'use `openssl req -new`',
};
const DAY_MS = 86_400_000;

/** `openssl x509`. */
export async function x509(run: OpensslRun): Promise<number> {
  const options = readOptions('x509', TABLE, run.args, REFUSED);
  if (options.rest.length > 0)
    throw new OpensslError(`x509: Extra option: "${options.rest[0]}"\nx509: Use -help for summary.`);
  const certificate = options.has('req')
    ? await certify(run, options)
    : await maybeSignAgain(run, options, await loadCertificate(run, options.get('in')));
  let text = '';
  let code = 0;
  for (const [name, value] of options.list) {
    if (name === 'checkend') {
      const limit = run.options.clock.now() + secondsOf(value) * 1000;
      const expires = certificate.notAfter < limit;
      text += expires ? 'Certificate will expire\n' : 'Certificate will not expire\n';
      if (expires) code = 1;
    } else text += shown(name, value, certificate, options);
  }
  const target = options.get('out');
  if (!options.has('noout') && options.get('outform')?.toUpperCase() === 'DER') {
    if (text) await run.context.stdout.write(text);
    await writeOutput(run, target, certificate.raw);
  } else await writeOutput(run, target, text + (options.has('noout') ? '' : writePem('CERTIFICATE', certificate.raw)));
  return code;
}

function secondsOf(value: string): number {
  if (!/^-?\d+$/.test(value))
    throw new OpensslError(`x509: checkend is non-numeric: ${value}\nx509: Use -help for summary.`);
  return Number(value);
}

export function nameStyle(nameopt: string | undefined): NameStyle {
  const words = (nameopt ?? 'oneline').toLowerCase().split(',');
  for (const style of ['rfc2253', 'oneline', 'compat', 'multiline'] as const) if (words.includes(style)) return style;
  throw new OpensslError(`Invalid -nameopt argument "${nameopt}": RFC2253, oneline, multiline and compat are here`);
}

function shown(name: string, value: string, c: CertificateParts, options: Options): string {
  const style = nameStyle(options.get('nameopt'));
  const iso = options.get('dateopt') === 'iso_8601';
  switch (name) {
    case 'text':
      return certificateText(c, style);
    case 'subject':
      return `subject=${nameText(c.subject, style)}\n`;
    case 'issuer':
      return `issuer=${nameText(c.issuer, style)}\n`;
    case 'dates':
      return `notBefore=${dateText(c.notBefore, iso)}\nnotAfter=${dateText(c.notAfter, iso)}\n`;
    case 'startdate':
      return `notBefore=${dateText(c.notBefore, iso)}\n`;
    case 'enddate':
      return `notAfter=${dateText(c.notAfter, iso)}\n`;
    case 'serial':
      return `serial=${hexPairs(c.serial[0] === 0 && c.serial.length > 1 ? c.serial.subarray(1) : c.serial, '')}\n`;
    case 'fingerprint': {
      const digest = Object.keys(DIGESTS).find((each) => options.has(each)) ?? 'sha1';
      return `${digest === 'sha1' ? 'SHA1' : digest} Fingerprint=${hexPairs(createHash(digest).update(c.raw).digest())}\n`;
    }
    case 'ext':
      return extensionsText(c, value);
    case 'email':
      return emails(c)
        .map((each) => `${each}\n`)
        .join('');
    case 'pubkey':
      return c.publicKey.key ? (c.publicKey.key.export({ type: 'spki', format: 'pem' }) as string) : '';
    case 'modulus':
      return `Modulus=${modulus(c)}\n`;
    case 'hash':
    case 'subject_hash':
      return `${nameHash(c.subjectRaw)}\n`;
    case 'issuer_hash':
      return `${nameHash(c.issuerRaw)}\n`;
    case 'checkhost':
      throw new OpensslError('x509: -checkhost is not available here: use `openssl verify -verify_hostname`');
    default:
      return '';
  }
}

function extensionsText(c: CertificateParts, names: string): string {
  const wanted = names
    .split(',')
    .map((name) => EXTENSION_NAMES[name === 'extKeyUsage' ? 'extendedKeyUsage' : name] ?? name);
  const found = c.extensions.filter(({ oid }) => wanted.includes(oid));
  return found.map((each) => extensionText(each, 0)).join('');
}

function emails(c: CertificateParts): string[] {
  const inName = c.subject.filter(({ oid }) => oid === '1.2.840.113549.1.9.1').map(({ value }) => value);
  const inNames = altNamesOf(c.extensions)
    .filter(({ type }) => type === 1)
    .map(({ content }) => Buffer.from(content).toString('latin1'));
  return [...new Set([...inName, ...inNames])];
}

function modulus({ publicKey: { key } }: CertificateParts): string {
  if (key?.asymmetricKeyType !== 'rsa') return 'No modulus for this public key type';
  return Buffer.from(key.export({ format: 'jwk' }).n ?? '', 'base64url')
    .toString('hex')
    .toUpperCase();
}

/** SHA-1 of the canonical name (lower case, single blanks, UTF-8), its first four bytes as a little-endian number. */
function nameHash(name: Uint8Array): string {
  const sets = der.read(der.read(name)[0]!.content).map((set) =>
    der.set(
      ...der.read(set.content).map((pair) => {
        const [id, value] = der.read(pair.content);
        const text = Buffer.from(value!.content).toString('utf8').trim().replace(/\s+/g, ' ');
        return der.sequence(id!.raw, der.utf8(text.replace(/[A-Z]/g, (char) => char.toLowerCase())));
      }),
    ),
  );
  const digest = createHash('sha1').update(Buffer.concat(sets)).digest();
  return digest.readUInt32LE(0).toString(16).padStart(8, '0');
}

/** `-req`: a certificate from a request, signed by -CA or by the request's own key. */
async function certify(run: OpensslRun, options: Options): Promise<CertificateParts> {
  const request = await loadRequest(run, options.get('in'));
  const { key: publicKey } = request.publicKey;
  if (!publicKey || !isSignedBy(request.info, request.signature, publicKey))
    throw new OpensslError('Certificate request self-signature did not match the contents');
  await run.context.stderr.write(
    `Certificate request self-signature ok\nsubject=${nameText(request.subject, nameStyle(options.get('nameopt')))}\n`,
  );
  const copied = /^copy(all)?$/.test(options.get('copy_extensions') ?? '')
    ? request.extensions.map((each) => extension(each.oid, each.critical, each.value))
    : [];
  return issue(run, options, {
    subjectRaw: request.subjectRaw,
    publicKeyRaw: request.publicKey.raw,
    copied,
  });
}

/** A certificate that is signed anew when -CA, -key or -signkey is given. */
async function maybeSignAgain(run: OpensslRun, options: Options, c: CertificateParts): Promise<CertificateParts> {
  if (!options.has('CA') && !options.has('signkey') && !options.has('key')) return c;
  const copied = options.has('clrext')
    ? []
    : c.extensions.map((each) => extension(each.oid, each.critical, each.value));
  return issue(run, options, { subjectRaw: c.subjectRaw, publicKeyRaw: c.publicKey.raw, copied });
}

async function issue(
  run: OpensslRun,
  options: Options,
  subject: { subjectRaw: Uint8Array; publicKeyRaw: Uint8Array; copied: Uint8Array[] },
): Promise<CertificateParts> {
  const own = options.get('signkey') ?? options.get('key');
  const caFile = options.get('CA');
  if (!caFile && !own)
    throw new OpensslError('We need a private key to sign with, use -key or -CA or -CAkey or -force_pubkey');
  const ca = caFile ? await loadCertificate(run, caFile, 'CA certificate') : undefined;
  const key = await loadKey(
    run,
    ca ? (options.get('CAkey') ?? caFile) : own,
    ca ? 'CA private key' : 'private key',
    options.get('passin'),
  );
  if (ca && (!ca.publicKey.key || !keysMatch(ca.publicKey.key, key)))
    throw new OpensslError('CA certificate and CA private key do not match');
  const days = Number(options.get('days') ?? 30);
  if (!Number.isInteger(days))
    throw new OpensslError(`x509: Can't parse "${options.get('days')}" as an integer\nx509: Use -help for summary.`);
  const now = run.options.clock.now();
  const publicKey = createPublicKey({ key: Buffer.from(subject.publicKeyRaw), format: 'der', type: 'spki' });
  const extensions = await extensionsFrom(run, options, { publicKey, ...(ca ? { issuer: ca } : {}) });
  const replaced = new Set(extensions.map((each) => oidIn(each)));
  const serial = serialOf(options.get('set_serial'));
  const made = issueCertificate({
    ...(serial === undefined ? {} : { serial }),
    issuer: ca?.subjectRaw ?? subject.subjectRaw,
    subject: subject.subjectRaw,
    notBefore: now,
    notAfter: now + days * DAY_MS,
    publicKey: subject.publicKeyRaw,
    extensions: [...subject.copied.filter((each) => !replaced.has(oidIn(each))), ...extensions],
    key,
  });
  return readCertificate(made);
}

const oidIn = (encoded: Uint8Array): string => der.oidOf(der.read(der.read(encoded)[0]!.content)[0]!.content);

function serialOf(text: string | undefined): bigint | undefined {
  if (text === undefined) return undefined;
  try {
    return BigInt(text);
  } catch {
    throw new OpensslError(`x509: Invalid serial number ${text}`);
  }
}

async function extensionsFrom(
  run: OpensslRun,
  options: Options,
  about: { publicKey: ReturnType<typeof createPublicKey>; issuer?: CertificateParts },
): Promise<Uint8Array[]> {
  const file = options.get('extfile');
  if (!file) return [];
  const config = parseConfig(Buffer.from(await readInput(run, file, 'extensions')).toString('utf8'));
  const section = options.get('extensions') ?? config.get('default')?.get('extensions') ?? 'default';
  if (!config.has(section)) throw new OpensslError(`Error checking extension section ${section}`);
  return configuredExtensions(config, section, about);
}
