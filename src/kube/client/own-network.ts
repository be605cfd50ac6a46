import type { X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import type { Duplex } from 'node:stream';
import { type ConnectionOptions, checkServerIdentity, connect } from 'node:tls';
import { parseCertificates } from '#pki/certificate.ts';
import { verifyChain } from '#pki/verify.ts';

/** The network and the time of an embedded cluster, for clients that live in it. */
export interface OwnNetwork {
  dial(host: string, port: number): Promise<Duplex>;
  /** The cluster's time: certificates are judged by it. ms since the epoch. */
  now(): number;
}

/** TLS to a server of an embedded cluster. The stream fails when the server's certificate does not hold there and then. */
export async function dialTls(
  network: OwnNetwork,
  to: { host: string; port: number; serverName?: string | undefined },
  options: ConnectionOptions,
): Promise<Duplex> {
  const { host, port } = to;
  const socket = await network.dial(host, port);
  const name = to.serverName ?? host;
  const stream = connect({
    ...options,
    // Node would judge by the host's clock.
    rejectUnauthorized: false,
    socket,
    ...(isIP(name) ? {} : { servername: name }),
  });
  socket.once('error', (error) => stream.destroy(error));
  // A reset during the handshake is told twice, by the connection and by TLS over it; whoever waits hears of the first.
  stream.on('error', () => {});
  await new Promise<void>((resolve, reject) => {
    stream.once('error', reject);
    stream.once('close', () => reject(new Error('the connection was closed during the TLS handshake')));
    stream.once('secureConnect', resolve);
  });
  if (options.rejectUnauthorized === false) return stream;
  const failure = failureOf(stream.getPeerX509Certificate(), String(options.ca ?? ''), name, network.now());
  if (!failure) return stream;
  stream.destroy();
  throw new Error(`tls: failed to verify certificate: ${failure}`);
}

function failureOf(leaf: X509Certificate | undefined, ca: string, name: string, now: number): string | undefined {
  if (!leaf) return 'the server showed none';
  const chain = [leaf.raw];
  for (let each = leaf.issuerCertificate; each && each !== leaf && chain.length < 8; each = each.issuerCertificate) {
    if (chain.some((known) => known.equals(each!.raw))) break;
    chain.push(each.raw);
  }
  const anchors = parseCertificates(ca).map(({ raw }) => raw);
  const result = verifyChain({ chain, anchors, at: now, anchorDates: 'check' });
  if (!result.ok) return result.message;
  return checkServerIdentity(name, leaf.toLegacyObject())?.message;
}
