import type { KubeObject } from '#kube/api/types.ts';
import { asCertificate, parseCertificates } from '#pki/certificate.ts';
import { algorithmOf, keysMatch, parsePrivateKey } from '#pki/keys.ts';
import { verifyChain } from '#pki/verify.ts';
import { generateIdentity, generateWebhooks } from './certificates.ts';
import { applyHighAvailability } from './high-availability.ts';
import { merged } from './overrides.ts';
import { renderInstall } from './render.ts';
import { defaultValues, type Values } from './values.ts';

export interface InstallOptions {
  /** Instant that certificates are made and judged at, ms since the epoch. */
  now: number;
  namespace?: string;
  /** All three or none; without them one self-signed authority is made. */
  anchors?: string;
  issuer?: { certificate: string; privateKey: string };
  /** How long a leaf lives, e.g. `24h0m0s`. */
  issuanceLifetime?: string;
  defaultInboundPolicy?: string;
  highAvailability?: boolean;
  /** Laid over the chart's values last. */
  values?: Partial<Values>;
}

/** A control plane ready to be applied, in order. What a pre-installed mesh and `linkerd install` share. */
export async function planInstall(options: InstallOptions): Promise<KubeObject[]> {
  const { now, namespace = 'linkerd' } = options;
  let values = defaultValues();
  if (options.highAvailability) applyHighAvailability(values);
  if (options.issuanceLifetime) values.identity.issuer.issuanceLifetime = options.issuanceLifetime;
  if (options.defaultInboundPolicy) values.proxy.defaultInboundPolicy = options.defaultInboundPolicy;
  if (options.values) values = merged(values, options.values);
  if (options.anchors && options.issuer) {
    values.identityTrustAnchorsPEM = ended(options.anchors);
    values.identity.issuer.tls = {
      crtPEM: ended(options.issuer.certificate),
      keyPEM: ended(options.issuer.privateKey),
    };
  }
  const [webhooks] = await Promise.all([
    generateWebhooks({ now, namespace }),
    ensureIdentity(values, { now, namespace }),
  ]);
  return renderInstall({ namespace, values, webhooks, now });
}

/** Makes anchor and issuer where the values have none. */
export async function ensureIdentity(
  values: Values,
  options: { now: number; namespace: string; trustDomain?: string },
): Promise<void> {
  const external = values.identity.issuer.scheme !== 'linkerd.io/tls' || values.identity.externalCA;
  if (external || values.identityTrustAnchorsPEM) return;
  const made = await generateIdentity(options);
  values.identityTrustAnchorsPEM = ended(made.certificate);
  values.identity.issuer.tls = { crtPEM: ended(made.certificate), keyPEM: ended(made.privateKey) };
}

const ended = (pem: string): string => `${pem.trim()}\n`;

/**
 * What is wrong with an issuer for these anchors, in the words of install and upgrade; undefined when nothing is.
 * Only an issuer that has expired, or does not fit, is refused: a short life is fine.
 */
export function issuerProblem(
  issuer: { crtPEM: string; keyPEM?: string },
  anchors: string,
  now: number,
): string | undefined {
  try {
    const certificate = asCertificate(issuer.crtPEM);
    if (issuer.keyPEM) {
      const key = parsePrivateKey(issuer.keyPEM);
      if (!keysMatch(certificate.publicKey, key)) return 'tls: private key does not match public key';
    }
    if (algorithmOf(certificate.publicKey) !== 'ec-p256') {
      return 'issuer certificate must use ECDSA P-256 for its public key';
    }
    if (!certificate.ca) return 'issuer cert is not a CA';
    return verifyProblem(issuer.crtPEM, anchors, now);
  } catch (error) {
    return (error as Error).message;
  }
}

/** Whether a certificate chains to one of the anchors at an instant, as Go judges it. */
export function verifyProblem(certificates: string, anchors: string, now: number): string | undefined {
  const result = verifyChain({
    chain: parseCertificates(certificates).map((each) => each.raw),
    anchors: parseCertificates(anchors).map((each) => each.raw),
    at: now,
    anchorDates: 'check',
  });
  return result.ok ? undefined : result.message;
}
