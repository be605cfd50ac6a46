import { createCertificate } from '#pki/certificate.ts';
import { generateKeyPair } from '#pki/keys.ts';
import { NAMESPACE } from '../labels.ts';

export interface Pair {
  certificate: string;
  privateKey: string;
}
export interface VizPairs {
  tap: Pair;
  tapInjector: Pair;
}

const DAY_MS = 86_400_000;

/** Serving certificates, made anew at every render, as the chart does. */
export async function vizPairs(now: number): Promise<VizPairs> {
  const make = async (name: string): Promise<Pair> => {
    const keys = await generateKeyPair('ec-p256');
    const host = `${name}.${NAMESPACE}.svc`;
    const certificate = createCertificate({
      subject: `CN=${host}`,
      publicKey: keys.publicKey,
      privateKey: keys.privateKey,
      notBefore: now,
      notAfter: now + 365 * DAY_MS,
      isCa: true,
      keyUsage: ['digitalSignature', 'keyEncipherment', 'certSign'],
      extendedKeyUsage: ['serverAuth', 'clientAuth'],
      dnsNames: [host],
    });
    return { certificate, privateKey: keys.privateKey };
  };
  const [tap, tapInjector] = await Promise.all([make('tap'), make('tap-injector')]);
  return { tap, tapInjector };
}
