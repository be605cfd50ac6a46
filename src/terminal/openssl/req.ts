import { createPublicKey, type KeyObject } from 'node:crypto';
import { extend, isSignedBy, issueCertificate, issueRequest, nameFrom } from '#pki/issue.ts';
import { writePem } from '#pki/pem.ts';
import type { RequestParts } from '#pki/structure.ts';
import { type Config, configuredExtension, configuredExtensions, parseConfig } from './config.ts';
import { nameText, parseSubject, SHORT_TO_OID } from './names.ts';
import { newOfKind } from './new-key.ts';
import { DIGEST_OPTIONS, OpensslError, type Options, type OptionTable, readOptions } from './options.ts';
import { requestText } from './text.ts';
import { keyPem, loadKey, loadRequest, type OpensslRun, passwordOf, readInput, writeOutput } from './world.ts';
import { nameStyle } from './x509.ts';

const TABLE: OptionTable = {
  ...DIGEST_OPTIONS,
  new: 'flag',
  x509: 'flag',
  newkey: 'value',
  pkeyopt: 'value',
  key: 'value',
  keyout: 'value',
  nodes: 'flag',
  noenc: 'flag',
  subj: 'value',
  addext: 'value',
  config: 'value',
  extensions: 'value',
  reqexts: 'value',
  days: 'value',
  set_serial: 'value',
  in: 'value',
  out: 'value',
  inform: 'value',
  outform: 'value',
  noout: 'flag',
  text: 'flag',
  subject: 'flag',
  pubkey: 'flag',
  verify: 'flag',
  verbose: 'flag',
  batch: 'flag',
  passin: 'value',
  passout: 'value',
  nameopt: 'value',
  help: 'flag',
};
const DAY_MS = 86_400_000;

/** `openssl req`: makes and reads requests, and makes self-signed certificates with -x509. */
export async function req(run: OpensslRun): Promise<number> {
  const options = readOptions('req', TABLE, run.args, { CA: 'sign a request with `openssl x509 -req -CA`' });
  const makes = options.has('new') || options.has('newkey') || options.has('x509');
  return makes ? make(run, options) : show(run, options);
}

async function show(run: OpensslRun, options: Options): Promise<number> {
  const request = await loadRequest(run, options.get('in'));
  const style = nameStyle(options.get('nameopt'));
  let code = 0;
  if (options.has('verify')) {
    const good = isGood(request);
    await run.context.stderr.write(`Certificate request self-signature verify ${good ? 'OK' : 'failure'}\n`);
    if (!good) code = 1;
  }
  let text = options.has('text') ? requestText(request, style) : '';
  if (options.has('subject')) text += `subject=${nameText(request.subject, style)}\n`;
  if (options.has('pubkey')) text += request.publicKey.key?.export({ type: 'spki', format: 'pem' }) ?? '';
  await write(run, options, text, 'CERTIFICATE REQUEST', request.raw);
  return code;
}

const isGood = ({ info, signature, publicKey }: RequestParts): boolean =>
  publicKey.key !== undefined && isSignedBy(info, signature, publicKey.key);

async function write(run: OpensslRun, options: Options, text: string, label: string, raw: Uint8Array): Promise<void> {
  if (options.has('noout')) return writeOutput(run, options.get('out'), text);
  if (options.get('outform')?.toUpperCase() === 'DER') return writeOutput(run, options.get('out'), raw);
  await writeOutput(run, options.get('out'), text + writePem(label, raw));
}

async function make(run: OpensslRun, options: Options): Promise<number> {
  const config: Config = options.get('config')
    ? parseConfig(Buffer.from(await readInput(run, options.get('config'), 'configuration')).toString('utf8'))
    : new Map([['default', new Map()]]);
  const settings = config.get('req') ?? new Map<string, string>();
  const subject = subjectOf(options, config, settings);
  const key = await keyFor(run, options, settings);
  const publicKey = createPublicKey(key as never);
  const about = { publicKey };
  const isCertificate = options.has('x509');
  const section = isCertificate
    ? (options.get('extensions') ?? settings.get('x509_extensions'))
    : (options.get('reqexts') ?? options.get('extensions') ?? settings.get('req_extensions'));
  if (section && !config.has(section)) throw new OpensslError(`Error checking extension section ${section}`);
  const configured = section ? configuredExtensions(config, section, about) : [];
  const added = options.all('addext').map((each) => {
    const at = each.indexOf('=');
    if (at < 0) throw new OpensslError(`req: -addext needs name=value, not "${each}"`);
    return configuredExtension(each.slice(0, at).trim(), each.slice(at + 1).trim(), config, about);
  });
  const wanted = [...configured, ...added.filter((each) => each !== undefined)];
  if (!isCertificate) {
    const request = issueRequest({ subject, extensions: wanted, key });
    await write(run, options, '', 'CERTIFICATE REQUEST', request);
    return 0;
  }
  const now = run.options.clock.now();
  const days = Number(options.get('days') ?? 30);
  if (!Number.isInteger(days))
    throw new OpensslError(`req: Can't parse "${options.get('days')}" as an integer\nreq: Use -help for summary.`);
  const certificate = issueCertificate({
    ...(options.get('set_serial') ? { serial: BigInt(options.get('set_serial')!) } : {}),
    issuer: subject,
    subject,
    notBefore: now,
    notAfter: now + days * DAY_MS,
    publicKey: publicKey.export({ type: 'spki', format: 'der' }) as Buffer,
    extensions: section ? wanted : withDefaults(publicKey, wanted),
    key,
  });
  await write(run, options, '', 'CERTIFICATE', certificate);
  return 0;
}

/** What the configuration that comes with OpenSSL gives a self-signed certificate, and the extensions asked for behind it. */
function withDefaults(publicKey: KeyObject, wanted: Uint8Array[]): Uint8Array[] {
  const idOf = (each: Uint8Array) => Buffer.from(each).subarray(0, 9).toString('hex').slice(4);
  const defaults = [
    extend.subjectKeyId(publicKey),
    configuredExtension('authorityKeyIdentifier', 'keyid', new Map(), { publicKey })!,
    extend.basicConstraints(true),
  ];
  const replaced = new Set(wanted.map(idOf));
  return [...defaults.filter((each) => !replaced.has(idOf(each))), ...wanted];
}

function subjectOf(options: Options, config: Config, settings: Map<string, string>): Uint8Array {
  const given = options.get('subj');
  if (given !== undefined) {
    try {
      return nameFrom(parseSubject(given));
    } catch (error) {
      throw new OpensslError(`req: ${(error as Error).message}`);
    }
  }
  const section = config.get(settings.get('distinguished_name') ?? '');
  if (!section || settings.get('prompt') !== 'no')
    throw new OpensslError('req: name the subject with -subj "/CN=…", or in a configuration with prompt = no');
  return nameFrom(
    [...section].map(([name, value]) => {
      const oid = SHORT_TO_OID[name.replace(/^\d+\./, '')];
      if (!oid) throw new OpensslError(`req: unknown attribute ${name} in the configuration`);
      return [oid, value];
    }),
  );
}

async function keyFor(run: OpensslRun, options: Options, settings: Map<string, string>): Promise<KeyObject> {
  if (options.has('key')) return loadKey(run, options.get('key'), 'private key', options.get('passin'));
  const kind = options.get('newkey') ?? `rsa:${settings.get('default_bits') ?? 2048}`;
  const key = await newOfKind('req', kind, options.all('pkeyopt'));
  const isPlain = options.has('nodes') || options.has('noenc') || settings.get('encrypt_key') === 'no';
  const source = options.get('passout');
  if (!isPlain && source === undefined)
    throw new OpensslError('req: say -noenc for a key without a password, or name one with -passout pass:…');
  const target = options.get('keyout') ?? settings.get('default_keyfile') ?? 'privkey.pem';
  await writeOutput(run, target, keyPem(key, false, isPlain ? undefined : await passwordOf(run, source!)));
  return key;
}
