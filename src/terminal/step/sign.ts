import { extension } from '#pki/certificate.ts';
import { isSignedBy, issueCertificate } from '#pki/issue.ts';
import { keysMatch } from '#pki/keys.ts';
import { writePem } from '#pki/pem.ts';
import {
  altNamesOf,
  attributeOf,
  type CertificateParts,
  constraintsOf,
  EXTENSION_OIDS,
  keyUsageOf,
} from '#pki/structure.ts';
import { CA_MS, extensionsFor, LEAF_MS } from './create.ts';
import { expectArguments, invalidFlag, StepError, type StepVerb } from './flags.ts';
import { altNameText } from './text.ts';
import { instantOf, print, readBundle, readBytes, readKey, requestIn, type StepRun } from './world.ts';

export const SIGN: StepVerb = {
  path: 'certificate sign',
  usage: '<csr-file> <crt-file> <key-file>',
  summary: 'sign a certificate signing request (CSR)',
  flags: {
    profile: '=leaf, intermediate-ca or csr',
    template: '=not available here',
    'omit-cn-san': 'do not make the common name an alternative name',
    'password-file': '=a file with the password of the key',
    'not-before': '=a time (RFC 3339) or a duration from now',
    'not-after': '=a time (RFC 3339) or a duration from now',
    'path-len': '=the path length of an intermediate CA, -1 for none',
    bundle: 'put the issuing certificates behind the new one',
  },
};

const COMMON_NAME = '2.5.4.3';
const CERT_SIGN = 5;

/** `step certificate sign`: prints the certificate. */
export async function sign(run: StepRun): Promise<number> {
  const { flags, options } = run;
  expectArguments(SIGN, flags, 3);
  const [csrFile = '', crtFile = '', keyFile = ''] = flags.args;
  if (flags.has('template')) throw new StepError("flag '--template' is not available here: use '--profile'");
  const request = requestIn(await readBytes(run, csrFile));
  if (!request)
    throw new StepError(`error parsing ${csrFile}: does not contain a valid PEM encoded certificate request`);
  const publicKey = request.publicKey.key;
  if (!publicKey || !isSignedBy(request.info, request.signature, publicKey))
    throw new StepError('certificate request has invalid signature: x509: signature verification failure');
  const issuers = await readBundle(run, crtFile);
  const issuer = issuers[0]!;
  const key = await readKey(run, keyFile, 'password-file');
  if (!issuer.publicKey.key || !keysMatch(issuer.publicKey.key, key))
    throw new StepError('private key does not match issuer public key');
  const profile = flags.get('profile') || 'leaf';
  if (profile !== 'leaf' && profile !== 'intermediate-ca' && profile !== 'csr')
    throw invalidFlag('profile', profile, 'leaf, intermediate-ca, csr');
  const pathLength = Number(flags.get('path-len') || 0);
  if (!Number.isInteger(pathLength) || pathLength < -1)
    throw new StepError(
      `invalid value '${flags.get('path-len')}' for flag '--path-len'; path-len must be -1 or greater`,
    );
  mayIssue(issuer, profile, pathLength);
  const notBefore = instantOf(run, 'not-before') ?? options.clock.now();
  const notAfter = instantOf(run, 'not-after') ?? notBefore + (profile === 'intermediate-ca' ? CA_MS : LEAF_MS);
  if (notBefore > notAfter)
    throw new StepError(
      `flag '--not-before ${flags.get('not-before')}' is incompatible with flag '--not-after ${flags.get('not-after')}'`,
    );
  const name = attributeOf(request.subject, COMMON_NAME) ?? '';
  const asked = altNamesOf(request.extensions).map(altNameText);
  const sans = asked.length === 0 && !flags.bool('omit-cn-san') && name !== '' ? [name] : asked;
  const added = extensionsFor(
    profile === 'intermediate-ca' ? 'intermediate-ca' : 'leaf',
    publicKey,
    sans,
    issuer,
    Buffer.compare(issuer.subjectRaw, request.subjectRaw) === 0,
    pathLength === -1 ? null : pathLength,
  );
  const certificate = issueCertificate({
    issuer: issuer.subjectRaw,
    subject: request.subjectRaw,
    notBefore,
    notAfter,
    publicKey: request.publicKey.raw,
    extensions: profile === 'csr' ? asRequested(request.extensions, added) : added,
    key,
  });
  const chain = [certificate, ...(flags.bool('bundle') ? issuers.map(({ raw }) => raw) : [])];
  await print(run, chain.map((each) => writePem('CERTIFICATE', each)).join(''));
  return 0;
}

/** The request's own extensions, and the key identifiers that every certificate gets. */
function asRequested(wanted: CertificateParts['extensions'], added: Uint8Array[]): Uint8Array[] {
  const own = wanted.map((each) => extension(each.oid, each.critical, each.value));
  const ids = [EXTENSION_OIDS.subjectKeyIdentifier, EXTENSION_OIDS.authorityKeyIdentifier];
  const bytes = (oid: string) => Buffer.from(extension(oid, false, new Uint8Array())).subarray(2, 7);
  return [...own, ...added.filter((each) => ids.some((oid) => Buffer.from(each).indexOf(bytes(oid)) === 2))];
}

function mayIssue(issuer: CertificateParts, profile: string, pathLength: number): void {
  const { isCa, pathLength: most } = constraintsOf(issuer.extensions);
  if (!isCa) throw new StepError('issuer certificate is not a certificate authority');
  if (!(keyUsageOf(issuer.extensions) ?? []).includes(CERT_SIGN))
    throw new StepError('issuer certificate does not have the keyCertSign usage');
  if (profile !== 'intermediate-ca' || most === undefined) return;
  if (most === 0) throw new StepError('issuer certificate cannot sign an intermediate-ca: pathLenConstraint is 0');
  if (pathLength === -1 || pathLength >= most)
    throw new StepError(
      `issuer certificate cannot sign an intermediate-ca: pathLenConstraint is ${most}, want at most ${most - 1}`,
    );
}
