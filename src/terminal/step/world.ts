import { createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto';
import type { Duplex } from 'node:stream';
import type { Clock } from '#base/clock.ts';
import { type CertificateParts, type RequestParts, readCertificate, readRequest } from '#pki/structure.ts';
import type { CommandContext } from '#shell/command.ts';
import { ask, type PemText, pemBlocks, readStdin } from '../pem-files.ts';
import { parseDuration } from '../tools/duration.ts';
import { type StepArgs, StepError } from './flags.ts';

export interface StepOptions {
  /** The cluster's clock: certificates are made and judged by it. */
  clock: Clock;
  dial(host: string, port: number, signal?: AbortSignal): Promise<Duplex>;
}

/** One run of a verb. */
export interface StepRun {
  context: CommandContext;
  options: StepOptions;
  flags: StepArgs;
}

const REASONS: Record<string, string> = {
  ENOENT: 'no such file or directory',
  EACCES: 'permission denied',
  EISDIR: 'is a directory',
  ENOTDIR: 'not a directory',
  ENOSPC: 'no space left on device',
  EFBIG: 'file too large',
};

function fileError(error: unknown, call: string, path: string): StepError {
  const reason = REASONS[(error as { code?: string }).code ?? ''] ?? (error as Error).message;
  return new StepError(`${call} ${path} failed: ${reason}`);
}

/** The bytes of a file, or of standard input for `-`. */
export async function readBytes({ context }: StepRun, path: string): Promise<Uint8Array> {
  if (path === '-' || path === '/dev/stdin') return readStdin(context);
  try {
    return await context.fs.readFileBuffer(context.fs.resolvePath(context.cwd, path));
  } catch (error) {
    throw fileError(error, (error as { code?: string }).code === 'EISDIR' ? 'read' : 'open', path);
  }
}

/** Writes a file, readable by its owner only; asks before it replaces one unless --force was given. */
export async function writeFile(run: StepRun, path: string, text: string): Promise<void> {
  const { context, flags } = run;
  const { fs, cwd, tty } = context;
  const file = fs.resolvePath(cwd, path);
  const present = await fs.stat(file).catch(() => undefined);
  if (present?.isDirectory) throw new StepError('file is a directory');
  if (present && !flags.bool('force')) {
    if (!tty) throw new StepError('error allocating terminal: open /dev/tty: no such device or address');
    for (;;) {
      const answer = (await ask(context, `Would you like to overwrite ${path} [y/n]: `))?.trim().toLowerCase();
      if (answer === undefined || answer === 'n' || answer === 'no') throw new StepError('file exists');
      if (answer === 'y' || answer === 'yes') break;
    }
  }
  try {
    await fs.writeFile(file, text);
    if (!present) await fs.chmod(file, 0o600);
  } catch (error) {
    throw fileError(error, 'open', path);
  }
}

const asText = (bytes: Uint8Array): string =>
  Buffer.from(bytes)
    .toString('utf8')
    .replace(/^\ufeff/, '');
const isPem = (text: string): boolean => text.includes('-----BEGIN ');

/** The certificates in PEM or DER; undefined when there is none. */
export function certificatesIn(bytes: Uint8Array): CertificateParts[] | undefined {
  const text = asText(bytes);
  try {
    if (!isPem(text)) return [readCertificate(bytes)];
    const blocks = pemBlocks(text).filter(({ label, headers }) => label === 'CERTIFICATE' && !('Proc-Type' in headers));
    return blocks.length > 0 ? blocks.map(({ der }) => readCertificate(der)) : undefined;
  } catch {
    return undefined;
  }
}

export function requestIn(bytes: Uint8Array): RequestParts | undefined {
  const text = asText(bytes);
  try {
    if (!isPem(text)) return readRequest(bytes);
    const block = pemBlocks(text).find(({ label }) => label.endsWith('CERTIFICATE REQUEST'));
    return block && readRequest(block.der);
  } catch {
    return undefined;
  }
}

/** The certificates of a file, at least one. */
export async function readBundle(run: StepRun, path: string): Promise<CertificateParts[]> {
  const found = certificatesIn(await readBytes(run, path));
  if (!found) throw new StepError(`error parsing ${path}: does not contain a valid PEM encoded certificate`);
  return found;
}

/** The one certificate of a file. */
export async function readOne(run: StepRun, path: string): Promise<CertificateParts> {
  const [first, ...more] = await readBundle(run, path);
  if (more.length > 0) throw new StepError(`error decoding ${path}: contains more than one PEM encoded block`);
  return first!;
}

/** A private key of a file; asks for its password, or takes it from `passwordFlag`'s file. */
export async function readKey(run: StepRun, path: string, passwordFlag: string): Promise<KeyObject> {
  const blocks = pemBlocks(asText(await readBytes(run, path)));
  const block = blocks.find(({ label }) => label !== 'EC PARAMETERS');
  if (!block) throw new StepError(`error decoding ${path}: not a valid PEM encoded block`);
  if (blocks.length > 1 && blocks.some((each) => each !== block && each.label !== 'EC PARAMETERS'))
    throw new StepError(`error decoding ${path}: contains more than one PEM encoded block`);
  if (!block.label.endsWith('PRIVATE KEY')) throw new StepError(`file ${path} does not contain a valid private key`);
  const isEncrypted = block.label === 'ENCRYPTED PRIVATE KEY' || block.headers['Proc-Type'] === '4,ENCRYPTED';
  const passphrase = isEncrypted
    ? await password(run, `Please enter the password to decrypt ${path}`, passwordFlag)
    : '';
  try {
    return createPrivateKey({ key: block.text, ...(isEncrypted ? { passphrase } : {}) });
  } catch {
    throw new StepError(
      isEncrypted
        ? `error decrypting ${path}: x509: decryption password incorrect`
        : `error parsing ${path}: the key cannot be read`,
    );
  }
}

/** A password, from the file that a flag names or typed. */
export async function password(run: StepRun, question: string, flag: string): Promise<string> {
  const file = run.flags.get(flag);
  if (file) return asText(await readBytes(run, file)).replace(/\s+$/, '');
  if (!run.context.tty)
    throw new StepError('error reading password: error allocating terminal: open /dev/tty: no such device or address');
  for (;;) {
    const typed = await ask(run.context, `${question}: `, true);
    if (typed === undefined) throw new StepError('error reading password: EOF');
    if (typed !== '') return typed;
  }
}

/** A key as step writes it: SEC 1 for EC, PKCS#1 for RSA, PKCS#8 for Ed25519; encrypted when there is a password. */
export function keyPem(key: KeyObject, passphrase?: string): string {
  const type = key.asymmetricKeyType === 'ec' ? 'sec1' : key.asymmetricKeyType === 'rsa' ? 'pkcs1' : 'pkcs8';
  const cipher = passphrase === undefined ? {} : { cipher: 'aes-256-cbc', passphrase };
  return key.export({ type, format: 'pem', ...cipher } as { type: 'pkcs8'; format: 'pem' }) as string;
}

export const publicPem = (key: KeyObject): string => key.export({ type: 'spki', format: 'pem' }) as string;

/** The public key in the first block of a file: of a certificate, a request or a key. */
export function publicKeyIn(block: PemText): KeyObject {
  if (block.label === 'CERTIFICATE') return readCertificate(block.der).publicKey.key!;
  if (block.label.endsWith('CERTIFICATE REQUEST')) return readRequest(block.der).publicKey.key!;
  return createPublicKey(block.text);
}

/** An instant of a flag: RFC 3339, or a duration from now on; undefined when the flag is absent. */
export function instantOf({ flags, options }: StepRun, flag: string): number | undefined {
  const text = flags.get(flag);
  if (!flags.has(flag) || text === '') return undefined;
  if (/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[-+]\d{2}:\d{2})$/.test(text)) {
    const at = Date.parse(text);
    if (!Number.isNaN(at)) return at;
  }
  const ms = parseDuration(text);
  if (ms === undefined) throw new StepError(`invalid value '${text}' for flag '--${flag}'`);
  return options.clock.now() + ms;
}

/** What step tells a person goes to standard error, so that output can be piped. */
export const say = ({ context }: StepRun, text: string): Promise<void> => context.stderr.write(`${text}\n`);
export const print = ({ context }: StepRun, text: string): Promise<void> => context.stdout.write(text);
