import type { Duplex } from 'node:stream';
import { type ConnectionOptions, connect, type DetailedPeerCertificate, type TLSSocket } from 'node:tls';

export type Dial = (host: string, port: number, signal?: AbortSignal) => Promise<Duplex>;

export interface Handshake {
  socket: TLSSocket;
  /** DER, leaf first, as the server sent them. */
  chain: Uint8Array[];
  /** Bytes of the handshake in either direction. */
  bytes: { read: number; written: number };
}

/**
 * A TLS handshake with a server, whatever its certificate: who asks judges the chain, at the cluster's time. Rejects as `dial`
 * does, and with the handshake's own error.
 */
export async function handshake(
  dial: Dial,
  host: string,
  port: number,
  options: ConnectionOptions,
  signal: AbortSignal,
): Promise<Handshake> {
  const duplex = await dial(host, port, signal);
  const counted = count(duplex);
  return new Promise((resolve, reject) => {
    const socket = connect({ ...options, socket: duplex, rejectUnauthorized: false });
    const stop = () => {
      socket.destroy();
      reject(signal.reason);
    };
    signal.addEventListener('abort', stop, { once: true });
    socket.once('secureConnect', () => {
      signal.removeEventListener('abort', stop);
      resolve({ socket, chain: chainOf(socket.getPeerCertificate(true)), bytes: { ...counted } });
    });
    socket.once('error', (error) => {
      signal.removeEventListener('abort', stop);
      reject(error);
    });
    socket.once('close', () => reject(Object.assign(new Error('the connection was closed'), { code: 'ECONNRESET' })));
  });
}

/** Counts what passes through a stream; a TLS socket over a stream that is not the machine's own does not. */
function count(duplex: Duplex): { read: number; written: number } {
  const counted = { read: 0, written: 0 };
  const write = duplex.write.bind(duplex) as (chunk: Uint8Array, ...rest: unknown[]) => boolean;
  duplex.on('data', (chunk: Uint8Array) => {
    counted.read += chunk.length;
  });
  duplex.write = ((chunk: Uint8Array, ...rest: unknown[]) => {
    counted.written += chunk.length;
    return write(chunk, ...rest);
  }) as Duplex['write'];
  return counted;
}

function chainOf(leaf: DetailedPeerCertificate): Uint8Array[] {
  const chain: Uint8Array[] = [];
  for (let each = leaf; each?.raw; each = each.issuerCertificate) {
    if (chain.some((known) => Buffer.compare(known, each.raw) === 0)) break;
    chain.push(each.raw);
  }
  return chain;
}
