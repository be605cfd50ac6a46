import { isSignedBy } from '#pki/issue.ts';
import { attributeOf, type CertificateParts, readCertificate } from '#pki/structure.ts';
import { verifyChain } from '#pki/verify.ts';
import { pemBlocks } from '../pem-files.ts';
import { expectArguments, StepError, type StepVerb } from './flags.ts';
import { peerCertificates, remoteOf, rootsOf } from './remote.ts';
import { print, readBytes, type StepRun } from './world.ts';

export const VERIFY: StepVerb = {
  path: 'certificate verify',
  usage: '<crt-file> [--host=<host>]',
  summary: 'verify a certificate',
  flags: {
    host: '=the name that the certificate must be for',
    roots: '=the trusted certificates: a file, a list of files, or a folder',
    servername: '=the name to ask a server for',
    verbose: 'say so when it is valid',
    insecure: 'do not verify a server',
    'verify-ocsp': 'not available here',
    'ocsp-endpoint': '=not available here',
    'verify-crl': 'not available here',
    'crl-endpoint': '=not available here',
    'issuing-ca': '=not available here',
  },
};

/** `step certificate verify`: quiet and 0 when the chain is good at the cluster's time. */
export async function verify(run: StepRun): Promise<number> {
  const { flags, options } = run;
  expectArguments(VERIFY, flags, 1);
  for (const name of ['verify-ocsp', 'ocsp-endpoint', 'verify-crl', 'crl-endpoint', 'issuing-ca'])
    if (flags.has(name)) throw new StepError(`flag '--${name}' is not available here: nothing publishes revocations`);
  const file = flags.args[0]!;
  const remote = remoteOf(file);
  const chain = remote ? await peerCertificates(run, remote) : await chainIn(run, file);
  // A laptop has the web's authorities in its pool; none of them is here.
  const anchors = flags.get('roots') ? await rootsOf(run, flags.get('roots')) : [];
  const host = flags.get('host');
  const result = verifyChain({
    chain: chain.map(({ raw }) => raw),
    anchors,
    at: options.clock.now(),
    anchorDates: 'check',
    ...(host ? { dnsName: host } : {}),
  });
  if (!result.ok)
    throw new StepError(`failed to verify certificate: ${result.message}${candidateHint(result, chain, anchors)}`);
  if (flags.bool('verbose'))
    await print(
      run,
      `certificate validated against roots\n${host ? 'certificate host name validated\n' : ''}certficiate is valid\n`,
    );
  return 0;
}

/** Go names the authority whose name fitted and whose key did not. */
function candidateHint(
  { failure }: { failure: string },
  chain: readonly CertificateParts[],
  anchors: readonly Uint8Array[],
): string {
  if (failure !== 'bad-signature') return '';
  const candidates = [...anchors.map((each) => readCertificate(each)), ...chain];
  for (const child of chain) {
    const named = candidates.find(
      (each) => Buffer.compare(each.subjectRaw, child.issuerRaw) === 0 && Buffer.compare(each.raw, child.raw) !== 0,
    );
    const key = named?.publicKey.key;
    if (!named || !key || isSignedBy(child.tbs, child.signature, key)) continue;
    const reason =
      key.asymmetricKeyType === 'rsa' ? 'crypto/rsa: verification error' : 'x509: ECDSA verification failure';
    const name = attributeOf(named.subject, '2.5.4.3') ?? BigInt(`0x${Buffer.from(named.serial).toString('hex')}`);
    return ` (possibly because of "${reason}" while trying to verify candidate authority certificate "${name}")`;
  }
  return '';
}

async function chainIn(run: StepRun, file: string): Promise<CertificateParts[]> {
  const text = Buffer.from(await readBytes(run, file)).toString('utf8');
  const blocks = pemBlocks(text);
  if (blocks.length === 0) throw new StepError(`${file} contains an invalid PEM block`);
  const certificates = blocks.filter(({ label }) => label === 'CERTIFICATE');
  if (certificates.length === 0) throw new StepError(`${file} contains no PEM certificate blocks`);
  try {
    return certificates.map(({ der }) => readCertificate(der));
  } catch {
    throw new StepError('x509: malformed certificate');
  }
}
