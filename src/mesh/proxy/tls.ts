import type { X509Certificate } from 'node:crypto';
import type { Duplex } from 'node:stream';
import * as tls from 'node:tls';
import type { Clock } from '#base/clock.ts';
import { dnsNamesOf, urisOf } from '#pki/certificate.ts';
import { verifyChain } from '#pki/verify.ts';

/** A peer's chain that does not hold; the message is rustls' name for it, as the proxy logs it. */
export class PeerError extends Error {}

/** What `wrap` needs of the proxy: its certificate, its anchors and the time. */
export interface TlsCredentials {
  /** Absent until the first certificate. */
  readonly context: tls.SecureContext | undefined;
  readonly anchors: X509Certificate[];
  /** Distinguishes bundles in the cache of verified chains. */
  readonly anchorsId: string;
  readonly clock: Clock;
}

interface Verified {
  from: number;
  until: number;
}

/** Chains verified before, so that each handshake costs no more signatures than TLS itself. Bounded, by insertion. */
const verified = new Map<string, Verified>();
const MOST_VERIFIED = 1_024;

const FAILURES: Record<string, string> = { 'unknown-authority': 'UnknownIssuer', 'bad-signature': 'BadSignature' };

/** Why a certificate does not hold, in the words of rustls: with the times where time is what is wrong. */
function datesProblem(certificates: X509Certificate[], now: number): string | undefined {
  const seconds = (ms: number) => Math.floor(ms / 1000);
  const at = `verification time ${seconds(now)} (UNIX), but certificate is not valid`;
  for (const { validFrom, validTo } of certificates) {
    const [from, until] = [seconds(Date.parse(validFrom)), seconds(Date.parse(validTo))];
    if (seconds(now) < from)
      return `certificate not valid yet: ${at} before ${from} (${from - seconds(now)} seconds in future)`;
    if (seconds(now) > until) return `certificate expired: ${at} after ${until} (${seconds(now) - until} seconds ago)`;
  }
  return undefined;
}

function nameProblem(leaf: X509Certificate, wanted: string): string {
  const names = [
    ...dnsNamesOf(leaf).map((name) => `DnsName("${name}")`),
    ...urisOf(leaf).map((uri) => `URI("${uri}")`),
  ];
  const own = names.length > 1 ? `${names.slice(0, -1).join(', ')} or ${names.at(-1)}` : names[0];
  return `certificate not valid for name "${wanted}"; certificate is ${own ? `only valid for ${own}` : 'not valid for any names (according to its subjectAltName extension)'}`;
}

/** The leaf and what its sender put behind it. */
function chainOf(leaf: X509Certificate): X509Certificate[] {
  const chain: X509Certificate[] = [];
  for (let each: X509Certificate | undefined = leaf; each && chain.length < 8; each = each.issuerCertificate) {
    if (chain.some((known) => known.fingerprint256 === each?.fingerprint256)) break;
    chain.push(each);
  }
  return chain;
}

/** Verifies whom a TLS peer showed to be, at the cluster's time; the anchors' own dates do not count (webpki). */
function verifyPeer(
  socket: tls.TLSSocket,
  credentials: TlsCredentials,
  identity?: string,
): X509Certificate | undefined {
  const leaf = socket.getPeerX509Certificate();
  if (!leaf) return undefined;
  const now = credentials.clock.now();
  const key = `${credentials.anchorsId}/${leaf.fingerprint256}`;
  const known = verified.get(key);
  if (!known) {
    const chain = chainOf(leaf);
    const result = verifyChain({
      chain: chain.map((each) => each.raw),
      anchors: credentials.anchors.map((each) => each.raw),
      at: now,
      anchorDates: 'ignore',
    });
    if (!result.ok) throw new PeerError(datesProblem(chain, now) ?? FAILURES[result.failure] ?? result.message);
    if (verified.size >= MOST_VERIFIED) verified.delete(verified.keys().next().value as string);
    verified.set(key, {
      from: Math.max(...chain.map((each) => Date.parse(each.validFrom))),
      until: Math.min(...chain.map((each) => Date.parse(each.validTo))),
    });
  } else if (now >= known.until + 1_000 || now < known.from) {
    throw new PeerError(datesProblem(chainOf(leaf), now) ?? 'Expired');
  }
  if (identity !== undefined && !dnsNamesOf(leaf).includes(identity) && !urisOf(leaf).includes(identity))
    throw new PeerError(nameProblem(leaf, identity));
  return leaf;
}

/** First DNS name or URI of a leaf: whom it speaks for. */
const identityOf = (leaf: X509Certificate): string | undefined => dnsNamesOf(leaf)[0] ?? urisOf(leaf)[0];

export interface Established {
  socket: tls.TLSSocket;
  /** Absent when the client showed no certificate. */
  identity?: string;
  alpn: string | undefined;
}

/**
 * Ends TLS on an accepted connection, speaking one of `alpn` where the client wants any. Rejects when the handshake fails
 * or the client's certificate does not hold.
 */
export function acceptTls(connection: Duplex, credentials: TlsCredentials, alpn?: string[]): Promise<Established> {
  return new Promise((resolve, reject) => {
    const { context } = credentials;
    if (!context) return reject(new PeerError('not yet certified'));
    const socket = new tls.TLSSocket(connection, {
      isServer: true,
      secureContext: context,
      requestCert: true,
      rejectUnauthorized: false,
      ...(alpn ? { ALPNProtocols: alpn } : {}),
    } as tls.TLSSocketOptions);
    const fail = (error: Error) => {
      socket.off('secure', done);
      socket.destroy();
      connection.destroy(error);
      reject(error);
    };
    const done = () => {
      socket.off('error', fail);
      socket.off('close', onClose);
      socket.on('error', () => {});
      // Only tls.Server clears this; HTTP/2 waits for it.
      (socket as { secureConnecting?: boolean }).secureConnecting = false;
      try {
        const leaf = verifyPeer(socket, credentials);
        const identity = leaf && identityOf(leaf);
        resolve({ socket, alpn: socket.alpnProtocol || undefined, ...(identity ? { identity } : {}) });
      } catch (error) {
        fail(error as Error);
      }
    };
    const onClose = () => fail(new PeerError('connection closed'));
    socket.once('secure', done);
    socket.once('error', fail);
    socket.once('close', onClose);
  });
}

/** Opens TLS to a peer that must be `identity`, a DNS name or a URI. Offers the proxy's own certificate when it has one. */
export function connectTls(
  connection: Duplex,
  credentials: TlsCredentials,
  identity: string,
  alpn?: string[],
  serverName = identity,
): Promise<Established> {
  return new Promise((resolve, reject) => {
    const socket = tls.connect({
      socket: connection,
      servername: serverName,
      secureContext: credentials.context ?? bareContext(),
      rejectUnauthorized: false,
      minVersion: 'TLSv1.3',
      ...(alpn ? { ALPNProtocols: alpn } : {}),
    });
    const fail = (error: Error) => {
      socket.destroy();
      connection.destroy();
      reject(error);
    };
    const onClose = () => fail(new PeerError('connection closed'));
    socket.once('error', fail);
    socket.once('close', onClose);
    socket.once('secureConnect', () => {
      socket.off('error', fail);
      socket.off('close', onClose);
      socket.on('error', () => {});
      try {
        if (!verifyPeer(socket, credentials, identity)) throw new PeerError('NoCertificatesPresented');
        resolve({ socket, identity, alpn: socket.alpnProtocol || undefined });
      } catch (error) {
        fail(error as Error);
      }
    });
  });
}

let bare: tls.SecureContext | undefined;
/** For a proxy that has no certificate yet. An empty list of authorities spares loading the system's. */
function bareContext(): tls.SecureContext {
  bare ??= tls.createSecureContext({ minVersion: 'TLSv1.3', ca: [] });
  return bare;
}
