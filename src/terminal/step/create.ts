import { createPublicKey, generateKeyPair, type KeyObject } from 'node:crypto';
import { promisify } from 'node:util';
import { altNamesFrom, extend, issueCertificate, issueRequest, nameFrom } from '#pki/issue.ts';
import { keysMatch } from '#pki/keys.ts';
import { writePem } from '#pki/pem.ts';
import { type CertificateParts, subjectKeyIdOf } from '#pki/structure.ts';
import { expectArguments, invalidFlag, type StepArgs, StepError, type StepVerb } from './flags.ts';
import { instantOf, keyPem, password, readKey, readOne, type StepRun, say, writeFile } from './world.ts';

const HOUR = 3_600_000;
export const LEAF_MS = 24 * HOUR;
export const CA_MS = 10 * 365 * 24 * HOUR;
const SERVER_AUTH = '1.3.6.1.5.5.7.3.1';
const CLIENT_AUTH = '1.3.6.1.5.5.7.3.2';
const COMMON_NAME = '2.5.4.3';

export const CREATE: StepVerb = {
  path: 'certificate create',
  usage: '<subject> <crt-file> <key-file>',
  summary: 'create a certificate or certificate signing request',
  flags: {
    kty: '=the kind of key: EC, RSA or OKP',
    curve: '=the curve of an EC key: P-256, P-384 or P-521',
    size: '=the size of an RSA key in bits',
    csr: 'make a certificate signing request',
    profile: '=leaf, intermediate-ca, root-ca or self-signed',
    template: '=not available here',
    set: '=not available here',
    'set-file': '=not available here',
    'not-before': '=a time (RFC 3339) or a duration from now, e.g. 1h',
    'not-after': '=a time (RFC 3339) or a duration from now, e.g. 8760h',
    san: '=an alternative name; may be given several times',
    ca: '=the issuing certificate',
    'ca-key': '=the key of the issuing certificate',
    'ca-password-file': '=a file with the password of that key',
    'ca-kms': '=not available here',
    kms: '=not available here',
    key: '=a private key to use instead of a new one',
    'password-file': '=a file with the password for the new key',
    'no-password': 'write the key without a password (with --insecure)',
    bundle: 'put the issuing certificate behind the new leaf',
    'skip-csr-signature': 'not available here',
    force: 'replace files without asking',
    subtle: 'allow what is seldom right',
    insecure: 'allow what is not safe',
  },
};

/** `step certificate create`. */
export async function create(run: StepRun): Promise<number> {
  const { flags } = run;
  expectArguments(CREATE, flags, flags.get('key') ? 2 : 3, 3);
  const [subject = '', crtFile = '', keyFile = ''] = flags.args;
  refuse(flags);
  if (flags.bool('no-password') && !flags.bool('insecure'))
    throw new StepError("flag '--no-password' requires the '--insecure' flag");
  if (crtFile === keyFile)
    throw new StepError(
      `positional arguments <<crt-file>> and <<key-file>> cannot be equal in 'step ${CREATE.path} ${CREATE.usage}'`,
    );
  const notBefore = instantOf(run, 'not-before');
  const notAfter = instantOf(run, 'not-after');
  if (notBefore !== undefined && notAfter !== undefined && notBefore > notAfter)
    throw new StepError(
      `flag '--not-before ${flags.get('not-before')}' is incompatible with flag '--not-after ${flags.get('not-after')}'`,
    );
  const key = flags.get('key') ? await givenKey(run) : await newKey(flags);
  if (flags.bool('csr')) return createRequest(run, subject, crtFile, keyFile, key);

  const profile = profileOf(flags);
  const ca = await parentOf(run, profile);
  const from = notBefore ?? run.options.clock.now();
  const isCa = profile === 'root-ca' || profile === 'intermediate-ca';
  const until = notAfter ?? from + (isCa ? CA_MS : LEAF_MS);
  if (from > until)
    throw new StepError(
      `invalid value '${flags.get('not-after')}' for flag '--not-after': certificate is already expired`,
    );
  const name = nameFrom([[COMMON_NAME, subject]]);
  // The templates of a CA have no place for alternative names; step leaves them out as well.
  const sans = isCa ? [] : flags.all('san').length > 0 ? flags.all('san') : [subject];
  const certificate = issueCertificate({
    issuer: ca?.certificate.subjectRaw ?? name,
    subject: name,
    notBefore: from,
    notAfter: until,
    publicKey: createPublicKey(key as never).export({ type: 'spki', format: 'der' }) as Buffer,
    extensions: extensionsFor(
      profile,
      key,
      sans,
      ca?.certificate,
      !ca || ca.certificate.subjectRaw.join() === name.join(),
    ),
    key: ca?.key ?? key,
  });
  const chain = [certificate, ...(flags.bool('bundle') && ca ? [ca.certificate.raw] : [])];
  if (keyFile) await saveKey(run, keyFile, key);
  await writeFile(run, crtFile, chain.map((each) => writePem('CERTIFICATE', each)).join(''));
  await say(run, `Your certificate has been saved in ${crtFile}.`);
  if (keyFile) await say(run, `Your private key has been saved in ${keyFile}.`);
  return 0;
}

function refuse(flags: StepArgs): void {
  for (const name of ['template', 'set', 'set-file'])
    if (flags.has(name)) throw new StepError(`flag '--${name}' is not available here: use '--profile' and '--san'`);
  for (const name of ['kms', 'ca-kms', 'skip-csr-signature'])
    if (flags.has(name)) throw new StepError(`flag '--${name}' is not available here: there is no key service`);
}

type Profile = 'leaf' | 'intermediate-ca' | 'root-ca' | 'self-signed';

function profileOf(flags: StepArgs): Profile {
  const profile = flags.get('profile') || 'leaf';
  if (flags.bool('bundle') && profile !== 'leaf')
    throw new StepError(`flag '--bundle' is incompatible with flag '--profile ${profile}'`);
  if (profile === 'self-signed' && !flags.bool('subtle'))
    throw new StepError("'--profile self-signed' requires the '--subtle' flag");
  if (profile !== 'leaf' && profile !== 'intermediate-ca' && profile !== 'root-ca' && profile !== 'self-signed')
    throw invalidFlag('profile', profile, 'leaf, intermediate-ca, root-ca, self-signed');
  return profile;
}

/** The certificate and key that sign; undefined when the new one signs itself. */
async function parentOf(
  run: StepRun,
  profile: Profile,
): Promise<{ certificate: CertificateParts; key: KeyObject } | undefined> {
  const { flags } = run;
  const [ca, caKey] = [flags.get('ca'), flags.get('ca-key')];
  if (profile === 'root-ca' || profile === 'self-signed') {
    for (const name of ['ca', 'ca-key'])
      if (flags.get(name)) throw new StepError(`flag '--${name}' is incompatible with flag '--profile ${profile}'`);
    return undefined;
  }
  for (const name of ['ca', 'ca-key'])
    if (!flags.get(name)) throw new StepError(`'--profile ${profile}' requires the '--${name}' flag`);
  const certificate = await readOne(run, ca);
  const key = await readKey(run, caKey, 'ca-password-file');
  const publicKey = certificate.publicKey.key;
  if (!publicKey || !keysMatch(publicKey, key))
    throw new StepError("error creating certificate: x509: provided PrivateKey doesn't match parent's PublicKey");
  return { certificate, key };
}

/** The extensions that step's default templates give, in the order in which Go writes them. */
export function extensionsFor(
  profile: Profile,
  key: KeyObject,
  sans: readonly string[],
  parent: CertificateParts | undefined,
  isSelfIssued: boolean,
  pathLength?: number | null,
): Uint8Array[] {
  const isCa = profile === 'root-ca' || profile === 'intermediate-ca';
  const isRsa = key.asymmetricKeyType === 'rsa';
  const length = pathLength === undefined ? (profile === 'root-ca' ? 1 : 0) : (pathLength ?? undefined);
  const authority = parent && !isSelfIssued ? subjectKeyIdOf(parent.extensions) : undefined;
  const usages = isRsa ? (['digitalSignature', 'keyEncipherment'] as const) : (['digitalSignature'] as const);
  return [
    extend.keyUsage(isCa ? ['certSign', 'crlSign'] : [...usages]),
    ...(isCa ? [extend.basicConstraints(true, length)] : [extend.extendedKeyUsage([SERVER_AUTH, CLIENT_AUTH])]),
    extend.subjectKeyId(key.type === 'private' ? createPublicKey(key as never) : key),
    ...(authority ? [extend.authorityKeyId(authority)] : []),
    ...(sans.length > 0 ? [extend.subjectAltName(altNamesFrom(sans))] : []),
  ];
}

async function createRequest(
  run: StepRun,
  subject: string,
  crtFile: string,
  keyFile: string,
  key: KeyObject,
): Promise<number> {
  const { flags } = run;
  if (flags.bool('bundle')) throw new StepError("flag '--bundle' is incompatible with '--csr'");
  if (flags.get('profile') && flags.get('profile') !== 'leaf')
    throw new StepError("flag '--profile' is incompatible with '--csr'");
  for (const name of ['ca', 'ca-key', 'ca-password-file', 'not-before', 'not-after'])
    if (flags.has(name)) throw new StepError(`flag '--${name}' is incompatible with '--csr'`);
  const sans = flags.all('san').length > 0 ? flags.all('san') : [subject];
  const request = issueRequest({
    subject: nameFrom([[COMMON_NAME, subject]]),
    extensions: [extend.subjectAltName(altNamesFrom(sans))],
    key,
  });
  if (keyFile) await saveKey(run, keyFile, key);
  await writeFile(run, crtFile, writePem('CERTIFICATE REQUEST', request));
  await say(run, `Your certificate signing request has been saved in ${crtFile}.`);
  if (keyFile) await say(run, `Your private key has been saved in ${keyFile}.`);
  return 0;
}

/** Writes a private key, with a password unless --no-password was given. */
export async function saveKey(run: StepRun, path: string, key: KeyObject): Promise<void> {
  const passphrase = run.flags.bool('no-password')
    ? undefined
    : await password(run, 'Please enter the password to encrypt the private key', 'password-file');
  await writeFile(run, path, keyPem(key, passphrase));
}

async function givenKey(run: StepRun): Promise<KeyObject> {
  for (const name of ['kty', 'curve', 'size'])
    if (run.flags.has(name)) throw new StepError(`flag '--key' is incompatible with '${name}'`);
  return readKey(run, run.flags.get('key'), 'password-file');
}

/** A new key of the kind that the flags ask for; EC P-256 by default. */
export async function newKey(flags: StepArgs): Promise<KeyObject> {
  const [kty, curve, size] = [flags.get('kty'), flags.get('curve'), flags.get('size')];
  if (!flags.has('kty')) {
    for (const name of ['curve', 'size'])
      if (flags.has(name)) throw new StepError(`flag '--${name}' requires the '--kty' flag`);
    return ec('P-256');
  }
  if (kty === 'EC') {
    if (flags.has('size')) throw new StepError(`flag '--size' is incompatible with flag '--kty ${kty}'`);
    if (curve && !/^P-(256|384|521)$/.test(curve))
      throw new StepError(
        `flag '--kty ${kty}' is incompatible with flag '--curve ${curve}'\n\n  Option(s): --curve P-256, P-384, P-521`,
      );
    return ec(curve || 'P-256');
  }
  if (kty === 'RSA') {
    if (flags.has('curve')) throw new StepError(`flag '--curve' is incompatible with flag '--kty ${kty}'`);
    const bits = Number(size || 2048);
    if (!Number.isInteger(bits) || bits <= 0) throw new StepError("flag '--size' must be greater than or equal to 0");
    if (bits < 2048 && !flags.bool('insecure'))
      throw new StepError("flag '--size' requires at least 2048 unless '--insecure' flag is provided");
    if (bits > 4096) throw new StepError("invalid value for flag '--size': 4096 bits are the most here");
    return make('rsa', { modulusLength: bits });
  }
  if (kty === 'OKP') {
    if (flags.has('size')) throw new StepError(`flag '--size' is incompatible with flag '--kty ${kty}'`);
    if (curve && curve !== 'Ed25519')
      throw new StepError(
        `flag '--kty ${kty}' is incompatible with flag '--curve ${curve}'\n\n  Option(s): --curve Ed25519`,
      );
    return make('ed25519', {});
  }
  throw invalidFlag('kty', kty, 'RSA, EC, OKP');
}

const generate = promisify(generateKeyPair) as (type: string, options: object) => Promise<{ privateKey: KeyObject }>;
const make = async (type: string, options: object): Promise<KeyObject> => (await generate(type, options)).privateKey;
const ec = (namedCurve: string): Promise<KeyObject> => make('ec', { namedCurve });
