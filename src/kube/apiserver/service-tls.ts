import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import tls from 'node:tls';
import { verifyChain } from '#pki/verify.ts';

/** What the API server shows of itself, PEM. */
export interface ClientPair {
  certificate: string;
  privateKey: string;
}

/**
 * TLS to a Service of the cluster: its chain must end in `caBundle` (base64 of PEM) and name `host`, at the cluster's
 * time. Rejects in Go's words; the caller ends the stream then.
 */
export async function secured(
  stream: Duplex,
  options: { host: string; caBundle: string | undefined; now: number; signal: AbortSignal; show?: ClientPair },
): Promise<tls.TLSSocket> {
  const { host, caBundle, now, signal, show } = options;
  const socket = tls.connect({
    socket: stream as Socket,
    servername: host,
    rejectUnauthorized: false,
    ...(show ? { cert: show.certificate, key: show.privateKey } : {}),
  });
  socket.on('error', () => {});
  await new Promise<void>((resolve, reject) => {
    socket.once('secureConnect', resolve);
    socket.once('error', reject);
    socket.once('close', () => reject(new Error('EOF')));
    signal.addEventListener('abort', () => reject(new Error('context deadline exceeded')), { once: true });
  });
  const { raw } = socket.getPeerCertificate();
  const anchors = (Buffer.from(caBundle ?? '', 'base64')
    .toString()
    .match(/-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----/g) ?? []) as string[];
  const result = verifyChain({ chain: [raw], anchors, at: now, dnsName: host, anchorDates: 'check' });
  if (!result.ok) throw new Error(`tls: failed to verify certificate: ${result.message}`);
  return socket;
}
