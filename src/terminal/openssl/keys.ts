import { createPublicKey, type KeyObject } from 'node:crypto';
import * as der from '#pki/der.ts';
import { writePem } from '#pki/pem.ts';
import { privateKeyText, publicKeyText } from './key-text.ts';
import { CURVES, newEc, newOfKind, newRsa } from './new-key.ts';
import { OpensslError, type Options, type OptionTable, readOptions } from './options.ts';
import { keyPem, loadKey, loadPublicKey, type OpensslRun, passwordOf, writeOutput } from './world.ts';

const CIPHERS: OptionTable = {
  aes128: 'flag',
  aes256: 'flag',
  'aes-256-cbc': 'flag',
  'aes-128-cbc': 'flag',
  des3: 'flag',
};
const isEncrypting = (options: Options) => Object.keys(CIPHERS).some((name) => options.has(name));

async function passphrase(run: OpensslRun, options: Options): Promise<string | undefined> {
  if (!isEncrypting(options)) return undefined;
  const source = options.get('passout');
  if (source === undefined) throw new OpensslError(`${run.command}: name the password with -passout pass:…`);
  return passwordOf(run, source);
}

/** `openssl genrsa [bits]`. */
export async function genrsa(run: OpensslRun): Promise<number> {
  const options = readOptions(
    'genrsa',
    { out: 'value', traditional: 'flag', verbose: 'flag', passout: 'value', ...CIPHERS },
    run.args,
  );
  const key = await newRsa('genrsa', Number(options.rest[0] ?? 2048));
  await writeOutput(run, options.get('out'), keyPem(key, options.has('traditional'), await passphrase(run, options)));
  return 0;
}

/** `openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256`. */
export async function genpkey(run: OpensslRun): Promise<number> {
  const options = readOptions(
    'genpkey',
    { algorithm: 'value', pkeyopt: 'value', out: 'value', text: 'flag', passout: 'value', pass: 'value', ...CIPHERS },
    run.args,
    { paramfile: 'use -pkeyopt' },
  );
  const algorithm = options.get('algorithm');
  if (!algorithm) throw new OpensslError('genpkey: No keytype specified\ngenpkey: Use -help for summary.');
  const key = await newOfKind('genpkey', algorithm, options.all('pkeyopt'));
  const text = options.has('text') ? privateKeyText(key) : '';
  await writeOutput(run, options.get('out'), keyPem(key, false, await passphrase(run, options)) + text);
  return 0;
}

/** `openssl ecparam -name prime256v1 -genkey -noout`. */
export async function ecparam(run: OpensslRun): Promise<number> {
  const options = readOptions(
    'ecparam',
    { name: 'value', genkey: 'flag', noout: 'flag', out: 'value', list_curves: 'flag' },
    run.args,
  );
  if (options.has('list_curves')) {
    await run.context.stdout.write(
      '  prime256v1: X9.62/SECG curve over a 256 bit prime field\n  secp384r1 : NIST/SECG curve over a 384 bit prime field\n  secp521r1 : NIST/SECG curve over a 521 bit prime field\n',
    );
    return 0;
  }
  const name = options.get('name');
  if (!name) throw new OpensslError('ecparam: name a curve with -name, for example prime256v1');
  const key = await newEc('ecparam', name);
  const oids: Record<string, string> = {
    prime256v1: '1.2.840.10045.3.1.7',
    secp384r1: '1.3.132.0.34',
    secp521r1: '1.3.132.0.35',
  };
  const parameters = options.has('noout') ? '' : writePem('EC PARAMETERS', der.oid(oids[CURVES[name]!]!));
  await writeOutput(run, options.get('out'), parameters + (options.has('genkey') ? keyPem(key, true) : ''));
  return 0;
}

const KEY_TABLE: OptionTable = {
  in: 'value',
  out: 'value',
  inform: 'value',
  outform: 'value',
  pubin: 'flag',
  pubout: 'flag',
  noout: 'flag',
  text: 'flag',
  text_pub: 'flag',
  check: 'flag',
  traditional: 'flag',
  passin: 'value',
  passout: 'value',
  modulus: 'flag',
  ...CIPHERS,
};

/** `openssl pkey`, `ec` and `rsa`: reads a key, and prints or writes it in another form. */
export async function pkey(run: OpensslRun): Promise<number> {
  const { command } = run;
  const options = readOptions(command, KEY_TABLE, run.args);
  const older = options.has('traditional') || command === 'ec';
  const key = options.has('pubin')
    ? await loadPublicKey(run, options.get('in'))
    : await loadKey(run, options.get('in'), command === 'pkey' ? 'key' : 'private key', options.get('passin'));
  const expected = { ec: 'ec', rsa: 'rsa' }[command];
  if (expected && key.asymmetricKeyType !== expected)
    throw new OpensslError(`Could not read private key from ${options.get('in') ?? '<stdin>'}\nunable to load Key`);
  if (command === 'ec') await run.context.stderr.write('read EC key\n');
  if (options.has('check')) await run.context.stdout.write(command === 'rsa' ? 'RSA key ok\n' : 'Key is valid\n');
  const isPublic = options.has('pubin') || options.has('pubout');
  const shape = textOf(key, options);
  const modulus =
    options.has('modulus') && key.asymmetricKeyType === 'rsa'
      ? `Modulus=${Buffer.from(key.export({ format: 'jwk' }).n ?? '', 'base64url')
          .toString('hex')
          .toUpperCase()}\n`
      : '';
  if (options.has('noout')) {
    await writeOutput(run, options.get('out'), shape + modulus);
    return 0;
  }
  const half = isPublic && key.type === 'private' ? createPublicKey(key as never) : key;
  if (command !== 'pkey') await run.context.stderr.write(`writing ${command.toUpperCase()} key\n`);
  if (options.get('outform')?.toUpperCase() === 'DER') {
    const bytes = half.export({
      type: isPublic ? 'spki' : older && half.asymmetricKeyType === 'ec' ? 'sec1' : 'pkcs8',
      format: 'der',
    } as {
      type: 'pkcs8';
      format: 'der';
    }) as Buffer;
    await writeOutput(run, options.get('out'), bytes);
    return 0;
  }
  const pem = isPublic
    ? (half.export({ type: 'spki', format: 'pem' }) as string)
    : keyPem(key, older, await passphrase(run, options));
  // `pkey` prints the key before its text, the older commands after it.
  await writeOutput(run, options.get('out'), command === 'pkey' ? pem + shape : shape + modulus + pem);
  return 0;
}

function textOf(key: KeyObject, options: Options): string {
  if (!options.has('text') && !options.has('text_pub')) return '';
  if (key.type === 'private' && !options.has('text_pub')) return privateKeyText(key);
  const half = key.type === 'private' ? createPublicKey(key as never) : key;
  const raw = half.export({ type: 'spki', format: 'der' }) as Buffer;
  const bits = der.read(der.read(raw)[0]!.content)[1]!.content.subarray(1);
  return publicKeyText({ raw, algorithm: { oid: '' }, bits, key: half }, 0);
}
