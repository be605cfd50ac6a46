import type { Duplex } from 'node:stream';
import { connect as connectTls, type PeerCertificate, type TLSSocket } from 'node:tls';
import type { CommandContext } from '../command.ts';
import { judge, readCertificates, sentCertificates } from './certificate.ts';
import { CERTIFICATE_ADVICE, CurlFailure } from './failure.ts';
import type { CurlOptions } from './options.ts';
import type { Target } from './url.ts';

export interface CurlWorld {
  /** Rejects with code ECONNREFUSED, ENOTFOUND, ETIMEDOUT, ECONNRESET, … */
  dial(host: string, port: number, signal: AbortSignal): Promise<Duplex>;
  /** Connections that stayed open, by scheme, host and port: the next URL of the same command may use them. */
  idle?: Map<string, Opened>;
}

/** Instants of one transfer, ms after its start. */
export interface Timings {
  start: number;
  lookup: number;
  connect: number;
  tls: number;
  pretransfer: number;
  firstByte: number;
  total: number;
}

export interface Opened {
  stream: Duplex;
  remoteIp: string;
  remotePort: number;
  localIp: string;
  localPort: number;
  /** Agreed by ALPN. */
  isHttp2: boolean;
  /** 0, or OpenSSL's number of what is wrong with the certificate. */
  verifyResult: number;
  /** Settles when the last exchange has let go of the stream. */
  freed?: Promise<void>;
}

interface Addressed extends Duplex {
  remoteAddress?: string;
  remotePort?: number;
  localAddress?: string;
  localPort?: number;
}

export type Note = (line: string) => Promise<void>;

/** Where to dial: `--resolve host:port:address` and `--connect-to host:port:host:port` replace it. */
function addressOf(options: CurlOptions, target: Target): { host: string; port: number } {
  let { host, port } = target;
  for (const rule of options.connectTo) {
    const [fromHost, fromPort, toHost, toPort] = rule.split(':');
    if ((fromHost && fromHost !== host) || (fromPort && fromPort !== String(port))) continue;
    host = toHost || host;
    port = Number(toPort || port);
    break;
  }
  for (const rule of options.resolve) {
    const match = /^[-+]?([^:]+):(\d+):(.+)$/.exec(rule);
    if (!match) throw new CurlFailure(49, `Could not parse CURLOPT_RESOLVE entry '${rule}'`);
    if ((match[1] === host || match[1] === '*') && Number(match[2]) === port)
      host = match[3]!.split(',')[0]!.replace(/^\[|\]$/g, '');
  }
  return { host, port };
}

/** A world that does not hear the signal is not waited for; a connection that comes too late is closed. */
async function dial(
  world: CurlWorld,
  address: { host: string; port: number },
  signal: AbortSignal,
): Promise<Addressed> {
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const onAbort = () => reject(signal.reason);
  if (signal.aborted) throw signal.reason;
  signal.addEventListener('abort', onAbort, { once: true });
  const dialling = world.dial(address.host, address.port, signal);
  try {
    return await Promise.race([dialling, aborted]);
  } catch (error) {
    if (signal.aborted)
      dialling.then(
        (late) => late.destroy(),
        () => {},
      );
    throw error;
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}

/** Connects, and for https makes the handshake. */
export async function open(
  world: CurlWorld,
  context: CommandContext,
  options: CurlOptions,
  target: Target,
  timings: Timings,
  signal: AbortSignal,
  note: Note,
): Promise<Opened> {
  const address = addressOf(options, target);
  const started = performance.now();
  let raw: Addressed;
  try {
    raw = await dial(world, address, signal);
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    throw dialFailure(error as Error & { code?: string }, target, address, performance.now() - started);
  }
  raw.on('error', () => {});
  timings.lookup ||= performance.now() - timings.start;
  timings.connect = performance.now() - timings.start;
  const opened: Opened = {
    stream: raw,
    remoteIp: raw.remoteAddress ?? address.host,
    remotePort: raw.remotePort ?? address.port,
    localIp: raw.localAddress ?? '',
    localPort: raw.localPort ?? 0,
    isHttp2: options.http === 'prior-knowledge',
    verifyResult: 0,
  };
  await note(`*   Trying ${opened.remoteIp}:${address.port}...`);
  await note(`* Connected to ${target.host} (${opened.remoteIp}) port ${address.port}`);
  if (target.scheme === 'https') await secure(context, options, target, opened, timings, signal, note);
  return opened;
}

function dialFailure(
  error: Error & { code?: string },
  target: Target,
  address: { host: string; port: number },
  ms: number,
): CurlFailure {
  const after = `Failed to connect to ${target.host} port ${address.port} after ${Math.round(ms)} ms:`;
  switch (error.code) {
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return new CurlFailure(6, `Could not resolve host: ${target.host}`);
    case 'ETIMEDOUT':
    case 'ESOCKETTIMEDOUT':
      return new CurlFailure(28, `${after} Connection timed out`);
    case 'ECONNRESET':
      return new CurlFailure(56, 'Recv failure: Connection reset by peer');
    default:
      return new CurlFailure(7, `${after} Could not connect to server`);
  }
}

async function readPem(
  context: CommandContext,
  path: string,
  otherwise: (reason: string) => CurlFailure,
): Promise<string> {
  try {
    return await context.fs.readFile(context.fs.resolvePath(context.cwd, path));
  } catch {
    throw otherwise('No such file or directory');
  }
}

async function secure(
  context: CommandContext,
  options: CurlOptions,
  target: Target,
  opened: Opened,
  timings: Timings,
  signal: AbortSignal,
  note: Note,
): Promise<void> {
  const caFile = options.caCert ?? context.env['CURL_CA_BUNDLE'] ?? context.env['SSL_CERT_FILE'];
  const badCa = () =>
    new CurlFailure(77, `error setting certificate verify locations:  CAfile: ${caFile} CApath: none`);
  const ca = caFile && !options.insecure ? await readPem(context, caFile, badCa) : undefined;
  if (ca !== undefined && !ca.includes('-----BEGIN')) throw badCa();
  const badCert = () =>
    new CurlFailure(
      58,
      `could not load PEM client certificate from ${options.cert}, (no key found, wrong pass phrase, or wrong file format?)`,
    );
  const cert = options.cert ? await readPem(context, options.cert.replace(/:[^/:]*$/, ''), badCert) : undefined;
  const key = options.key
    ? await readPem(
        context,
        options.key,
        () => new CurlFailure(58, `unable to set private key file: '${options.key}' type PEM`),
      )
    : cert;
  const protocols =
    options.http === '2' ? ['h2', 'http/1.1'] : options.http === 'prior-knowledge' ? ['h2'] : ['http/1.1'];
  await note(`* ALPN: curl offers ${protocols.join(',')}`);
  let socket: TLSSocket;
  try {
    socket = connectTls({
      socket: opened.stream,
      ...(/^[\d.]+$|:/.test(target.host) ? {} : { servername: target.host }),
      // The verdict is ours: it is given at the time of the lab's clock.
      rejectUnauthorized: false,
      ALPNProtocols: protocols,
      ca: ca === undefined ? [] : [ca],
      ...(cert === undefined ? {} : { cert, key: key ?? cert }),
      ...(options.tlsMin ? { minVersion: options.tlsMin } : {}),
      ...(options.tlsMax ? { maxVersion: options.tlsMax } : {}),
    });
  } catch {
    opened.stream.destroy();
    throw badCert();
  }
  const onAbort = () => socket.destroy();
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    await new Promise<void>((resolve, reject) => {
      socket.once('secureConnect', resolve);
      socket.once('error', reject);
      socket.once('close', () => reject(Object.assign(new Error('closed'), { code: 'EOF' })));
    });
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    throw handshakeFailure(error as Error & { code?: string; reason?: string }, target);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
  socket.on('error', () => {});
  opened.stream = socket;
  // Prior knowledge holds where the server agrees on nothing, too.
  opened.isHttp2 = socket.alpnProtocol === 'h2' || (options.http === 'prior-knowledge' && !socket.alpnProtocol);
  timings.tls = performance.now() - timings.start;
  const cipher = socket.getCipher();
  const peer = socket.getPeerCertificate(true);
  const problem = judge(sentCertificates(peer), readCertificates(ca ?? ''), target.host, context.clock.now());
  opened.verifyResult = problem?.number ?? 0;
  await note(`* SSL connection using ${socket.getProtocol()} / ${cipher.standardName ?? cipher.name}`);
  await note(
    socket.alpnProtocol
      ? `* ALPN: server accepted ${socket.alpnProtocol}`
      : '* ALPN: server did not agree on a protocol. Uses default.',
  );
  await note('* Server certificate:');
  await note(`*  subject: ${nameOf(peer.subject)}`);
  await note(`*  start date: ${peer.valid_from}`);
  await note(`*  expire date: ${peer.valid_to}`);
  await note(`*  issuer: ${nameOf(peer.issuer)}`);
  if (!problem) {
    await note('*  SSL certificate verify ok.');
    return;
  }
  if (options.insecure) {
    await note(`*  SSL certificate verify result: ${problem.text} (${problem.number}), continuing anyway.`);
    return;
  }
  socket.destroy();
  throw new CurlFailure(60, `${problem.about}: ${problem.text}\n${CERTIFICATE_ADVICE}`.trimEnd());
}

function nameOf(name: PeerCertificate['subject'] | undefined): string {
  return Object.entries(name ?? {})
    .map(([key, value]) => `${key}=${String(value)}`)
    .join('; ');
}

function handshakeFailure(error: Error & { code?: string; reason?: string }, target: Target): CurlFailure {
  if (error.code === 'ECONNRESET' && !/disconnected before secure/.test(error.message))
    return new CurlFailure(35, 'Recv failure: Connection reset by peer');
  if (error.code === 'EOF' || error.code === 'ECONNRESET')
    return new CurlFailure(
      35,
      `TLS connect error: error:00000000:lib(0)::reason(0) in connection to ${target.host}:${target.port}`,
    );
  if (
    error.code === 'ERR_SSL_WRONG_VERSION_NUMBER' ||
    /wrong version number|packet length too long/.test(error.message)
  )
    return new CurlFailure(35, 'TLS connect error: error:0A00010B:SSL routines::wrong version number');
  return new CurlFailure(35, `TLS connect error: ${error.reason ? `SSL routines::${error.reason}` : error.message}`);
}
