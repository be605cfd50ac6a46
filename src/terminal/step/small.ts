import { createHash } from 'node:crypto';
import { writePem } from '#pki/pem.ts';
import type { CertificateParts } from '#pki/structure.ts';
import { pemBlocks } from '../pem-files.ts';
import { parseDuration } from '../tools/duration.ts';
import { expectArguments, invalidFlag, StepError, type StepVerb } from './flags.ts';
import { certificatesOrRequest } from './inspect.ts';
import { peerCertificates, remoteOf } from './remote.ts';
import { certificatesIn, print, publicKeyIn, publicPem, readBytes, type StepRun, say, writeFile } from './world.ts';

export const FINGERPRINT: StepVerb = {
  path: 'certificate fingerprint',
  usage: '<crt-file>',
  summary: 'print the fingerprint of a certificate',
  flags: {
    bundle: 'every certificate of the file, numbered',
    roots: '=certificates to verify a server by',
    servername: '=the name to ask a server for',
    format: '=hex, base64, base64-url, base64-raw or base64-url-raw',
    sha1: 'SHA-1 instead of SHA-256 (with --insecure)',
    insecure: 'do not verify a server',
  },
};

const FORMATS: Record<string, (digest: Buffer) => string> = {
  hex: (digest) => digest.toString('hex'),
  base64: (digest) => digest.toString('base64'),
  'base64-url': (digest) => digest.toString('base64').replaceAll('+', '-').replaceAll('/', '_'),
  'base64-raw': (digest) => digest.toString('base64').replace(/=+$/, ''),
  'base64-url-raw': (digest) => digest.toString('base64url'),
};

/** `step certificate fingerprint`. */
export async function fingerprint(run: StepRun): Promise<number> {
  const { flags } = run;
  expectArguments(FINGERPRINT, flags, 0, 1);
  if (flags.bool('sha1') && !flags.bool('insecure')) throw new StepError("flag '--sha' requires the '--insecure' flag");
  const format = FORMATS[flags.get('format') || 'hex'];
  if (!format) throw invalidFlag('format', flags.get('format'), 'hex, base64, base64-url, base64-url-raw, base64-raw');
  const file = flags.args[0] ?? '-';
  const remote = remoteOf(file);
  const found = remote ? await peerCertificates(run, remote) : await certificatesOrRequest(run, file);
  const all = Array.isArray(found) ? found : [found];
  const digests = all.map(({ raw }) =>
    format(
      createHash(flags.bool('sha1') ? 'sha1' : 'sha256')
        .update(raw)
        .digest(),
    ),
  );
  await print(run, flags.bool('bundle') ? digests.map((digest, i) => `${i}: ${digest}\n`).join('') : `${digests[0]}\n`);
  return 0;
}

export const NEEDS_RENEWAL: StepVerb = {
  path: 'certificate needs-renewal',
  usage: '<cert-file or hostname>',
  summary: 'Check if a certificate needs to be renewed',
  flags: {
    'expires-in': '=a share of the validity (75%) or a duration (24h)',
    bundle: 'every certificate of the file',
    verbose: 'say what was found',
    roots: '=certificates to verify a server by',
    servername: '=the name to ask a server for',
  },
};

const DEFAULT_PERCENT = 66;

/** `step certificate needs-renewal`: 0 it does, 1 it does not, 2 no such file, 255 anything else. */
export async function needsRenewal(run: StepRun): Promise<number> {
  const { flags, options } = run;
  let certificates: CertificateParts[];
  try {
    expectArguments(NEEDS_RENEWAL, flags, 1);
    const file = flags.args[0]!;
    const remote = remoteOf(file);
    const found = remote ? await peerCertificates(run, remote) : certificatesIn(await readBytes(run, file));
    if (!found) throw new StepError(`error parsing ${file}: does not contain a valid PEM encoded certificate`);
    certificates = found;
  } catch (error) {
    if (!(error instanceof StepError)) throw error;
    if (!/^open .*no such file/.test(error.message)) throw new StepError(error.message, 255);
    throw new StepError(`stat ${flags.args[0]}: no such file or directory`, 2);
  }
  const limit = limitOf(flags.get('expires-in'));
  const now = options.clock.now();
  const due = (flags.bool('bundle') ? certificates : certificates.slice(0, 1)).some(({ notBefore, notAfter }) => {
    if ('ms' in limit) return limit.ms >= notAfter - now;
    return Math.trunc((1 - (notAfter - now) / (notAfter - notBefore)) * 100) >= limit.percent;
  });
  if (flags.bool('verbose')) {
    if (due) await print(run, 'certificate needs renewal\n');
    else await say(run, 'certificate does not need renewal');
  }
  return due ? 0 : 1;
}

function limitOf(text: string): { percent: number } | { ms: number } {
  if (text === '') return { percent: DEFAULT_PERCENT };
  if (text.endsWith('%')) {
    const percent = Number(text.slice(0, -1));
    if (!/^-?\d+%$/.test(text)) throw new StepError(`invalid value '${text}' for flag '--expires-in'`, 255);
    if (percent < 0 || percent > 100)
      throw new StepError(`invalid value '${text}' for flag '--expires-in'; value must be in range 0-100%`, 255);
    return { percent };
  }
  const ms = parseDuration(text);
  if (ms === undefined) throw new StepError(`invalid value '${text}' for flag '--expires-in'`, 255);
  return { ms };
}

export const BUNDLE: StepVerb = {
  path: 'certificate bundle',
  usage: '<crt-file> <ca> <bundle-file>',
  summary: 'bundle a certificate with intermediate certificate(s) needed for certificate path validation',
  flags: { force: 'replace a file without asking' },
};

/** `step certificate bundle`. */
export async function bundle(run: StepRun): Promise<number> {
  const { flags } = run;
  expectArguments(BUNDLE, flags, 3);
  const [crtFile = '', caFile = '', target = ''] = flags.args;
  let text = '';
  for (const file of [crtFile, caFile]) {
    const [block] = pemBlocks(Buffer.from(await readBytes(run, file)).toString('utf8'));
    if (!block) throw new StepError(`could not parse certificate file '${file}'`);
    text += writePem(block.label, block.der);
  }
  await writeFile(run, target, text);
  await say(run, `Your certificate has been saved in ${target}.`);
  return 0;
}

export const KEY: StepVerb = {
  path: 'certificate key',
  usage: '<crt-file> [--out=<file>]',
  summary: 'print public key embedded in a certificate',
  flags: {
    out: '=write it to this file',
    'output-file': '=write it to this file',
    force: 'replace a file without asking',
  },
};

/** `step certificate key`. */
export async function key(run: StepRun): Promise<number> {
  const { flags } = run;
  expectArguments(KEY, flags, 1);
  const [block] = pemBlocks(Buffer.from(await readBytes(run, flags.args[0]!)).toString('utf8'));
  if (!block) throw new StepError('error decoding PEM: not a valid PEM encoded block');
  let pem: string;
  try {
    pem = publicPem(publicKeyIn(block));
  } catch {
    throw new StepError('error parsing PEM: the block cannot be read');
  }
  const target = flags.get('out') || flags.get('output-file');
  if (!target) await print(run, pem);
  else {
    await writeFile(run, target, pem);
    await say(run, `The public key has been saved in ${target}.`);
  }
  return 0;
}
