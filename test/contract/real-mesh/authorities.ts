import { createPrivateKey, generateKeyPairSync } from 'node:crypto';
import { createCertificate } from '#pki/certificate.ts';

/** A certificate that is made when a group is played, with its key: `NAME.crt` and `NAME.key`. */
export interface AuthorityPlan {
  /** Who signs it; a root without. */
  under?: string;
  /** Default: that of a root, or of Linkerd's issuer. */
  name?: string;
  /** Days from today: when it begins to hold and when it ends. Default: yesterday, in ten years (a root) or one. */
  days?: [number, number];
  /** When it ends, in seconds from now. */
  seconds?: number;
  rsa?: boolean;
  /** `false`: it may not sign others. */
  ca?: boolean;
  /** No new certificate but those of these, one after the other, in one file. */
  bundle?: string[];
}

const DAY_MS = 86_400_000;

/** The files of a group's authorities, signers before what they signed. */
export function authorityFiles(plans: Record<string, AuthorityPlan> = {}): Record<string, string> {
  const made = new Map<string, { certificate: string; privateKey: string }>();
  const bundles: Record<string, string> = {};
  const now = Date.now();
  for (const [file, { under, name, days, seconds, rsa, ca = true, bundle }] of Object.entries(plans)) {
    if (bundle) {
      bundles[`${file}.crt`] = bundle.map((each) => made.get(each)?.certificate).join('');
      continue;
    }
    const pair = rsa
      ? generateKeyPairSync('rsa', { modulusLength: 2048 })
      : generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const privateKey = pair.privateKey.export({ type: 'pkcs8', format: 'pem' }) as string;
    const signer = under === undefined ? undefined : made.get(under);
    if (under !== undefined && !signer) throw new Error(`${file} is signed by ${under}, which comes later or never`);
    const [from, until] = days ?? [-1, signer ? 365 : 3650];
    const certificate = createCertificate({
      subject: `CN=${name ?? (signer ? 'identity.linkerd.cluster.local' : 'root.linkerd.cluster.local')}`,
      publicKey: pair.publicKey.export({ type: 'spki', format: 'pem' }) as string,
      notBefore: now + from * DAY_MS,
      notAfter: now + (seconds === undefined ? until * DAY_MS : seconds * 1000),
      ...(signer ? { signer, dnsNames: ['identity.linkerd.cluster.local'] } : { privateKey }),
      ...(ca
        ? { isCa: true, pathLength: signer ? 0 : 1, keyUsage: ['certSign', 'crlSign'] as const }
        : { keyUsage: ['digitalSignature'] as const }),
    } as Parameters<typeof createCertificate>[0]);
    made.set(file, { certificate, privateKey });
  }
  return {
    ...bundles,
    ...Object.fromEntries(
      [...made].flatMap(([file, { certificate, privateKey }]) => [
        [`${file}.crt`, certificate],
        [`${file}.key`, asWritten(privateKey)],
      ]),
    ),
  };
}

/** As `openssl` and `step` write keys of elliptic curves: SEC 1. */
function asWritten(privateKey: string): string {
  const key = createPrivateKey(privateKey);
  return key.asymmetricKeyType === 'ec' ? (key.export({ type: 'sec1', format: 'pem' }) as string) : privateKey;
}
