import { createCertificate } from '#pki/certificate.ts';
import { generateKeyPair } from '#pki/keys.ts';
import type { KeyAlgorithm } from '#pki/types.ts';
import type { WebhookMaterial } from './destination.ts';
import type { Webhooks } from './render.ts';

const DAY_MS = 24 * 3_600_000;
const YEAR_MS = 365 * DAY_MS;
/** What the CLI allows for clocks that disagree, at either end. */
const SKEW_MS = 10_000;

export interface Issuer {
  certificate: string;
  privateKey: string;
}

/**
 * What `linkerd install` makes when it is given no certificates: one self-signed P-256 authority that is anchor and
 * issuer at once, named after the chart's trust domain value, which is empty unless it was set (observed: `CN=identity.linkerd.`).
 */
export async function generateIdentity(options: {
  now: number;
  namespace?: string;
  trustDomain?: string;
  algorithm?: KeyAlgorithm;
}): Promise<Issuer> {
  const keys = await generateKeyPair(options.algorithm ?? 'ec-p256');
  const certificate = createCertificate({
    subject: `CN=identity.${options.namespace ?? 'linkerd'}.${options.trustDomain ?? ''}`,
    publicKey: keys.publicKey,
    privateKey: keys.privateKey,
    notBefore: options.now - SKEW_MS,
    notAfter: options.now + YEAR_MS + SKEW_MS,
    isCa: true,
    keyUsage: ['certSign', 'crlSign'],
    extendedKeyUsage: ['serverAuth', 'clientAuth'],
    serial: '1',
  });
  return { certificate, privateKey: keys.privateKey };
}

/**
 * One webhook's self-signed serving certificate. The chart makes RSA keys; P-256 takes a hundredth of the time and
 * nothing looks at the difference.
 */
async function webhook(name: string, namespace: string, now: number): Promise<WebhookMaterial> {
  const keys = await generateKeyPair('ec-p256');
  const dns = `linkerd-${name}.${namespace}.svc`;
  const certificate = createCertificate({
    subject: `CN=${dns}`,
    publicKey: keys.publicKey,
    privateKey: keys.privateKey,
    notBefore: now,
    notAfter: now + YEAR_MS,
    isCa: true,
    keyUsage: ['digitalSignature', 'keyEncipherment', 'certSign'],
    extendedKeyUsage: ['serverAuth', 'clientAuth'],
    dnsNames: [dns],
  });
  return { certificate, privateKey: keys.privateKey, caBundle: certificate };
}

export async function generateWebhooks(options: { now: number; namespace?: string }): Promise<Webhooks> {
  const { now, namespace = 'linkerd' } = options;
  const [proxyInjector, spValidator, policyValidator] = await Promise.all(
    ['proxy-injector', 'sp-validator', 'policy-validator'].map((name) => webhook(name, namespace, now)),
  );
  return { proxyInjector: proxyInjector!, spValidator: spValidator!, policyValidator: policyValidator! };
}
