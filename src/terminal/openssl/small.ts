import { createHash, createHmac, randomBytes, sign, verify } from 'node:crypto';
import { pemBlocks } from '../pem-files.ts';
import { dump } from './asn1.ts';
import { DIGEST_OPTIONS, DIGESTS, OpensslError, readOptions } from './options.ts';
import { loadKey, loadPublicKey, type OpensslRun, readInput, writeOutput } from './world.ts';

/** `openssl rand -hex 16`. */
export async function rand(run: OpensslRun): Promise<number> {
  const options = readOptions('rand', { hex: 'flag', base64: 'flag', out: 'value' }, run.args);
  const count = Number(options.rest[0] ?? Number.NaN);
  if (!Number.isInteger(count) || count <= 0 || count > 1024 * 1024)
    throw new OpensslError('rand: say how many bytes, up to 1048576\nrand: Use -help for summary.');
  const bytes = randomBytes(count);
  const text = options.has('hex') ? `${bytes.toString('hex')}\n` : options.has('base64') ? wrapped(bytes) : bytes;
  await writeOutput(run, options.get('out'), text);
  return 0;
}

const wrapped = (bytes: Uint8Array): string =>
  Buffer.from(bytes)
    .toString('base64')
    .replace(/.{1,64}/g, '$&\n');

/** `openssl base64` and `openssl enc -base64`; ciphers are not here. */
export async function base64(run: OpensslRun): Promise<number> {
  const options = readOptions(
    run.command,
    { d: 'flag', e: 'flag', A: 'flag', a: 'flag', base64: 'flag', in: 'value', out: 'value' },
    run.args,
  );
  if (run.command === 'enc' && !options.has('base64') && !options.has('a'))
    throw new OpensslError('enc: only -base64 is available here');
  const input = await readInput(run, options.get('in'), 'input');
  if (options.has('d')) {
    await writeOutput(run, options.get('out'), Buffer.from(Buffer.from(input).toString('latin1'), 'base64'));
    return 0;
  }
  const text = options.has('A') ? Buffer.from(input).toString('base64') : wrapped(input);
  await writeOutput(run, options.get('out'), text);
  return 0;
}

/** `openssl dgst -sha256 FILE`, also `openssl sha256 FILE`; signs and verifies with -sign and -verify. */
export async function dgst(run: OpensslRun): Promise<number> {
  const options = readOptions(
    run.command,
    {
      ...DIGEST_OPTIONS,
      hex: 'flag',
      r: 'flag',
      binary: 'flag',
      out: 'value',
      sign: 'value',
      verify: 'value',
      signature: 'value',
      hmac: 'value',
    },
    run.args,
  );
  const digest =
    Object.keys(DIGESTS).find((name) => options.has(name)) ??
    (Object.hasOwn(DIGESTS, run.command) ? run.command : 'sha256');
  const out = (text: string | Uint8Array) => writeOutput(run, options.get('out'), text);
  const input = (file: string | undefined) => readInput(run, file, 'input');
  if (options.has('sign')) {
    await out(sign(digest, await input(options.rest[0]), await loadKey(run, options.get('sign'))));
    return 0;
  }
  if (options.has('verify')) {
    const key = await loadPublicKey(run, options.get('verify'));
    const good = verify(digest, await input(options.rest[0]), key, await input(options.get('signature')));
    await out(good ? 'Verified OK\n' : 'Verification failure\n');
    return good ? 0 : 1;
  }
  const files = options.rest.length > 0 ? options.rest : [undefined];
  for (const file of files) {
    const secret = options.get('hmac');
    const hash = secret === undefined ? createHash(digest) : createHmac(digest, secret);
    const bytes = hash.update(await input(file)).digest();
    if (options.has('binary')) await out(bytes);
    else if (options.has('r')) await out(`${bytes.toString('hex')} *${file ?? 'stdin'}\n`);
    else
      await out(
        `${secret === undefined ? '' : 'HMAC-'}${DIGESTS[digest]}(${file ?? 'stdin'})= ${bytes.toString('hex')}\n`,
      );
  }
  return 0;
}

/** `openssl asn1parse`. */
export async function asn1parse(run: OpensslRun): Promise<number> {
  const options = readOptions('asn1parse', { in: 'value', inform: 'value', i: 'flag', noout: 'flag' }, run.args, {
    strparse: 'the whole structure is printed',
  });
  const bytes = await readInput(run, options.get('in'), 'input');
  const block =
    options.get('inform')?.toUpperCase() === 'DER' ? undefined : pemBlocks(Buffer.from(bytes).toString('utf8'))[0];
  try {
    await run.context.stdout.write(dump(block?.der ?? bytes, options.has('i')));
    return 0;
  } catch {
    throw new OpensslError('Error: the input is not DER');
  }
}

export const VERSION = 'OpenSSL 3.0 (Mesh Academy: certificates, keys and TLS as the labs need them)\n';
