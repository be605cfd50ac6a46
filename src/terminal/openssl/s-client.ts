import type { KeyObject } from 'node:crypto';
import { once } from 'node:events';
import { isIP } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { writePem } from '#pki/pem.ts';
import { type CertificateParts, readCertificate } from '#pki/structure.ts';
import { type Handshake, handshake } from '../peer.ts';
import { buildChain } from './chain.ts';
import { dateText } from './hex.ts';
import { bitsOf, keyAlgorithmName } from './key-text.ts';
import { nameText } from './names.ts';
import { OpensslError, type OptionTable, readOptions } from './options.ts';
import { signatureName } from './text.ts';
import { loadCertificates, loadKey, type OpensslRun } from './world.ts';

const TABLE: OptionTable = {
  connect: 'value',
  host: 'value',
  port: 'value',
  servername: 'value',
  noservername: 'flag',
  showcerts: 'flag',
  CAfile: 'value',
  cert: 'value',
  key: 'value',
  alpn: 'value',
  verify_return_error: 'flag',
  verify: 'value',
  verify_hostname: 'value',
  partial_chain: 'flag',
  brief: 'flag',
  quiet: 'flag',
  ign_eof: 'flag',
  tls1_2: 'flag',
  tls1_3: 'flag',
  'no-CAfile': 'flag',
  crlf: 'flag',
  state: 'flag',
  prexit: 'flag',
};
const REFUSED: Record<string, string> = {
  starttls: 'nothing in the labs speaks such a protocol',
  CApath: 'name the certificates with -CAfile',
  proxy: 'there is no proxy in the lab terminal',
  msg: 'records are not printed',
  debug: 'records are not printed',
};

/** `openssl s_client`: shakes hands, prints what it saw, then passes standard input on until it ends. */
export async function sClient(run: OpensslRun): Promise<number> {
  const options = readOptions('s_client', TABLE, run.args, REFUSED);
  const { stdout, stderr, signal } = run.context;
  const [host, port] = targetOf(options.get('connect') ?? options.rest[0], options.get('host'), options.get('port'));
  const trusted = options.get('CAfile') ? await loadCertificates(run, options.get('CAfile')!, 'CAfile') : [];
  const own = options.get('cert')
    ? await loadCertificates(run, options.get('cert')!, 'client certificate file')
    : undefined;
  const key = own
    ? await loadKey(run, options.get('key') ?? options.get('cert'), 'client certificate private key file')
    : undefined;
  const servername = options.has('noservername')
    ? undefined
    : (options.get('servername') ?? (isIP(host) || !host.includes('.') ? undefined : host));
  const hands = await connect(run, host, port, {
    ...(servername ? { servername } : {}),
    ...(own && key ? { cert: own.map(({ raw }) => writePem('CERTIFICATE', raw)).join(''), key: pemOf(key) } : {}),
    ...(options.get('alpn') ? { ALPNProtocols: options.get('alpn')!.split(',') } : {}),
    ...(options.has('tls1_2') ? { maxVersion: 'TLSv1.2' as const } : {}),
    ...(options.has('tls1_3') ? { minVersion: 'TLSv1.3' as const } : {}),
  });
  const { socket, chain } = hands;
  if (!servername) await stderr.write("Can't use SSL_get_servername\n");
  try {
    const quiet = options.has('quiet') || options.has('brief');
    if (!quiet) await stdout.write('CONNECTED(00000003)\n');
    const shown = chain.map((each) => readCertificate(each));
    const verdict = await judge(run, shown, trusted, {
      hostname: options.get('verify_hostname'),
      partial: options.has('partial_chain'),
      brief: options.has('brief'),
    });
    if (options.has('verify_return_error') && verdict.code !== 0) {
      await stderr.write(`verification failed: ${verdict.text}\n`);
      return 1;
    }
    const report = options.has('brief')
      ? briefly(socket, shown, verdict)
      : inFull(socket, hands.bytes, shown, verdict, options.has('showcerts'));
    if (options.has('brief')) await stderr.write(report);
    else if (!options.has('quiet')) await stdout.write(report);
    return await converse(run, socket, options.has('ign_eof') || options.has('quiet'));
  } finally {
    socket.destroy();
    signal.throwIfAborted();
  }
}

function targetOf(connectTo: string | undefined, host: string | undefined, port: string | undefined): [string, number] {
  const match = /^(?:(\[[^\]]+\]|[^:]*):)?(\d+)$/.exec(connectTo ?? `${host ?? 'localhost'}:${port ?? '4433'}`);
  if (!match)
    throw new OpensslError(`s_client: -connect argument or target parameter malformed or ambiguous: ${connectTo}`);
  return [(match[1] || 'localhost').replace(/^\[|\]$/g, ''), Number(match[2])];
}

const pemOf = (key: KeyObject): string => key.export({ type: 'pkcs8', format: 'pem' }) as string;

async function connect(
  run: OpensslRun,
  host: string,
  port: number,
  tls: Parameters<typeof handshake>[3],
): Promise<Handshake> {
  const { signal } = run.context;
  try {
    return await handshake(run.options.dial, host, port, tls, signal);
  } catch (error) {
    signal.throwIfAborted();
    const { code, message } = error as { code?: string; message: string };
    const reasons: Record<string, string> = {
      ECONNREFUSED: 'connect:errno=111',
      EHOSTUNREACH: 'connect:errno=113',
    };
    if (code === 'ENOTFOUND')
      throw new OpensslError(
        `BIO_lookup_ex: Name or service not known: ${host}\n(the terminal is outside the cluster; forward a port with kubectl)\nconnect:errno=22`,
      );
    if (code && reasons[code])
      throw new OpensslError(
        `BIO_connect: ${code === 'ECONNREFUSED' ? 'Connection refused' : 'No route to host'}\n${reasons[code]}`,
      );
    await run.context.stdout.write('CONNECTED(00000003)\n');
    throw new OpensslError(code === 'ECONNRESET' ? 'write:errno=104' : message.replace(/\n+$/, ''));
  }
}

interface Verdict {
  code: number;
  text: string;
}

/** Prints a line a certificate as s_client's callback does, and returns how it ends. */
async function judge(
  run: OpensslRun,
  chain: CertificateParts[],
  trusted: CertificateParts[],
  how: { hostname: string | undefined; partial: boolean; brief: boolean },
): Promise<Verdict> {
  const [leaf, ...untrusted] = chain;
  if (!leaf) return { code: 0, text: 'ok' };
  const built = buildChain({
    leaf,
    untrusted,
    trusted,
    partial: how.partial,
    goesOn: true,
    at: run.options.clock.now(),
    purpose: '1.3.6.1.5.5.7.3.1',
    ...(how.hostname ? { hostname: how.hostname } : {}),
  });
  const { stderr } = run.context;
  // The number of the last error stays with the lines that follow, good ones as well.
  let code = 0;
  for (const event of built.events) {
    if (event.code !== 0) code = event.code;
    else if (how.brief) continue;
    await stderr.write(`depth=${event.depth} ${nameText(event.certificate.subject)}\n`);
    if ('text' in event) await stderr.write(`verify error:num=${event.code}:${event.text}\n`);
    await stderr.write(detail(code, event.certificate));
    if (!how.brief) await stderr.write('verify return:1\n');
  }
  const last = built.errors.at(-1);
  return last ? { code: last.code, text: last.text } : { code: 0, text: 'ok' };
}

function detail(code: number, certificate: CertificateParts): string {
  if (code === 2) return `issuer= ${nameText(certificate.issuer)}\n`;
  if (code === 9) return `notBefore=${dateText(certificate.notBefore)}\n`;
  return code === 10 ? `notAfter=${dateText(certificate.notAfter)}\n` : '';
}

function inFull(
  socket: TLSSocket,
  bytes: Handshake['bytes'],
  chain: CertificateParts[],
  verdict: Verdict,
  all: boolean,
): string {
  let text = '---\nCertificate chain\n';
  for (const [i, each] of chain.entries()) {
    const { key, algorithm } = each.publicKey;
    text += ` ${i} s:${nameText(each.subject)}\n   i:${nameText(each.issuer)}\n`;
    text += `   a:PKEY: ${keyAlgorithmName(algorithm.oid)}, ${key ? bitsOf(key) : 0} (bit); sigalg: ${certificateSignature(each)}\n`;
    text += `   v:NotBefore: ${dateText(each.notBefore)}; NotAfter: ${dateText(each.notAfter)}\n`;
    if (all) text += writePem('CERTIFICATE', each.raw);
  }
  const [leaf] = chain;
  text += '---\n';
  if (leaf)
    text += `Server certificate\n${all ? '' : writePem('CERTIFICATE', leaf.raw)}subject=${nameText(leaf.subject)}\nissuer=${nameText(leaf.issuer)}\n---\n`;
  else text += 'no peer certificate available\n---\n';
  const cipher = socket.getCipher();
  const protocol = socket.getProtocol() ?? '';
  text += 'No client certificate CA names sent\n';
  const signed = leaf && signatureOf(socket, leaf);
  if (signed) text += `Peer signing digest: ${signed.digest}\nPeer signature type: ${signed.type}\n`;
  text += `${temporaryKey(socket)}---\nSSL handshake has read ${bytes.read} bytes and written ${bytes.written} bytes\n`;
  text += verdict.code === 0 ? 'Verification: OK\n' : `Verification error: ${verdict.text}\n`;
  text += `---\nNew, ${protocol}, Cipher is ${cipher.name}\n`;
  if (leaf?.publicKey.key) text += `Server public key is ${bitsOf(leaf.publicKey.key)} bit\n`;
  const negotiated = typeof socket.alpnProtocol === 'string' && socket.alpnProtocol !== '';
  const isNew = protocol === 'TLSv1.3';
  text += `Secure Renegotiation IS${isNew ? ' NOT' : ''} supported\nCompression: NONE\nExpansion: NONE\n`;
  text += negotiated ? `ALPN protocol: ${socket.alpnProtocol}\n` : 'No ALPN negotiated\n';
  if (isNew) text += 'Early data was not sent\n';
  return `${text}Verify return code: ${verdict.code} (${verdict.text})\n---\n`;
}

/** What signed the handshake; of an EC key in TLS 1.3 its curve says it, of others it is not known here. */
function signatureOf(
  socket: TLSSocket,
  { publicKey: { key } }: CertificateParts,
): { digest: string; type: string } | undefined {
  if (socket.getProtocol() !== 'TLSv1.3' || key?.asymmetricKeyType !== 'ec') return undefined;
  const bits = bitsOf(key);
  return { digest: `SHA${bits === 521 ? 512 : bits}`, type: 'ECDSA' };
}

function temporaryKey(socket: TLSSocket): string {
  const key = socket.getEphemeralKeyInfo() as { name?: string; size?: number } | null;
  if (!key?.name) return '';
  if (key.size === undefined) return `Negotiated TLS1.3 group: ${key.name}\n`;
  return `Server Temp Key: ${key.name === 'X25519' ? 'X25519' : `ECDH, ${key.name}`}, ${key.size} bits\n`;
}

/** For one certificate the chain names its own algorithm in capitals. */
function certificateSignature(each: CertificateParts): string {
  const name = signatureName(each.signatureAlgorithm.oid);
  return name.startsWith('sha')
    ? name.replace(/^sha(\d+)With/, 'RSA-SHA$1').replace('RSA-SHA256RSAEncryption', 'RSA-SHA256')
    : name;
}

function briefly(socket: TLSSocket, [leaf]: CertificateParts[], verdict: Verdict): string {
  let text = `CONNECTION ESTABLISHED\nProtocol version: ${socket.getProtocol()}\nCiphersuite: ${socket.getCipher().name}\n`;
  if (leaf) text += `Peer certificate: ${nameText(leaf.subject)}\n`;
  const signed = leaf && signatureOf(socket, leaf);
  if (signed) text += `Hash used: ${signed.digest}\nSignature type: ${signed.type}\n`;
  text += verdict.code === 0 ? 'Verification: OK\n' : `Verification error: ${verdict.text}\n`;
  return text + temporaryKey(socket);
}

/** Passes input on and prints what comes back. `Q` alone on a line, or the end of input, closes. */
async function converse(run: OpensslRun, socket: TLSSocket, ignoreEnd: boolean): Promise<number> {
  const { stdin, stdout, stderr, signal } = run.context;
  const stop = new AbortController();
  const either = AbortSignal.any([signal, stop.signal]);
  const sending = (async () => {
    try {
      for (let chunk = await stdin.read(either); chunk; chunk = await stdin.read(either)) {
        if (!ignoreEnd && Buffer.from(chunk).toString('latin1').startsWith('Q')) break;
        if (!socket.write(chunk)) await once(socket, 'drain', { signal: either });
      }
      if (!ignoreEnd) {
        await stderr.write('DONE\n');
        socket.end();
        socket.destroySoon();
      }
    } catch {
      // Ctrl-C, or the server closed first: nothing is left to send.
    }
  })();
  try {
    for await (const chunk of socket) await stdout.write(chunk as Buffer);
    return 0;
  } catch (error) {
    signal.throwIfAborted();
    const reason = (error as { reason?: string }).reason;
    if (!reason) return 0;
    await stderr.write(`error: ${reason}\n`);
    return 1;
  } finally {
    stop.abort();
    await sending;
  }
}
