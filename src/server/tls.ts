import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { createCertificate } from '#pki/certificate.ts';
import { generateKeyPair } from '#pki/keys.ts';

const TEN_YEARS_MS = 10 * 365 * 86_400_000;

/**
 * The certificate of the Kubernetes listener: self-signed, made once and kept beside the database, so that a kubeconfig
 * a learner downloaded goes on working after a restart.
 */
export async function listenerCertificate(
  dataDir: string,
  host: string,
  now: number,
): Promise<{ certificate: string; privateKey: string }> {
  const names = [...new Set(['127.0.0.1', '::1', 'localhost', hostname(), host])];
  const file = join(dataDir, 'api-listener.json');
  const kept = read(file);
  if (kept && kept.names.join() === names.join()) return kept;
  const keys = await generateKeyPair('ec-p256');
  const certificate = await createCertificate({
    subject: 'CN=Mesh Academy clusters',
    publicKey: keys.publicKey,
    privateKey: keys.privateKey,
    notBefore: now - 3_600_000,
    notAfter: now + TEN_YEARS_MS,
    isCa: true,
    dnsNames: names.filter((name) => !isIP(name)),
    ipAddresses: names.filter((name) => isIP(name)),
    keyUsage: ['digitalSignature', 'certSign'],
    extendedKeyUsage: ['serverAuth'],
  });
  const made = { certificate, privateKey: keys.privateKey, names };
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  writeFileSync(file, JSON.stringify(made), { mode: 0o600 });
  return made;
}

function read(file: string): { certificate: string; privateKey: string; names: string[] } | undefined {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as { certificate: string; privateKey: string; names: string[] };
  } catch {
    return undefined;
  }
}
