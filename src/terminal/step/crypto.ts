import { createPublicKey } from 'node:crypto';
import { readStdin } from '../pem-files.ts';
import { newKey, saveKey } from './create.ts';
import { expectArguments, StepError, type StepVerb } from './flags.ts';
import { print, publicPem, type StepRun, say, writeFile } from './world.ts';

export const KEYPAIR: StepVerb = {
  path: 'crypto keypair',
  usage: '<pub-file> <priv-file>',
  summary: 'generate a public / private keypair in PEM format',
  flags: {
    kty: '=the kind of key: EC, RSA or OKP',
    curve: '=the curve of an EC key',
    size: '=the size of an RSA key in bits',
    'password-file': '=a file with the password for the key',
    'no-password': 'write the key without a password (with --insecure)',
    force: 'replace files without asking',
    insecure: 'allow what is not safe',
  },
};

/** `step crypto keypair`. */
export async function keypair(run: StepRun): Promise<number> {
  const { flags } = run;
  expectArguments(KEYPAIR, flags, 2);
  const [publicFile = '', privateFile = ''] = flags.args;
  if (publicFile === privateFile)
    throw new StepError(
      `positional arguments <PUB_FILE> and <PRIV_FILE> cannot be equal in 'step ${KEYPAIR.path} ${KEYPAIR.usage}'`,
    );
  if (flags.bool('no-password') && flags.get('password-file'))
    throw new StepError("flag '--no-password' is incompatible with 'password-file'");
  if (flags.bool('no-password') && !flags.bool('insecure'))
    throw new StepError("flag '--no-password' requires the '--insecure' flag");
  const key = await newKey(flags);
  await writeFile(run, publicFile, publicPem(createPublicKey(key as never)));
  await saveKey(run, privateFile, key);
  await say(run, `Your public key has been saved in ${publicFile}.`);
  await say(run, `Your private key has been saved in ${privateFile}.`);
  return 0;
}

export const JWT_INSPECT: StepVerb = {
  path: 'crypto jwt inspect',
  usage: '--insecure',
  summary: 'return the decoded JWT without verification',
  flags: { insecure: 'say that you know that nothing is verified' },
};

/** `step crypto jwt inspect --insecure`: the header and payload of a token on standard input. */
export async function inspectJwt(run: StepRun): Promise<number> {
  expectArguments(JWT_INSPECT, run.flags, 0);
  if (!run.flags.bool('insecure')) throw new StepError("'step crypto jwt inspect' requires the '--insecure' flag");
  const token = Buffer.from(await readStdin(run.context))
    .toString('utf8')
    .trim();
  const parts = token.split('.');
  if (parts.length !== 3) throw new StepError('error parsing token: compact JWS format must have three parts');
  try {
    const [header, payload] = parts.slice(0, 2).map((part) => JSON.parse(Buffer.from(part, 'base64url').toString()));
    await print(run, `${JSON.stringify({ header, payload, signature: parts[2] }, null, 2)}\n`);
    return 0;
  } catch {
    throw new StepError('error decoding token: it is not JSON in base64url');
  }
}
