import type { KubeObject } from '#kube/api/types.ts';
import { generateIdentity, generateWebhooks } from './certificates.ts';
import { defaultValues } from './default-values.ts';
import { applyHighAvailability } from './high-availability.ts';
import { merged } from './overrides.ts';
import { renderInstall } from './render.ts';
import type { Values } from './values.ts';

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
