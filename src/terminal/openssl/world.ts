import { createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto';
import type { Clock } from '#base/clock.ts';
import { type CertificateParts, type RequestParts, readCertificate, readRequest } from '#pki/structure.ts';
import type { CommandContext } from '#shell/command.ts';
import type { Dial } from '../peer.ts';
import { ask, type PemText, pemBlocks, readStdin } from '../pem-files.ts';
import { OpensslError } from './options.ts';

export interface OpensslOptions {
  /** The cluster's clock: certificates are made and judged by it. */
  clock: Clock;
  dial: Dial;
}

/** One run of a command, e.g. `x509`. */
export interface OpensslRun {
  command: string;
  args: string[];
  context: CommandContext;
  options: OpensslOptions;
}

/** The bytes of a file, or of standard input when no file is named. */
export async function readInput({ context }: OpensslRun, file: string | undefined, what: string): Promise<Uint8Array> {
  if (file === undefined || file === '-' || file === '/dev/stdin') return readStdin(context);
  try {
    return await context.fs.readFileBuffer(context.fs.resolvePath(context.cwd, file));
  } catch (error) {
    const code = (error as { code?: string }).code;
    const reason =
      code === 'EACCES' ? 'Permission denied' : code === 'EISDIR' ? 'Is a directory' : 'No such file or directory';
    throw new OpensslError(
      `Could not open file or uri for loading ${what} from ${file}: ${reason}\nUnable to load ${what}`,
    );
  }
}

export async function writeOutput(
  run: OpensslRun,
  file: string | undefined,
  content: Uint8Array | string,
): Promise<void> {
  const { context } = run;
  if (file === undefined || file === '-' || file === '/dev/stdout') return context.stdout.write(content);
  try {
    await context.fs.writeFile(context.fs.resolvePath(context.cwd, file), content);
  } catch (error) {
    throw new OpensslError(
      `Can't open "${file}" for writing, ${(error as Error).message.replace(/^[A-Z]+: |, .*$/g, '')}`,
    );
  }
}

const textOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString('utf8');
const CERTIFICATE_LABELS = ['CERTIFICATE', 'TRUSTED CERTIFICATE', 'X509 CERTIFICATE'];

/** Every certificate of a file in PEM, or the one in DER. */
export function certificatesIn(bytes: Uint8Array): CertificateParts[] {
  const blocks = pemBlocks(textOf(bytes)).filter(({ label }) => CERTIFICATE_LABELS.includes(label));
  try {
    if (blocks.length > 0) return blocks.map(({ der }) => readCertificate(der));
    return [readCertificate(bytes)];
  } catch {
    return [];
  }
}

export async function loadCertificate(
  run: OpensslRun,
  file: string | undefined,
  what = 'certificate',
): Promise<CertificateParts> {
  const [first] = certificatesIn(await readInput(run, file, what));
  if (!first) throw new OpensslError(`Could not read ${what} from ${file ?? '<stdin>'}\nUnable to load ${what}`);
  return first;
}

export async function loadCertificates(
  run: OpensslRun,
  file: string,
  what = 'certificates',
): Promise<CertificateParts[]> {
  const found = certificatesIn(await readInput(run, file, what));
  if (found.length === 0) throw new OpensslError(`Could not read any ${what} from ${file}\nUnable to load ${what}`);
  return found;
}

export async function loadRequest(run: OpensslRun, file: string | undefined): Promise<RequestParts> {
  const bytes = await readInput(run, file, 'X509 request');
  const block = pemBlocks(textOf(bytes)).find(({ label }) => label.endsWith('CERTIFICATE REQUEST'));
  try {
    return readRequest(block?.der ?? bytes);
  } catch {
    throw new OpensslError('Unable to load X509 request');
  }
}

/** A private key in PEM or DER; asks for its password, or takes it from `-passin`. */
export async function loadKey(
  run: OpensslRun,
  file: string | undefined,
  what = 'private key',
  passin?: string,
): Promise<KeyObject> {
  const bytes = await readInput(run, file, what);
  const failed = () => new OpensslError(`Could not read ${what} from ${file ?? '<stdin>'}\nunable to load ${what}`);
  const block = pemBlocks(textOf(bytes)).find(({ label }) => label.endsWith('PRIVATE KEY'));
  if (!block) return derKey(bytes) ?? raise(failed());
  const passphrase = isEncrypted(block)
    ? passin === undefined
      ? ((await ask(run.context, `Enter pass phrase for ${file ?? '<stdin>'}:`, true)) ?? '')
      : await passwordOf(run, passin)
    : undefined;
  try {
    return createPrivateKey({ key: block.text, ...(passphrase === undefined ? {} : { passphrase }) });
  } catch {
    throw failed();
  }
}

export async function loadPublicKey(run: OpensslRun, file: string | undefined): Promise<KeyObject> {
  const bytes = await readInput(run, file, 'Public Key');
  try {
    return createPublicKey(
      textOf(bytes).includes('-----BEGIN ') ? textOf(bytes) : { key: Buffer.from(bytes), format: 'der', type: 'spki' },
    );
  } catch {
    throw new OpensslError(`Could not read Public Key from ${file ?? '<stdin>'}\nunable to load Public Key`);
  }
}

const isEncrypted = ({ label, headers }: PemText): boolean =>
  label === 'ENCRYPTED PRIVATE KEY' || headers['Proc-Type'] === '4,ENCRYPTED';

function derKey(bytes: Uint8Array): KeyObject | undefined {
  for (const type of ['pkcs8', 'sec1', 'pkcs1'] as const) {
    try {
      return createPrivateKey({ key: Buffer.from(bytes), format: 'der', type });
    } catch {
      // The next form may fit.
    }
  }
  return undefined;
}

function raise(error: Error): never {
  throw error;
}

/** The password that `pass:…`, `env:…`, `file:…` or `stdin` stands for. */
export async function passwordOf(run: OpensslRun, source: string): Promise<string> {
  const [, kind, value = ''] = /^(pass|env|file|stdin)(?::(.*))?$/s.exec(source) ?? [];
  if (kind === 'pass') return value;
  if (kind === 'env')
    return run.context.env[value] ?? raise(new OpensslError(`Can't read environment variable ${value}`));
  if (kind === 'file' || kind === 'stdin')
    return textOf(await readInput(run, kind === 'file' ? value : undefined, 'password')).split('\n')[0]!;
  throw new OpensslError(`Invalid password argument, missing ':' within the first 5 chars\nError getting passwords`);
}

/** A key in the form that OpenSSL 3 writes it: PKCS#8, or the older form of its kind. */
export function keyPem(key: KeyObject, older = false, passphrase?: string): string {
  const type =
    older && key.asymmetricKeyType === 'ec' ? 'sec1' : older && key.asymmetricKeyType === 'rsa' ? 'pkcs1' : 'pkcs8';
  const cipher = passphrase === undefined ? {} : { cipher: 'aes-256-cbc', passphrase };
  return key.export({ type, format: 'pem', ...cipher } as { type: 'pkcs8'; format: 'pem' }) as string;
}
